"""Housekeeping: what a manager does every few seconds, besides its passes.

Each step is a short transaction of its own.
"""

from __future__ import annotations

import time

from odbctl.engine.managers.runs import mend_next_runs
from odbctl.engine.model.core import Event, Service, ServiceHost, ServiceInstance
from odbctl.engine.odb import Database

MAX_EVENTS = 100_000
KEPT_INSTANCES_PER_SERVICE = 100
# At most so many objects are deleted at a time, so that no transaction is long.
_BATCH = 500


def keep_house(db: Database, host_id: int) -> None:
    """Say that the host is alive, bound what is kept, and checkpoint the database."""

    def seen() -> None:
        ServiceHost.from_oid(host_id).last_seen_at = time.time()

    db.run(seen)
    with db.view():
        has_schedules = any(service.schedule for service in Service.lookup_all())
    if has_schedules:
        db.run(mend_next_runs)
    prune(db)
    db.checkpoint()


def prune(db: Database) -> None:
    """Delete the oldest events, and ended instances, past what is kept."""
    with db.view():
        doomed: list[Event | ServiceInstance] = [*_old_events(), *_old_instances()]

    def delete() -> None:
        for found in doomed[:_BATCH]:
            if found.exists():
                found.delete()

    if doomed:
        db.run(delete)


def _old_events() -> tuple[Event, ...]:
    return Event.lookup_oldest(min(Event.lookup_count() - MAX_EVENTS, _BATCH))


def _old_instances() -> list[ServiceInstance]:
    found: list[ServiceInstance] = []
    for service in Service.lookup_all():
        surplus = ServiceInstance.lookup_count(service=service, is_current=False)
        surplus -= KEPT_INSTANCES_PER_SERVICE
        found += ServiceInstance.lookup_oldest(
            min(surplus, _BATCH), service=service, is_current=False
        )
    return found
