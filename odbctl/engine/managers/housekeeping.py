"""Housekeeping: what a manager does every few seconds, besides its passes.

Each step is a short transaction of its own.
"""

from __future__ import annotations

import time

from odbctl.engine.model.core import Event, ServiceHost, ServiceInstance
from odbctl.engine.model.states import ENDED_STATES
from odbctl.engine.odb import Database

MAX_EVENTS = 20_000
KEPT_INSTANCES_PER_SERVICE = 50
_BATCH = 1_000


def keep_house(db: Database, host_id: int) -> None:
    """Say that the host is alive, bound what is kept, and checkpoint the database."""

    def seen() -> None:
        ServiceHost.from_oid(host_id).last_seen_at = time.time()

    db.run(seen)
    db.checkpoint()


def prune(db: Database) -> None:
    """Delete the oldest events, and ended instances, past what is kept."""
    with db.view():
        events = Event.lookup_all()[:-MAX_EVENTS]
        instances = _old_instances()

    def delete() -> None:
        for found in (*events[:_BATCH], *instances[:_BATCH]):
            if found.exists():
                found.delete()

    if events or instances:
        db.run(delete)


def _old_instances() -> list[ServiceInstance]:
    ended: dict[int, list[ServiceInstance]] = {}
    for instance in ServiceInstance.lookup_all(is_current=False):
        if instance.state in ENDED_STATES:
            ended.setdefault(instance.service.oid, []).append(instance)
    return [i for runs in ended.values() for i in runs[:-KEPT_INSTANCES_PER_SERVICE]]
