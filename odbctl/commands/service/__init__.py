"""The commands of `odbctl service`."""
