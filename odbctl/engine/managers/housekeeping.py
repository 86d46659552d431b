"""Housekeeping: what a manager does every few seconds, besides its passes.

Each step is a short transaction of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from odbctl.engine.managers.runs import mend_next_runs
from odbctl.engine.managers.sampling import Sampler
from odbctl.engine.model.core import Event, Release, Service, ServiceHost, ServiceInstance
from odbctl.engine.model.states import ENDED_STATES, HostState
from odbctl.engine.odb import Database
from odbctl.engine.telemetry.log_keeper import Known, LogKeeper
from odbctl.paths import Home

HEARTBEAT_SECONDS = 10.0
LOG_ROUND_SECONDS = 30.0
MAX_EVENTS = 100_000
MAX_EVENTS_PER_SERVICE = 10_000
KEPT_INSTANCES_PER_SERVICE = 100
# At most so many objects are deleted at a time, so that no transaction is long.
_BATCH = 500
# How soon the next ones follow, so that passes of the manager come in between.
_PRUNE_AGAIN_SECONDS = 0.1


class Housekeeper:
    """The rounds of one manager; its threads do what takes long."""

    def __init__(
        self,
        home: Home,
        db: Database,
        host: str,
        hold_logs: Callable[[Mapping[str, int]], None],
    ) -> None:
        """Store what it works on.

        Args:
            home: The home.
            db: Its database.
            host: The name of the host.
            hold_logs: Takes the quota of raw output of each service, in bytes.
        """
        self._db = db
        self._hold_logs = hold_logs
        self._sampler = Sampler(home, db, host)
        self._host_id = 0
        self._logs = LogKeeper(home.logs, (home.storage, Path(home.figures_text)))
        self._next_round = 0.0
        self._next_prune = 0.0
        self._next_logs = 0.0

    def start(self, host_id: int) -> None:
        """Start the threads."""
        self._host_id = host_id
        self._logs.start()

    def follow_host(self, host_id: int) -> None:
        """Go on with another record of the host."""
        self._host_id = host_id

    def stop(self) -> None:
        """End the threads. Idempotent."""
        self._logs.stop()

    def due_seconds(self) -> float:
        """Return in how long the next round is due."""
        return min(self._next_round, self._next_prune) - time.monotonic()

    def step(self) -> None:
        """Make a round, if one is due."""
        now = time.monotonic()
        if now >= self._next_prune:
            self._next_prune = now + HEARTBEAT_SECONDS
            if prune(self._db):
                self._next_prune = time.monotonic() + _PRUNE_AGAIN_SECONDS
        if now < self._next_round:
            return
        self._next_round = now + HEARTBEAT_SECONDS
        self._sampler.step(self._host_id)
        keep_house(self._db, self._host_id)
        if now >= self._next_logs:
            self._next_logs = now + LOG_ROUND_SECONDS
            with self._db.view():
                known = _known_logs()
            self._hold_logs({name: each.quota_bytes for name, each in known.items()})
            self._logs.ask(known)


def _known_logs() -> dict[str, Known]:
    """Return what the keeper of the logs has to know. Needs an open view."""
    known: dict[str, Known] = {}
    for service in Service.lookup_all():
        instances = ServiceInstance.lookup_all(service=service)
        known[service.name] = Known(
            service.log_quota_bytes,
            frozenset(i.name for i in instances if i.state not in ENDED_STATES),
            frozenset(i.name for i in instances),
        )
    return known


def keep_house(db: Database, host_id: int) -> None:
    """Say that the host is alive, and checkpoint the database."""

    def seen() -> None:
        host = ServiceHost.from_oid(host_id)
        if not host.exists():
            return  # the manager makes it again
        host.last_seen_at = time.time()
        if host.state is not HostState.UP:
            host.state = HostState.UP  # another manager took this one for dead

    db.run(seen)
    with db.view():
        has_schedules = any(service.schedule for service in Service.lookup_all())
    if has_schedules:
        db.run(mend_next_runs)
    db.checkpoint()


def prune(db: Database) -> bool:
    """Delete some of the oldest events, and ended instances, past what is kept.

    Returns:
        Whether there may be more to delete.
    """
    with db.view():
        doomed: list[Event | ServiceInstance | Release] = [
            *_old_instances(),
            *_old_events(),
            *_releases_of_nothing(),
        ]

    def delete() -> None:
        for found in doomed[:_BATCH]:
            if found.exists():
                found.delete()

    if doomed:
        db.run(delete)
    return len(doomed) >= _BATCH


def _old_events() -> list[Event]:
    """Return some of the oldest events, of a service that has too many or of all."""
    found: dict[int, Event] = {}
    for service in Service.lookup_all():
        surplus = Event.lookup_count(service=service.name) - MAX_EVENTS_PER_SERVICE
        if surplus > 0:
            oldest = Event.lookup_oldest(min(surplus, _BATCH), service=service.name)
            found.update((event.oid, event) for event in oldest)
    surplus = Event.lookup_count() - MAX_EVENTS
    if surplus > 0:
        oldest = Event.lookup_oldest(min(surplus, _BATCH))
        found.update((event.oid, event) for event in oldest)
    return list(found.values())


def _old_instances() -> list[ServiceInstance]:
    found: list[ServiceInstance] = []
    for service in Service.lookup_all():
        surplus = ServiceInstance.lookup_count(service=service, is_current=False)
        surplus -= KEPT_INSTANCES_PER_SERVICE
        found += ServiceInstance.lookup_oldest(
            min(surplus, _BATCH), service=service, is_current=False
        )
    return found + _old_instances_of_nothing()


def _old_instances_of_nothing() -> list[ServiceInstance]:
    """Return the oldest ended instances of services that were deleted in a transaction."""
    surplus = ServiceInstance.lookup_count(is_current=False) - KEPT_INSTANCES_PER_SERVICE
    for service in Service.lookup_all():
        surplus -= ServiceInstance.lookup_count(service=service, is_current=False)
    if surplus <= 0:
        return []
    ended = ServiceInstance.lookup_all(is_current=False)
    return [i for i in ended if not i.service.exists()][: min(surplus, _BATCH)]


def _releases_of_nothing() -> list[Release]:
    """Return the releases of services that were deleted, and of which nothing lives."""
    surplus = Release.lookup_count()
    for service in Service.lookup_all():
        surplus -= Release.lookup_count(service=service)
    if surplus <= 0:
        return []
    return [
        release
        for release in Release.lookup_all()
        if not release.service.exists() and not release.service.current_instances()
    ][:_BATCH]
