"""Start and stop services, for typer and the quick path.

No typer here, for these are asked for as often as any reading.
"""

from __future__ import annotations

import gc

from odbctl.errors import ConflictError
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odbctl.commands.output.results import Done, Result
    from odbctl.commands.session import Session
    from odbctl.engine.api.engine import Engine
    from odbctl.engine.api.results import Change


def start(
    session: Session,
    names: Sequence[str],
    *,
    count: int | None,
    wait: bool,
    timeout: float | None,
    deps: bool = True,
    everything: bool = False,
) -> Result:
    """Start services and what they depend on, and wait until they run."""
    from odbctl.commands.actions.several import for_each
    from odbctl.engine.api.services import start_dependencies, start_service

    with session.open_engine() as engine:

        def begin(name: str) -> Change:
            change = start_service(engine, name, count=count)
            if deps and change.document["depends_on"]:
                for other in start_dependencies(engine, name):
                    session.say(f"starting {other}, which {name} depends on")
            return change

        def finish(change: Change) -> Done:
            result = _rolled_out(engine, change, wait=wait, timeout=timeout)
            return _started(change, result, wait=wait)

        return for_each(engine, names, begin, finish, everything=everything)


def _started(change: Change, result: Done, *, wait: bool) -> Done:
    """Describe a start after the wait for it."""
    name = change.document["name"]
    if change.document["target_count"] and not result.document["target_count"]:
        raise ConflictError(
            f"service {name!r} was stopped while it started", hint=f"odbctl service start {name}"
        )
    was_short = change.document["running_count"] < change.document["target_count"]
    if wait and was_short and change.action == "unchanged":
        return result._replace(action="started")
    return result


def stop(
    session: Session,
    names: Sequence[str],
    *,
    wait: bool,
    timeout: float | None,
    everything: bool = False,
) -> Result:
    """Stop services, and wait until no instance of them is left."""
    from odbctl.commands.actions.several import for_each
    from odbctl.engine.api.services import stop_service

    with session.open_engine() as engine:

        def finish(change: Change) -> Done:
            result = _rolled_out(engine, change, wait=wait, timeout=timeout)
            if change.action == "unchanged":
                return result._replace(message=change.message)
            name = change.document["name"]
            return result._replace(message=f"service {name}") if wait else result

        return for_each(
            engine, names, lambda name: stop_service(engine, name), finish, everything=everything
        )


def _rolled_out(engine: Engine, change: Change, *, wait: bool, timeout: float | None) -> Done:
    # Import these after the change is committed: managers work on it meanwhile. Import the
    # renderer now as well, so that the result is printed without a delay.
    __import__("odbctl.commands.output.render")
    from odbctl.commands.actions.waiting import rolled_out

    if not gc.isenabled():
        gc.freeze()  # a first collection over all imported objects would take 4 ms
        gc.enable()  # the wait may be long
    return rolled_out(engine, change, wait=wait, timeout=timeout, follows_release=False)
