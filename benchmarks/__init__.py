"""Measurements against references, as ratios in one run: `make bench`."""
