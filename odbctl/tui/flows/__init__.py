"""Changing things from the dashboard, step by step: choose, look, confirm, watch."""
