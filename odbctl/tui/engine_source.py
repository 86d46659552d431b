"""A real home, read by the reader's thread: what the front screen looks at, and no more.

Services are kept current by the change log, figures are looked at once a
second, and what belongs to one screen is read while that is in front.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypedDict, TypeVar

from odbctl.engine.api.figures import recent_service_cpu
from odbctl.engine.api.instance_listing import list_instances
from odbctl.engine.api.live import LiveServices
from odbctl.engine.api.live_figures import LiveFigures
from odbctl.engine.api.live_lists import NewestEvents, codebases_in_use
from odbctl.engine.api.live_views import LiveService
from odbctl.engine.api.machine import load_average
from odbctl.engine.api.managers import manager_status
from odbctl.engine.api.status import list_events, list_hosts, newest_releases
from odbctl.paths import Home
from odbctl.tui.backend import Request
from odbctl.tui.home_source import HomeSource
from odbctl.tui.live_rows import HISTORY_LENGTH, LiveRows
from odbctl.tui.machine_history import MachineHistory
from odbctl.tui.resource_rows import (
    CodebaseRow,
    HostRow,
    MachineLoad,
    ReleaseRow,
    codebase_rows,
    host_rows,
    release_rows,
)
from odbctl.tui.snapshot import (
    ENDED_INSTANCE_STATES,
    DashboardSnapshot,
    Detail,
    EventRow,
    InstanceRow,
    ManagerState,
    event_rows,
    instance_rows,
    manager_state,
)
from odbctl.tui.views import View

FIGURES_SECONDS = 1.0
EVENTS_KEPT = 500
OVERVIEW_EVENTS = 60
# Loads and the last sign of life of hosts change without a commit.
LIST_SECONDS = 2.0
T = TypeVar("T")


class _Kept(Generic[T]):
    """Something that is read again when what it depends on has changed."""

    def __init__(self) -> None:
        self._key: Hashable = None
        self._value: T | None = None

    def get(self, key: Hashable, read: Callable[[], T]) -> T:
        """Return what was read for this key, reading it if it was another."""
        if self._value is None or key != self._key:
            self._value, self._key = read(), key
        return self._value


class _Parts(TypedDict, total=False):
    """What belongs to one screen."""

    machine: MachineLoad | None
    instances: tuple[InstanceRow, ...]
    hosts: tuple[HostRow, ...]
    codebases: tuple[CodebaseRow, ...]
    events: tuple[EventRow, ...]
    deploys: tuple[ReleaseRow, ...]


class EngineSource(HomeSource):
    """A real home, read by one thread, which the change signal wakes."""

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self._live = LiveServices(self._engine)
        self._figures = LiveFigures(home)
        self._figures_due_at = 0.0
        self._rows = LiveRows(self._past_of)
        self._events = NewestEvents(self._engine, limit=EVENTS_KEPT)
        self._machine = MachineHistory()
        self._managers = ManagerState.ABSENT
        self._instances = _Kept[tuple[InstanceRow, ...]]()
        self._hosts = _Kept[tuple[HostRow, ...]]()
        self._codebases = _Kept[tuple[CodebaseRow, ...]]()
        self._all_events = _Kept[tuple[EventRow, ...]]()
        self._deploys = _Kept[tuple[ReleaseRow, ...]]()
        self._own_instances = _Kept[tuple[InstanceRow, ...]]()
        self._own_events = _Kept[tuple[EventRow, ...]]()
        self._host = os.uname().nodename
        # Counts up with every change of a service or a figure.
        self._version = 0

    def read(self, request: Request) -> DashboardSnapshot:
        """Read what is asked for, in one view; what nobody committed about is not read again."""
        with self._engine.db.view() as view:
            self._update(view.seq)
            parts = self._parts(request.view)
            detail = self._detail(request)
        return DashboardSnapshot(
            home=str(self._engine.home.data),
            host=self._host,
            manager=self._managers,
            services=self._rows.services,
            detail=detail,
            view=request.view,
            read_at=time.time(),
            **parts,
        )

    def _update(self, seq: int) -> None:
        live, rows = self._live, self._rows
        hosts_before = live.hosts
        live.update(seq)
        if live.hosts != hosts_before:
            self._managers = manager_state(manager_status(self._engine))
        if live.changed:
            self._version += 1
            rows.update(live.services, live.changed, self._figures.of)
        now = time.monotonic()
        if now >= self._figures_due_at:
            self._figures_due_at = now + FIGURES_SECONDS
            if self._figures.update(self._host_names()):
                self._version += 1
                rows.update_figures(live.services, self._figures.of)
        # Kept also while nobody looks, so that its curve is there when somebody does.
        self._machine.load(now)

    def _past_of(self, service: LiveService) -> tuple[float, ...]:
        """Return what a service used before the dashboard was opened."""
        names = [i.name for i in service.instances if i.state not in ENDED_INSTANCE_STATES]
        return recent_service_cpu(
            self._engine.home, service.name, names, now=time.time(), count=HISTORY_LENGTH
        )

    def _host_names(self) -> set[str]:
        return {i.host for service in self._live.services.values() for i in service.instances}

    def _parts(self, view: View) -> _Parts:
        parts: _Parts = {}
        match view:
            case View.OVERVIEW:
                parts["machine"] = self._machine.load(time.monotonic())
                parts["events"] = self._event_rows()[:OVERVIEW_EVENTS]
                parts["hosts"] = self._host_rows()
            case View.INSTANCES:
                parts["instances"] = self._instance_rows()
            case View.HOSTS:
                parts["hosts"] = self._host_rows()
            case View.CODEBASES:
                parts["codebases"] = self._codebase_rows()
            case View.EVENTS:
                parts["events"] = self._event_rows()
            case View.DEPLOYS:
                parts["deploys"] = self._deploy_rows()
            case View.SERVICES | View.AWS:
                pass
        return parts

    def _instance_rows(self) -> tuple[InstanceRow, ...]:
        return self._instances.get(
            self._version, lambda: self._rows.instances(self._live.services, self._figures.of)
        )

    def _event_rows(self) -> tuple[EventRow, ...]:
        return self._all_events.get(self._live.events, lambda: event_rows(self._events.read()))

    def _host_rows(self) -> tuple[HostRow, ...]:
        return self._hosts.get(
            (self._version, self._live.hosts, time.monotonic() // LIST_SECONDS),
            lambda: host_rows(
                list_hosts(self._engine), manager_status(self._engine), load_average()
            ),
        )

    def _codebase_rows(self) -> tuple[CodebaseRow, ...]:
        return self._codebases.get(
            (self._version, self._live.codebases, time.monotonic() // LIST_SECONDS),
            lambda: codebase_rows(codebases_in_use(self._engine, self._live)),
        )

    def _deploy_rows(self) -> tuple[ReleaseRow, ...]:
        return self._deploys.get(
            self._live.releases, lambda: release_rows(newest_releases(self._engine))
        )

    def _detail(self, request: Request) -> Detail | None:
        """Read what is asked for of one service."""
        found = next((s for s in self._live.services.values() if s.name == request.service), None)
        if found is None:
            return None
        name = found.name
        return Detail(
            service=name,
            # Equal to what it was as long as nothing of the service and its figures changed.
            instances=self._own_instances.get(
                (found, self._figures.version), lambda: self._instances_of(name)
            ),
            events=self._own_events.get(
                (name, request.event_count, self._live.events),
                lambda: event_rows(
                    list_events(self._engine, service=name, limit=request.event_count)
                ),
            ),
        )

    def _instances_of(self, name: str) -> tuple[InstanceRow, ...]:
        health = {
            instance.name: instance.health
            for service in self._live.services.values()
            if service.name == name
            for instance in service.instances
        }
        documents = list_instances(self._engine, service=name, everything=True)
        return instance_rows(documents, current=health, health=health)
