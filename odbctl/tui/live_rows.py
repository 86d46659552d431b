"""Rows from what the engine keeps current: those that say the same stay the same object.

So comparing two snapshots costs next to nothing for what has not changed.
Runs in the reader's thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from odbctl.engine.api.live_figures import Usage, sum_up
from odbctl.engine.api.live_views import FailedRelease, LiveInstance, LiveService
from odbctl.tui.snapshot import (
    ENDED_INSTANCE_STATES,
    ILL_WORDS,
    InstanceRow,
    ServiceRow,
)
from odbctl.tui.text import short_ref

HISTORY_LENGTH = 20
# States in which an instance that ended earlier explains nothing.
_CALM_STATES = frozenset({"running", "stopped", "stopping", "waiting"})
UsageOf = Callable[[int], Usage | None]
PastOf = Callable[[LiveService], Sequence[float]]


class LiveRows:
    """The rows of all services and of their current instances."""

    def __init__(self, past_of: PastOf = lambda _service: ()) -> None:
        """Store where the figures of the time before come from, to begin a curve with."""
        self._past_of = past_of
        self._services: dict[int, ServiceRow] = {}
        self._instances: dict[int, tuple[InstanceRow, ...]] = {}
        self._histories: dict[int, deque[float]] = {}
        self.services: tuple[ServiceRow, ...] = ()

    def update(
        self, live: Mapping[int, LiveService], changed: Iterable[int], usage_of: UsageOf
    ) -> None:
        """Make the rows of changed services anew."""
        is_changed = False
        for oid in changed:
            is_changed = True
            self._instances.pop(oid, None)
            if (service := live.get(oid)) is None:
                self._services.pop(oid, None)
                self._histories.pop(oid, None)
                continue
            history = tuple(self._history(service))
            row = live_service_row(service, _used_by(service, usage_of), history)
            if row != self._services.get(oid):
                self._services[oid] = row
        if is_changed:
            self._sort()

    def update_figures(self, live: Mapping[int, LiveService], usage_of: UsageOf) -> None:
        """Put new figures into all rows."""
        self._instances.clear()
        for oid, row in self._services.items():
            usage = _used_by(live[oid], usage_of)
            if usage is None and row.rss_bytes is None:
                continue
            history = self._history(live[oid])
            history.append((usage.cpu_percent or 0.0) if usage else 0.0)
            self._services[oid] = replace(
                row,
                cpu_percent=usage.cpu_percent if usage else None,
                rss_bytes=usage.rss_bytes if usage else None,
                cpu_history=tuple(history),
            )
        self._sort()

    def _history(self, service: LiveService) -> deque[float]:
        """Return the curve of a service; it begins with what was recorded before."""
        history = self._histories.get(service.oid)
        if history is None:
            history = deque(self._past_of(service), maxlen=HISTORY_LENGTH)
            self._histories[service.oid] = history
        return history

    def instances(
        self, live: Mapping[int, LiveService], usage_of: UsageOf
    ) -> tuple[InstanceRow, ...]:
        """Return the current instances of all services, by service and slot."""
        services = sorted(live.values(), key=lambda service: service.name)
        return tuple(row for each in services for row in self._instances_of(each, usage_of))

    def _instances_of(self, service: LiveService, usage_of: UsageOf) -> tuple[InstanceRow, ...]:
        rows = self._instances.get(service.oid)
        if rows is None:
            ordered = sorted(service.instances, key=lambda i: (i.slot, i.oid))
            rows = tuple(live_instance_row(each, usage_of(each.oid)) for each in ordered)
            self._instances[service.oid] = rows
        return rows

    def _sort(self) -> None:
        self.services = tuple(sorted(self._services.values(), key=lambda row: row.key))


def _used_by(service: LiveService, usage_of: UsageOf) -> Usage | None:
    return sum_up(usage_of(instance.oid) for instance in service.instances)


def live_service_row(
    service: LiveService, usage: Usage | None, history: tuple[float, ...]
) -> ServiceRow:
    """Make the row of a service."""
    return ServiceRow(
        key=service.name,
        state=service.state,
        reason=_reason(service),
        ready_count=service.ready_count,
        desired_count=service.desired_count,
        is_singleton=service.is_singleton,
        ref=short_ref(service.ref, service.commit) if service.commit else "",
        restarts=service.restarts,
        created_at=service.created_at,
        instance_count=sum(i.state not in ENDED_INSTANCE_STATES for i in service.instances),
        codebase=service.codebase,
        placement=service.placement,
        deployed_at=service.deployed_at,
        cpu_percent=usage.cpu_percent if usage else None,
        rss_bytes=usage.rss_bytes if usage else None,
        cpu_history=history,
        is_scheduled=service.is_scheduled,
        is_paused=service.is_paused,
        failed_run=_failed_run_text(service.failed_run),
        failed_release=failed_release_text(service.failed_release),
        instances=tuple(i.name for i in service.instances if i.state not in ENDED_INSTANCE_STATES),
    )


def _reason(service: LiveService) -> str:
    """Return why a service is as it is, with what its newest failing instance says of itself."""
    if not service.reason or service.state in _CALM_STATES:
        return service.reason
    causes = [
        i.reason
        for i in sorted(service.instances, key=lambda i: i.oid, reverse=True)
        if i.reason and (i.health in ILL_WORDS or i.state in ENDED_INSTANCE_STATES)
    ]
    cause = causes[0] if causes and causes[0] not in service.reason else ""
    return f"{service.reason}: {cause}" if cause else service.reason


def _failed_run_text(last: LiveInstance | None) -> str:
    if last is None:
        return ""
    text = f"run {last.name} failed: {_exit_text(last)}"
    return f"{text}: {last.reason}" if last.reason else text


def failed_release_text(failed: FailedRelease | None) -> str:
    """Say that the newest release failed, and why."""
    return "" if failed is None else f"release {failed.number} failed: {failed.reason}"


def live_instance_row(live: LiveInstance, usage: Usage | None) -> InstanceRow:
    """Make the row of a current instance."""
    return InstanceRow(
        key=live.name,
        state=live.state,
        is_current=True,
        pid=live.pid,
        release=live.release,
        running_at=live.running_at,
        ended_at=live.ended_at,
        last_exit=_exit_text(live),
        reason=live.reason,
        service=live.service,
        host=live.host,
        health=live.health,
        cpu_percent=usage.cpu_percent if usage else None,
        rss_bytes=usage.rss_bytes if usage else None,
        failures=live.failures,
        started_at=live.started_at,
    )


def _exit_text(live: LiveInstance) -> str:
    if live.state not in ENDED_INSTANCE_STATES:
        return ""
    if live.exit_signal is not None:
        return f"signal {live.exit_signal}"
    return f"code {live.exit_code}" if live.exit_code is not None else "unknown"
