"""`odbctl db …`: the object database of the home."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from odbctl.commands.actions.confirm import confirm
from odbctl.commands.output.results import Done, Listing, Result, Single, Stream, Text
from odbctl.commands.parsing.app import command, new_app
from odbctl.commands.parsing.options import Yes
from odbctl.commands.session import session
from odbctl.errors import UsageError
from odbctl.units import size

app = new_app("db")

EXIT_FAILED = 1
TypeName = Annotated[str, typer.Argument(metavar="TYPE", help="The type, such as core.Service")]


@command(app, "types", example="odbctl db types -o wide")
def types() -> Result:
    """List the types of objects, with their fields and indexes."""
    from odbctl.engine.api.store import list_types

    with session().open_engine() as engine:
        found = list_types(engine)
    return Listing("type", found, "no types: the database is empty")


@command(app, "path", example='sqlite3 -readonly "$(odbctl db path)" .tables')
def path() -> Result:
    """Print the path of the database file."""
    text = session().home.database_text
    document = {
        "kind": "path",
        "version": 1,
        "name": "database",
        "path": text,
        "exists": os.path.isfile(text),
    }
    return Text(text, document)


@command(app, "list", example="odbctl db list core.Service --where name=hello")
def list_(
    type_name: TypeName,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where", metavar="FIELD=VALUE", help="Only objects with this value; repeatable"
        ),
    ] = None,
    lines: Annotated[
        int, typer.Option("--lines", "-n", metavar="N", help="At most N", min=1)
    ] = 100,
    newest: Annotated[
        bool, typer.Option("--newest", help="The newest objects instead of the oldest")
    ] = False,
) -> Result:
    """List objects of a type, the oldest first."""
    from odbctl.engine.api.store import list_objects

    with session().open_engine() as engine:
        found = list_objects(engine, type_name, _equal(where or []), lines, newest=newest)
    return Listing("object", found, f"no matching objects of {type_name}")


@command(app, "show", example="odbctl db show core.Service hello")
def show(
    words: Annotated[
        list[str],
        typer.Argument(metavar="[TYPE] OID|NAME", help="The object, by its number or name"),
    ],
) -> Result:
    """Show one object with every field."""
    from odbctl.engine.api.store import show_object

    if len(words) > 2:
        raise UsageError(
            f"expected at most 2 words, got {len(words)}", hint="odbctl db show core.Service hello"
        )
    with session().open_engine() as engine:
        found = show_object(engine, words[-1], words[0] if len(words) == 2 else None)
    return Single(found, "object")


@command(app, "watch", example="odbctl db watch core.ServiceInstance -o json")
def watch(
    type_name: Annotated[
        str | None, typer.Argument(metavar="[TYPE]", help="Only objects of this type")
    ] = None,
) -> Result:
    """Print commits as they happen, until interrupted."""
    from odbctl.engine.api.store import watch_changes

    engine = session().open_engine()
    try:
        return Stream("change", watch_changes(engine, type_name))
    except BaseException:
        engine.close()
        raise


@command(app, "check", example="odbctl db check")
def check() -> Result:
    """Check the database: integrity, references, sizes; exit 1 when something is wrong."""
    from odbctl.engine.api.store import check_database

    found = list(check_database(session().home))
    is_ok = all(each["ok"] for each in found)
    return Listing("check", found, exit_code=0 if is_ok else EXIT_FAILED)


@command(app, "backup", example="odbctl db backup ~/odbctl.backup")
def backup(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file to write")],
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace the file")] = False,
) -> Result:
    """Write a backup of the database while everything keeps running."""
    from odbctl.engine.api.store import back_up

    done = back_up(session().home, Path(file).absolute(), force=force, progress=_progress())
    return Done("backed up", f"to {file} ({size(done['bytes'])})", done)


@command(app, "restore", example="odbctl db restore ~/odbctl.backup --yes")
def restore(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The backup file")],
    yes: Yes = False,
) -> Result:
    """Restore a backup; the previous database is kept beside it.

    Stop the manager and the services first: nothing may use the database meanwhile.
    """
    from odbctl.engine.api import store

    home = session().home
    confirm(f"Replace the database of {home.data} with {file}?", yes=yes)
    done = store.restore(home, Path(file).absolute())
    notes = (f"the previous database is kept as {done['old']}",) if done["old"] else ()
    return Done("restored", f"from {file} ({size(done['bytes'])})", done, notes)


def _equal(words: list[str]) -> dict[str, str]:
    equal: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name:
            raise UsageError(f"{word!r} is not FIELD=VALUE", hint="--where name=hello")
        equal[name] = value
    return equal


def _progress() -> Callable[[int, int], None] | None:
    """Return what shows how far a long copy is, on a terminal."""
    if not sys.stderr.isatty():
        return None

    def show(left: int, total: int) -> None:
        end = os.linesep if not left else ""
        print(f"\r{100 * (total - left) // max(1, total)} %", end=end, file=sys.stderr, flush=True)

    return show
