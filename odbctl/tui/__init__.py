"""The dashboard: screens that know frozen data and messages only."""
