"""The engine: everything that works without a screen, in layers that import downwards."""
