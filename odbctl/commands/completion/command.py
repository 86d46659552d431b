"""`odbctl completion SHELL`: prints the script that a shell loads."""

from __future__ import annotations

from typing import Annotated

import typer

from odbctl.commands.output.results import Result, Text
from odbctl.commands.parsing.app import command, new_app
from odbctl.errors import UsageError

app = new_app()


@command(
    app,
    "completion",
    example=(
        "source <(odbctl completion bash)",
        "odbctl completion zsh > ~/.zfunc/_odbctl",
        "odbctl completion fish > ~/.config/fish/completions/odbctl.fish",
    ),
)
def completion(
    shell: Annotated[str, typer.Argument(metavar="SHELL", help="bash, zsh or fish")],
) -> Result:
    """Print the completion script of a shell."""
    from odbctl.commands.completion.scripts import SHELLS, completion_script

    if shell not in SHELLS:
        raise UsageError(f"no shell {shell!r}", hint="one of " + ", ".join(SHELLS))
    return Text(completion_script(shell))
