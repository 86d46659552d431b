"""Cells: a reactive tree that a service describes once and every screen can draw."""
