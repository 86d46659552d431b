"""The screens of the dashboard, one for each view."""
