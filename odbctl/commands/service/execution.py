"""`odbctl service exec` and `shell`: run something where an instance runs."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from odbctl.commands.output.results import Result
from odbctl.commands.parsing.app import command, new_app
from odbctl.commands.parsing.options import OfInstance, ServiceName
from odbctl.commands.session import session
from odbctl.errors import NotFoundError, NotPermittedError, UsageError

if TYPE_CHECKING:
    from odbctl.engine.api.execute import Place

_CONNECTED = "import odbctl; db = odbctl.connect(); print('db is connected; with db.view(): ...')"

app = new_app("service")


@command(
    app,
    "exec",
    example=(
        "odbctl service exec hello -- ls -l",
        "odbctl service exec hello --instance hello-3 -- python -m hello_world.check",
    ),
)
def exec_(name: ServiceName, instance: OfInstance = None) -> Result:
    """Run a command, given after `--`, in the environment of an instance.

    It runs in the folder of the instance, with its environment, release and interpreter, and
    its exit code is returned. Without a running instance, the environment of the last one is
    used.
    """
    words = session().words_after_dashes
    if not words:
        raise UsageError("missing command", hint=f"odbctl service exec {name} -- COMMAND")
    _become(_place(name, instance), list(words))


@command(
    app,
    "shell",
    example=("odbctl service shell hello", "odbctl service shell hello --python"),
)
def shell(
    name: ServiceName,
    instance: OfInstance = None,
    python: Annotated[
        bool, typer.Option("--python", help="An interpreter, in which `db` is connected")
    ] = False,
) -> Result:
    """Open a shell in the environment of an instance; leaving it stops nothing."""
    place = _place(name, instance)
    if python:
        interpreter = place.python or sys.executable
        _become(place, [interpreter, "-i", "-c", _CONNECTED])
    _become(place, [os.environ.get("SHELL") or "/bin/sh"])


def _place(name: str, instance: str | None) -> Place:
    from odbctl.engine.api.execute import find_place

    with session().open_engine() as engine:
        place = find_place(engine, name, instance=instance)
    if place.note:
        session().say(f"note: {place.note}; using its environment")
    return place


def _become(place: Place, words: list[str]) -> NoReturn:
    """Be the command from here on."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(place.folder)
    try:
        os.execvpe(words[0], words, place.environment)
    except FileNotFoundError as error:
        raise NotFoundError("command", words[0]) from error
    except OSError as error:
        raise NotPermittedError(f"cannot run {words[0]}: {error.strerror}") from error
