"""Printing of results and errors. Only `render` writes; the rest makes text."""
