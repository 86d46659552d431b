"""What a shell asks on a tab, and the scripts that make it ask."""
