"""What a command does once its words are parsed, whether typer or the quick way parsed them."""
