"""`odbctl demo`: a demonstration, with the real command line on a real repository."""

from __future__ import annotations

import os
import tempfile
from typing import Annotated

import typer

from odbctl.commands.output.results import Result, Text
from odbctl.commands.parsing.app import command, new_app
from odbctl.commands.session import session
from odbctl.errors import ConflictError

app = new_app()


@command(app, "demo", example=("odbctl demo", "odbctl demo --keep-running --home ~/odbctl-demo"))
def demo(
    keep_running: Annotated[
        bool, typer.Option("--keep-running", "-k", help="Keep the services running, and their home")
    ] = False,
) -> Result:
    """Run a demonstration in a temporary home.

    Creates a git repository from the hello_world example, adds it, runs two instances of its
    service, kills one and shows its replacement. Everything is stopped and removed afterwards,
    unless --keep-running is given. The home is a temporary folder; --home names another one,
    which must be empty.
    """
    from odbctl.commands.demo.story import Demo, tell_story

    with Demo(_folder(), is_kept=keep_running, has_color=session().out.has_color) as story:
        tell_story(story)
    return Text(story.farewell())


def _folder() -> str:
    """Return the home folder: the one given with `--home`, or a new one."""
    given = session().settings.flag("home")
    if given is None:
        return tempfile.mkdtemp(prefix="odbctl-demo-")
    folder = os.path.abspath(given)
    if os.path.isdir(folder) and os.listdir(folder):
        raise ConflictError(f"{folder} is not empty", hint="choose an empty folder for the demo")
    return folder
