"""Printing results and errors; pure text, but for `render`."""
