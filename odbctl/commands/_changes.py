"""What starting and stopping a service do, for both ways of parsing them.

No typer here, for these are asked for as often as any reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from odbctl.errors import ConflictError

if TYPE_CHECKING:
    from odbctl.commands._results import Done, Result
    from odbctl.commands._session import Session
    from odbctl.engine.api.engine import Engine
    from odbctl.engine.api.results import Change


def start(
    session: Session,
    name: str,
    *,
    count: int | None,
    wait: bool,
    timeout: float | None,
    deps: bool = True,
) -> Result:
    """Want a service to run, with what it depends on, and wait until it does."""
    from odbctl.engine.api.services import start_dependencies, start_service

    with session.open_engine() as engine:
        change = start_service(engine, name, count=count)
        if deps and change.document["depends_on"]:
            for other in start_dependencies(engine, name):
                session.say(f"starting {other}, which {name} depends on")
        was_short = change.document["running_count"] < change.document["desired_count"]
        result = _rolled_out(engine, change, wait=wait, timeout=timeout)
    if change.document["desired_count"] and not result.document["desired_count"]:
        raise ConflictError(
            f"service {name!r} was stopped while it started", hint=f"odbctl service start {name}"
        )
    if wait and was_short and change.action == "unchanged":
        counts = f"{result.document['ready_count']}/{result.document['desired_count']}"
        return result._replace(action="started", message=counts)
    return result


def stop(session: Session, name: str, *, wait: bool, timeout: float | None) -> Result:
    """Want no instance of a service, and wait until none is left."""
    from odbctl.engine.api.services import stop_service

    with session.open_engine() as engine:
        change = stop_service(engine, name)
        result = _rolled_out(engine, change, wait=wait, timeout=timeout)
    if change.action == "unchanged":
        return result._replace(message=change.message)
    return result._replace(message=f"service {name}") if wait else result


def _rolled_out(engine: Engine, change: Change, *, wait: bool, timeout: float | None) -> Done:
    # Imported when the wish is written: managers are at work by then.
    from odbctl.commands._waiting import rolled_out

    return rolled_out(engine, change, wait=wait, timeout=timeout, follows_release=False)
