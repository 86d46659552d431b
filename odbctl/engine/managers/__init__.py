"""Managers: observe, reconcile, act, record; and the launcher that forks workers."""
