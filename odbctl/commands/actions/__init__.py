"""The work of commands, once their words are parsed; shared by typer and the quick path."""
