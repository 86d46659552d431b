"""Builders of what the reconciler sees: a test names only what its rule is about."""

from __future__ import annotations

from typing import TypedDict, Unpack

from odbctl.engine.model.probes import Probe
from odbctl.engine.model.states import ENDED_STATES, InstanceState, Overlap, RestartPolicy
from odbctl.engine.reconcile.snapshot import (
    HostSnapshot,
    InstanceSnapshot,
    ServiceSnapshot,
    WorldSnapshot,
)

NOW = 1_000_000.0
SERVICE = 1
OLD, NEW = 10, 11  # releases: the one that runs, and the candidate
HOST = 20
_HAS_RUN = frozenset({InstanceState.RUNNING, InstanceState.CRASHED, InstanceState.LOST})


class InstanceFields(TypedDict, total=False):
    release: int
    host: int
    created_at: float
    owner: int | None
    is_one_off: bool
    failures: int
    running_at: float | None
    stopping_at: float | None
    ended_at: float | None
    exit_code: int | None
    is_terminated: bool
    is_gone: bool
    is_ended_by_person: bool
    is_killed: bool
    readiness: bool | None
    ready_at: float | None
    unhealthy_at: float | None


class ServiceFields(TypedDict, total=False):
    id: int
    name: str
    release: int | None
    candidate: int | None
    settle_seconds: float
    singleton: bool
    restart: RestartPolicy
    placement: str
    move_after_seconds: float | None
    cores: float
    ram_gb: float
    stop_grace_seconds: float
    stop_signal: str
    readiness: Probe | None
    start_grace_seconds: float
    replaces_unhealthy: bool
    depends_on: tuple[str, ...]
    is_scheduled: bool
    overlap: Overlap
    run_at: float
    next_run_at: float | None
    is_paused: bool
    has_requested_run: bool
    failed_starts: int
    reset_at: float
    is_removed: bool
    unplaceable_count: int
    shortage: str | None


class HostFields(TypedDict, total=False):
    id: int
    placement: str
    is_up: bool
    is_draining: bool
    is_recorded_up: bool
    absent_since: float
    is_on_this_machine: bool
    cores: float
    ram_gb: float
    max_instances: int | None


def an_instance(
    number: int,
    slot: int = 0,
    state: InstanceState = InstanceState.RUNNING,
    **fields: Unpack[InstanceFields],
) -> InstanceSnapshot:
    """Make an instance of the release that runs; an ended one ended just now."""
    times: InstanceFields = {"release": OLD, "host": HOST, "created_at": NOW - 5.0}
    if state in _HAS_RUN:
        times["running_at"] = NOW - 4.0
    if state is InstanceState.STOPPING:
        times["stopping_at"] = NOW
    if state in ENDED_STATES:
        times["ended_at"] = NOW
    times.update(fields)
    return InstanceSnapshot(id=number, slot=slot, state=state, **times)


def a_service(
    desired_count: int, *instances: InstanceSnapshot, **fields: Unpack[ServiceFields]
) -> ServiceSnapshot:
    """Make a service with its current instances."""
    known: ServiceFields = {"id": SERVICE, "name": "web", "release": OLD}
    known.update(fields)
    return ServiceSnapshot(desired_count=desired_count, instances=instances, **known)


def a_host(name: str = "main", **fields: Unpack[HostFields]) -> HostSnapshot:
    """Make a host that is up and sets no limit."""
    known: HostFields = {"id": HOST, "placement": "Master"}
    known.update(fields)
    return HostSnapshot(name=name, **known)


def a_world(
    *services: ServiceSnapshot, hosts: tuple[HostSnapshot, ...] | None = None, leads: bool = True
) -> WorldSnapshot:
    """Make a world, by default of one host, seen by the manager of host `HOST`."""
    return WorldSnapshot(
        services=services,
        hosts=(a_host(),) if hosts is None else hosts,
        own_host=HOST,
        is_leader=leads,
    )
