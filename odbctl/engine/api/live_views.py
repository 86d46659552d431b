"""How services and instances look to whoever reads them again and again: see `live`.

Flat and small: hundreds are made anew each second.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from odbctl.engine.api.instance_listing import absence_of, observed_state
from odbctl.engine.model.core import Service, ServiceInstance
from odbctl.engine.model.states import ENDED_STATES, ExitCause, InstanceState


class LiveInstance(NamedTuple):
    """A current instance; its state is checked against the process table."""

    oid: int
    name: str
    service: str
    host: str
    slot: int
    state: str
    is_ready: bool
    is_owned: bool
    health: str
    pid: int | None
    release: int
    codebase: int
    started_at: float | None
    running_at: float | None
    ended_at: float | None
    exit_code: int | None
    exit_signal: int | None
    exit_cause: ExitCause | None
    failures: int
    reason: str


class FailedRelease(NamedTuple):
    """The newest release of a service, when it failed and an earlier one goes on."""

    number: int
    reason: str


class LiveService(NamedTuple):
    """A service and its current instances."""

    oid: int
    name: str
    state: str
    reason: str
    ready_count: int
    desired_count: int
    is_paused: bool
    is_singleton: bool
    is_scheduled: bool
    codebase: str
    ref: str
    commit: str
    placement: str
    restarts: int
    created_at: float
    deployed_at: float | None
    # Object ids of the codebases that it runs, or is about to.
    codebases: frozenset[int]
    instances: tuple[LiveInstance, ...]
    failed_release: FailedRelease | None = None
    # The last run of a job or a schedule, when it failed and is not tried again.
    failed_run: LiveInstance | None = None


def has_vanished(live: LiveInstance) -> bool:
    """Tell whether an instance is not in the state any more that it was described in."""
    if live.pid is None:
        return False
    instance = ServiceInstance.from_oid(live.oid)
    return instance.exists() and observed_state(instance).value != live.state


def live_instance(
    service: Service, instance: ServiceInstance, absent: Mapping[int, str]
) -> LiveInstance:
    """Describe an instance; `absent` are the hosts without a manager. Needs an open view."""
    state = observed_state(instance)
    is_ended = state in ENDED_STATES
    health = _health(service, instance, state)
    probe_text = instance.health if health in ("not ready", "unhealthy") else ""
    release = instance.release
    return LiveInstance(
        oid=instance.oid,
        name=instance.name,
        service=service.name,
        host=instance.host.name,
        slot=instance.slot,
        state=state.value,
        is_ready=state is InstanceState.RUNNING
        and (service.readiness is None or instance.is_ready is True),
        is_owned=instance.owner is not None,
        health=health,
        pid=None if is_ended else instance.pid,
        release=release.number,
        codebase=release.codebase.oid,
        started_at=instance.started_at,
        running_at=instance.running_at,
        ended_at=instance.ended_at,
        exit_code=instance.exit_code if is_ended else None,
        exit_signal=instance.exit_signal if is_ended else None,
        exit_cause=instance.exit_cause if is_ended else None,
        failures=instance.failures,
        reason=instance.reason or absence_of(instance, absent) or probe_text or instance.message,
    )


def _health(service: Service, instance: ServiceInstance, state: InstanceState) -> str:
    """Say what the probes say; empty where there is none, or nothing that lives."""
    if state in ENDED_STATES or (service.readiness is None and service.liveness is None):
        return ""
    if instance.unhealthy_at is not None:
        return "unhealthy"
    if service.readiness is None or instance.is_ready is None:
        return "unknown" if service.readiness else "healthy"
    return "ready" if instance.is_ready else "not ready"
