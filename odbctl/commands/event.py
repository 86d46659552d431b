"""`odbctl event …`: what happened, and why."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from odbctl.commands.output.results import Listing, Result, Stream
from odbctl.commands.parsing.app import command, new_app
from odbctl.commands.parsing.options import EventService, Grep, Since, Until
from odbctl.commands.session import session

if TYPE_CHECKING:
    from odbctl.engine.api.events import EventFilter

DEFAULT_LINES = 100

app = new_app("event")

EventInstance = Annotated[
    str | None, typer.Option("--instance", metavar="ID", help="Only this instance")
]
EventLevel = Annotated[
    str | None, typer.Option("--level", metavar="LEVEL", help="info, warning or error, and above")
]
EventReason = Annotated[
    str | None,
    typer.Option("--reason", metavar="WORD", help="Only events with this reason, such as crashed"),
]


def _filter(
    service: str | None,
    instance: str | None,
    level: str | None,
    reason: str | None,
    since: str | None,
    until: str | None,
    grep: str | None,
) -> EventFilter:
    from odbctl.engine.api.events import EventFilter
    from odbctl.engine.api.times import parse_since

    now = time.time()
    return EventFilter(
        service=service,
        instance=instance,
        level=level,
        reason=reason,
        since=None if since is None else parse_since(since, now),
        until=None if until is None else parse_since(until, now),
        grep=grep,
    )


@command(
    app,
    "list",
    example=(
        "odbctl event list --service hello -n 20",
        "odbctl event list --level error --since 1d",
    ),
)
def list_(
    service: EventService = None,
    instance: EventInstance = None,
    level: EventLevel = None,
    reason: EventReason = None,
    since: Since = None,
    until: Until = None,
    grep: Grep = None,
    lines: Annotated[
        int | None,
        typer.Option("--tail", "--lines", "-n", metavar="N", help="Only the last N", min=1),
    ] = None,
) -> Result:
    """List events, the newest last; the last 100, or all since a time."""
    from odbctl.engine.api.events import find_events

    wanted = _filter(service, instance, level, reason, since, until, grep)
    limit = lines or (None if since is not None else DEFAULT_LINES)
    with session().open_engine() as engine:
        found = find_events(engine, wanted, limit=limit)
    return Listing("event", found, "no events")


@command(app, "watch", example=("odbctl event watch --level warning", "odbctl event watch -o json"))
def watch(
    service: EventService = None,
    instance: EventInstance = None,
    level: EventLevel = None,
    reason: EventReason = None,
    since: Since = None,
    grep: Grep = None,
) -> Result:
    """Print events as they happen, until interrupted; --since prints earlier ones first."""
    from odbctl.engine.api.events import watch_events

    wanted = _filter(service, instance, level, reason, since, None, grep)
    engine = session().open_engine()
    try:
        return Stream("event", watch_events(engine, wanted))
    except BaseException:
        engine.close()
        raise
