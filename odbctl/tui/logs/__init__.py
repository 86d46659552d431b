"""The log viewer: a pager over logs of any size, a widget, and a screen."""
