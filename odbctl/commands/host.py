"""`odbctl host …`: where instances run."""

from __future__ import annotations

from typing import Annotated, get_args

import typer

from odbctl.commands.actions.confirm import confirm
from odbctl.commands.actions.waiting import done
from odbctl.commands.output.results import Listing, Result, Single
from odbctl.commands.parsing.app import command, new_app
from odbctl.commands.parsing.options import HostName, Yes
from odbctl.commands.session import session
from odbctl.errors import UsageError, shown

app = new_app("host")

Placement = Annotated[str | None, typer.Option(metavar="GROUP", help="The host's placement group")]
Cores = Annotated[
    float | None,
    typer.Option(metavar="X", help="Cores that may be reserved; 0: all of the machine", min=0.0),
]
RamGb = Annotated[
    float | None,
    typer.Option(metavar="Y", help="RAM that may be reserved; 0: all of the machine", min=0.0),
]
MaxInstances = Annotated[
    str | None, typer.Option(metavar="N|none", help="Maximum number of instances")
]


@command(app, "list", example="odbctl host list")
def list_() -> Result:
    """List hosts."""
    from odbctl.engine.api.status import list_hosts

    with session().open_engine() as engine:
        found = list_hosts(engine)
    return Listing("host", found, "no hosts: odbctl manager start")


@command(app, "show", example="odbctl host show local")
def show(name: HostName) -> Result:
    """Show one host."""
    from odbctl.engine.api.status import show_host

    with session().open_engine() as engine:
        return Single(show_host(engine, name), "show")


def _set_draining(name: str, is_draining: bool) -> Result:
    from odbctl.engine.api.hosts import set_draining

    with session().open_engine() as engine:
        return done(set_draining(engine, name, is_draining))


@command(app, "drain", example="odbctl host drain local")
def drain(name: HostName) -> Result:
    """Place no new instances on a host; running instances stay."""
    return _set_draining(name, is_draining=True)


@command(app, "undrain", example="odbctl host undrain local")
def undrain(name: HostName) -> Result:
    """Place instances on a host again."""
    return _set_draining(name, is_draining=False)


@command(app, "enable", example="odbctl host enable local")
def enable(name: HostName) -> Result:
    """Place instances on a host again: the same as undrain."""
    return _set_draining(name, is_draining=False)


@command(app, "disable", example="odbctl host disable local")
def disable(name: HostName) -> Result:
    """Place no new instances on a host; running instances stay: the same as drain."""
    return _set_draining(name, is_draining=True)


@command(
    app,
    "set",
    example=("odbctl host set local --max-instances 20", "odbctl host set local --cores 0"),
)
def set_(
    name: HostName,
    placement: Placement = None,
    cores: Cores = None,
    ram_gb: RamGb = None,
    max_instances: MaxInstances = None,
) -> Result:
    """Change the limits and the placement group of a host.

    The change applies to new instances at once, and overrides the options of the manager.
    """
    from odbctl.engine.api.hosts import HostChanges, set_host

    changes = HostChanges(
        placement=placement,
        cores=cores,
        ram_gb=ram_gb,
        max_instances=None if max_instances is None else _limit(max_instances),
    )
    if changes == HostChanges():
        raise UsageError("nothing to change", hint="odbctl host set --help")
    with session().open_engine() as engine:
        return done(set_host(engine, name, changes))


def _limit(text: str) -> int:
    if text == "none":
        return -1
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise UsageError(
            f"{shown(text)} is not a number of instances", hint="for example 20, or none"
        )
    return int(text)


@command(
    app,
    "edit",
    example=("odbctl host edit local", "EDITOR='code --wait' odbctl host edit local"),
)
def edit(name: HostName) -> Result:
    """Change a host in an editor: $VISUAL, $EDITOR, vi or nano.

    It opens a TOML text with the settings of `host set`, and applies the values that were
    changed. When a value is refused, the editor opens again with the error on top.
    """
    from odbctl.commands.actions.editor import edit_text
    from odbctl.engine.api.editable_settings import editable_host, read_host_edits, settings_text
    from odbctl.engine.api.hosts import set_host

    options = {
        "placement": Placement,
        "cores": Cores,
        "ram-gb": RamGb,
        "max-instances": MaxInstances,
    }
    helps = {key: str(get_args(hint)[1].help) for key, hint in options.items()}
    helps["max-instances"] += ', or "none"'
    with session().open_engine() as engine:
        host = editable_host(engine, name)
        return edit_text(
            name,
            settings_text(host, helps),
            lambda edited: done(set_host(engine, name, read_host_edits(host, edited))),
            noun="host",
        )


@command(app, "remove", example="odbctl host remove build --yes")
def remove(
    name: HostName,
    force: Annotated[
        bool, typer.Option("--force", help="Kill the remaining instances of the host")
    ] = False,
    yes: Yes = False,
) -> Result:
    """Remove a host that has no manager; a manager of that name adds it again.

    It is refused while the host has instances, unless --force kills them.
    """
    from odbctl.engine.api.hosts import remove_host
    from odbctl.engine.api.status import show_host

    with session().open_engine() as engine:
        left = show_host(engine, name)["instances"]
        killed = f" and kill {left} instances" if force and left else ""
        confirm(f"Remove host {name}{killed}?", yes=yes)
        return done(remove_host(engine, name, ends_instances=force))
