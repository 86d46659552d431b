"""Commands: parse words, call one use case, hand its result to the renderer."""
