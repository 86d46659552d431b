"""The use cases: all that commands and the dashboard may call of the engine."""
