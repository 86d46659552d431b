"""Use cases of one run of a job that was requested: wait for its end, follow its log.

Interrupting them leaves the run as it is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from odbctl.engine.api.documents import InstanceDocument, LogDocument
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.instance_listing import show_instance
from odbctl.engine.api.lookups import find_service
from odbctl.engine.api.outdated import PATIENCE_SECONDS, outdated_error, outdated_manager
from odbctl.engine.api.results import Progress
from odbctl.engine.api.status import describe_one
from odbctl.engine.api.waiting import OnProgress, wait_until
from odbctl.engine.model.core import ServiceInstance
from odbctl.engine.reconcile.describe import ServiceState
from odbctl.errors import ConflictError, TimedOutError
from odbctl.units import exact_duration

# As a shell reports a process that a signal ended.
SIGNAL_BASE = 128
LOOK_SECONDS = 0.2
UNKNOWN_END = 1


def wait_for_run(
    engine: Engine,
    service: str,
    run: str,
    *,
    timeout_seconds: float | None,
    on_progress: OnProgress,
) -> InstanceDocument:
    """Wait until a requested run has ended; return its instance.

    Raises:
        ConflictError: The run was cancelled before it began.
        ManagerOutdatedError: The manager runs an earlier odbctl and does not begin the run.
        NotFoundError: The service was removed meanwhile.
        TimedOutError: It has not ended in time; it goes on.
    """
    reported: list[str] = []
    began_at = time.monotonic()

    def look() -> bool:
        has_ended, state = _look(engine, service, run, began_at=began_at)
        if reported[-1:] != [state]:
            reported.append(state)
            on_progress(Progress(0, 0, state))
        return has_ended

    if not wait_until(engine, look, timeout_seconds):
        raise _late(run, timeout_seconds)
    return show_instance(engine, run)


def _look(engine: Engine, service: str, run: str, *, began_at: float) -> tuple[bool, str]:
    """Return whether a run has ended, and its state. Needs an open view."""
    found = find_service(service)
    instance = ServiceInstance.lookup_unique(name=run)
    if instance is not None:
        return instance.ended_at is not None, instance.state.value
    if found.requested_run != run:
        raise ConflictError(
            f"run {run!r} was cancelled before it began", hint=f"odbctl service runs {service}"
        )
    document = describe_one(engine, found)
    is_due = document["state"] == ServiceState.STARTING
    if is_due and time.monotonic() >= began_at + PATIENCE_SECONDS:
        host = outdated_manager()
        if host is not None:
            raise outdated_error(f"run {run!r} has not begun", host)
    return False, document["reason"] or document["state"]


def follow_run(
    engine: Engine, service: str, run: str, *, timeout_seconds: float | None
) -> Iterator[LogDocument]:
    """Yield what a requested run writes, until it has ended.

    Raises:
        ConflictError: The run was cancelled before it began.
        ManagerOutdatedError: The manager runs an earlier odbctl and does not begin the run.
        NotFoundError: The service was removed meanwhile.
        TimedOutError: It has not ended in time; it goes on.
    """
    from odbctl.engine.api.logs import LogFilter
    from odbctl.engine.telemetry.follow import LogFollower

    shown = LogFilter()
    began_at = time.monotonic()
    deadline = None if timeout_seconds is None else began_at + timeout_seconds
    with LogFollower(engine.home.logs, service, instances={run}) as follower:
        yield from shown.documents(follower.start(since=0.0))
        has_ended = False
        while not has_ended:
            with engine.db.view():
                has_ended, _state = _look(engine, service, run, began_at=began_at)
            yield from shown.documents(follower.read(final=has_ended))
            if deadline is not None and time.monotonic() >= deadline and not has_ended:
                raise _late(run, timeout_seconds)
            if not has_ended:
                follower.wait(LOOK_SECONDS)


def _late(run: str, timeout_seconds: float | None) -> TimedOutError:
    return TimedOutError(
        f"run {run!r} has not ended within {exact_duration(timeout_seconds or 0.0)}",
        hint=f"it continues in the background: odbctl instance show {run}",
    )


def exit_code_of(instance: InstanceDocument) -> int:
    """Return the exit code of an ended run as a shell does: 128 + N after signal N."""
    end = instance["exit"]
    if end is None or (end["code"] is None and end["signal"] is None):
        return UNKNOWN_END
    return SIGNAL_BASE + end["signal"] if end["signal"] is not None else end["code"] or 0
