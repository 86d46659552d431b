"""`odbctl event …`: what happened, and why."""

from __future__ import annotations

from odbctl.commands._app import command, new_app
from odbctl.commands._options import EventLimit, EventService
from odbctl.commands._results import Listing, Result
from odbctl.commands._session import session

app = new_app("event")


@command(app, "list", example="odbctl event list --service hello -n 20")
def list_(service: EventService = None, lines: EventLimit = 100) -> Result:
    """List events, the newest last."""
    from odbctl.engine.api.status import list_events

    with session().open_engine() as engine:
        found = list_events(engine, service=service, limit=lines)
    return Listing("event", found, "no events")
