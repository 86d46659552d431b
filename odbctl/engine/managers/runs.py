"""Runs of scheduled services, written. Needs an open transaction; run by managers."""

from __future__ import annotations

import time

from odbctl.engine.model.core import Service
from odbctl.engine.model.events import record_service_event
from odbctl.engine.model.states import EventLevel
from odbctl.units import duration

# A clock that was set back leaves runs that are due too late; more than that is mended.
CLOCK_TOLERANCE_SECONDS = 2.0


def set_next_run(service: Service) -> None:
    """Work out when a service's next run is due."""
    if service.exists() and service.schedule is not None:
        service.next_run_at = _next(service)


def begin_run(service: Service, *, actor: str) -> None:
    """Begin the run that is due. Idempotent."""
    now = time.time()
    if not service.exists() or service.next_run_at is None or service.next_run_at > now:
        return
    record_service_event(service, "run", _lateness(now - service.next_run_at), actor=actor)
    service.next_run_at = _next(service)
    service.run_at = service.reset_at = now
    service.failed_starts = 0


def skip_run(service: Service, *, actor: str) -> None:
    """Leave out the run that is due. Idempotent."""
    if not service.exists() or service.next_run_at is None or service.next_run_at > time.time():
        return
    service.next_run_at = _next(service)
    text = "the previous run has not ended"
    record_service_event(service, "run-skipped", text, actor=actor, level=EventLevel.WARNING)


def mend_next_runs() -> bool:
    """Mend what a clock that was set back left too far ahead; tell whether there was any."""
    mended = False
    for service in Service.lookup_all():
        if service.schedule is None or service.next_run_at is None:
            continue
        due_at = _next(service)
        if service.next_run_at > due_at + CLOCK_TOLERANCE_SECONDS:
            service.next_run_at = due_at
            mended = True
    return mended


def _next(service: Service) -> float:
    assert service.schedule is not None  # asked of scheduled services only
    from odbctl.engine.managers.schedule import next_run_at  # time zones take memory

    return next_run_at(service.schedule, service.time_zone, after=time.time())


def _lateness(seconds: float) -> str:
    return "as scheduled" if seconds < 60 else f"scheduled, {duration(seconds)} late"
