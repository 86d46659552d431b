"""Logs: written by the worker itself, read by everyone else."""
