"""From words to arguments: the bridge to typer."""
