"""Parsing of the command line with typer."""
