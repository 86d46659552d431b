"""`odbctl host …`: where instances run."""

from __future__ import annotations

from odbctl.commands._app import command, new_app
from odbctl.commands._options import HostName
from odbctl.commands._results import Listing, Result, Single
from odbctl.commands._session import session
from odbctl.commands._waiting import done

app = new_app("host")


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
    """Place no new instances on a host; what runs there goes on."""
    return _set_draining(name, is_draining=True)


@command(app, "undrain", example="odbctl host undrain local")
def undrain(name: HostName) -> Result:
    """Let a host take instances again."""
    return _set_draining(name, is_draining=False)
