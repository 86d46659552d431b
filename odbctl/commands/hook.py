"""`odbctl hook …`: what is called when something has happened."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from odbctl.commands._app import command, new_app
from odbctl.commands._confirm import confirm
from odbctl.commands._options import Yes, duration_option
from odbctl.commands._results import Listing, Result, Single
from odbctl.commands._session import session
from odbctl.commands._waiting import done
from odbctl.errors import UsageError

app = new_app("hook")

HookName = Annotated[str, typer.Argument(metavar="NAME", help="The hook")]


@command(
    app,
    "add",
    example=(
        "odbctl hook add mail --reason crashed --level error -- mail -s odbctl me@example.org",
        "odbctl hook add chat --url https://example.org/hooks/1 --service 'api*' "
        "--header-file token",
    ),
)
def add(
    name: HookName,
    url: Annotated[str, typer.Option(metavar="URL", help="Call this page (POST, JSON)")] = "",
    service: Annotated[
        str, typer.Option(metavar="PATTERN", help="Only events of such services, as api*")
    ] = "",
    reason: Annotated[
        list[str] | None,
        typer.Option("--reason", metavar="PATTERN", help="Only such events; repeatable"),
    ] = None,
    level: Annotated[
        str, typer.Option(metavar="LEVEL", help="info, warning or error, and above")
    ] = "info",
    header_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Lines of `Name: value` for the page")
    ] = None,
    debounce: Annotated[
        float, duration_option(text="No further call for an object for this long", default=10.0)
    ] = 10.0,
    timeout: Annotated[
        float, duration_option(text="End a call that takes longer", default=10.0)
    ] = 10.0,
) -> Result:
    """Add a hook: a command behind `--`, or a page, that is called for events.

    It gets the event as JSON (a command on standard input, and as ODBCTL_EVENT_… variables).
    Events of one object that come in the time of quiet are one call, with their count. The
    manager calls hooks beside its work; a call that fails is tried twice.
    """
    from odbctl.engine.api.hooks import HookOptions, add_hook

    options = HookOptions(
        command=session().words_after_dashes or (),
        url=url,
        service=service,
        reasons=tuple(reason or ()),
        level=level,
        headers=_headers(header_file),
        debounce_seconds=debounce,
        timeout_seconds=timeout,
    )
    with session().open_engine() as engine:
        return done(add_hook(engine, name, options))


def _headers(file: str | None) -> dict[str, str]:
    if file is None:
        return {}
    try:
        lines = Path(file).read_text().splitlines()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    headers: dict[str, str] = {}
    for line in filter(str.strip, lines):
        key, sign, value = line.partition(":")
        if not sign or not key.strip():
            raise UsageError(f"a line of {file} is not Name: value")
        headers[key.strip()] = value.strip()
    return headers


@command(app, "list", example="odbctl hook list")
def list_() -> Result:
    """List hooks."""
    from odbctl.engine.api.hooks import list_hooks

    with session().open_engine() as engine:
        return Listing("hook", list_hooks(engine), "no hooks: odbctl hook add --help")


@command(app, "show", example="odbctl hook show mail")
def show(name: HookName) -> Result:
    """Show one hook."""
    from odbctl.engine.api.hooks import show_hook

    with session().open_engine() as engine:
        return Single(show_hook(engine, name), "show")


@command(app, "test", example="odbctl hook test mail")
def test(name: HookName) -> Result:
    """Call a hook now, with an event that says so; exit 2 when it fails."""
    from odbctl.engine.api.hooks import try_hook

    with session().open_engine() as engine:
        return done(try_hook(engine, name))


@command(app, "remove", example="odbctl hook remove mail --yes")
def remove(name: HookName, yes: Yes = False) -> Result:
    """Remove a hook."""
    from odbctl.engine.api.hooks import remove_hook, show_hook

    with session().open_engine() as engine:
        show_hook(engine, name)
        confirm(f"Remove hook {name}?", yes=yes)
        return done(remove_hook(engine, name))
