"""From objects to documents. Every function needs an open view.

What is said to live is looked up in the process table: an instance whose
process is gone is never shown as running, also when no manager has seen it end.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import odbctl
from odbctl.engine.api.versions import VERSION
from odbctl.engine.managers.observe import (
    is_managed,
    observe_instance,
    observe_service,
    worker_identity,
)
from odbctl.engine.model.core import (
    Codebase,
    Event,
    Release,
    Service,
    ServiceHost,
    ServiceInstance,
)
from odbctl.engine.model.probes import Probe
from odbctl.engine.model.states import ENDED_STATES, InstanceState
from odbctl.engine.reconcile.dependencies import is_fulfilled
from odbctl.engine.reconcile.describe import ServiceState, describe_service
from odbctl.engine.reconcile.snapshot import InstanceSnapshot
from odbctl.engine.telemetry.figures import FRESH_SECONDS, Latest, read_board
from odbctl.engine.worker.identity import is_alive
from odbctl.paths import Home

# As `limits` calls them, which needs more than a reader has.
BY_CGROUP = "cgroup v2"
BY_RLIMIT = "address space (rlimit)"
BY_NOTHING = "nothing"

if TYPE_CHECKING:
    from odbctl.engine.api.documents import (
        CodebaseDocument,
        CodebaseRefDocument,
        EventDocument,
        ExitDocument,
        HostDocument,
        InstanceDocument,
        ManagerDocument,
        ProbeDocument,
        ReleaseDocument,
        ServiceDocument,
    )


def observed_state(instance: ServiceInstance) -> InstanceState:
    """Return an instance's state, checked against the process table."""
    state = instance.state
    if state in ENDED_STATES or state is InstanceState.BOOTING:
        return state
    identity = worker_identity(instance)
    if identity is None or is_alive(identity):
        return state
    return InstanceState.LOST


def instance_document(home: Home, instance: ServiceInstance) -> InstanceDocument:
    """Describe an instance."""
    state = observed_state(instance)
    service, release = instance.service, instance.release
    owner = instance.owner
    latest = _latest(home, instance) if state not in ENDED_STATES else None
    return {
        "kind": "instance",
        "version": VERSION,
        "id": instance.name,
        "service": service.name,
        "host": instance.host.name,
        "state": state.value,
        "ready": state is InstanceState.RUNNING
        and (service.readiness is None or instance.is_ready is True),
        "slot": instance.slot,
        "owner": owner.name if owner is not None and owner.exists() else None,
        "pid": instance.pid if state not in ENDED_STATES else None,
        "commit": release.codebase.commit,
        "release": release.number,
        "created_at": instance.created_at,
        "started_at": instance.started_at,
        "running_at": instance.running_at,
        "stopping_at": instance.stopping_at,
        "ended_at": instance.ended_at,
        "exit": exit_document(instance) if state in ENDED_STATES else None,
        "reason": instance.reason,
        "message": instance.message,
        "health": instance.health,
        "failures": instance.failures,
        "cpu_percent": latest.cpu_percent if latest else None,
        "rss_bytes": latest.sample.rss_bytes if latest else None,
        "open_files": latest.sample.open_files if latest else None,
        "threads": latest.sample.threads if latest else None,
        "log": f"{home.logs_text}/{service.name}/{instance.name}.log",
    }


class _Boards:
    """The boards of figures that were read, each until it is written again."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[int, dict[int, Latest]]] = {}

    def of(self, path: str) -> dict[int, Latest]:
        """Return the newest figures of a host."""
        try:
            written = os.stat(path).st_mtime_ns
        except OSError:
            return {}
        known = self._read.get(path)
        if known is None or known[0] != written:
            known = self._read[path] = (written, read_board(path))
        return known[1]


_boards = _Boards()


def _latest(home: Home, instance: ServiceInstance) -> Latest | None:
    """Return an instance's newest figures; None if they are not of now, or not its own."""
    found = _boards.of(f"{home.figures_text}/{instance.host.name}.now").get(instance.oid)
    if found is None or abs(time.time() - found.sample.at) > FRESH_SECONDS:
        return None
    return found


def exit_document(instance: ServiceInstance) -> ExitDocument:
    """Describe how an instance ended."""
    cause = instance.exit_cause
    return {
        "code": instance.exit_code,
        "signal": instance.exit_signal,
        "cause": cause.value if cause is not None else None,
    }


def service_document(
    home: Home, service: Service, instances: Iterable[ServiceInstance], *, managed: bool
) -> ServiceDocument:
    """Describe a service and its current instances."""
    current = tuple(instances)
    documents = [instance_document(home, instance) for instance in current]
    snapshots = [_seen(i, d) for i, d in zip(current, documents, strict=True)]
    waits_for = unfulfilled(service)
    observed = observe_service(service, snapshots)._replace(waits_for=tuple(waits_for))
    state, reason = describe_service(observed, is_managed=managed, now=time.time())
    own = [d for d in documents if d["owner"] is None]
    release = service.release or service.candidate
    return {
        "kind": "service",
        "version": VERSION,
        "name": service.name,
        "state": state.value,
        "reason": reason or _last_reason(state, documents),
        "desired_count": service.desired_count,
        "running_count": sum(d["state"] == InstanceState.RUNNING for d in own),
        "ready_count": sum(d["ready"] for d in own),
        "codebase": codebase_ref(release.codebase) if release else None,
        "class": release.class_spec if release else "",
        "singleton": service.singleton,
        "placement": service.placement,
        "cores": service.cores,
        "ram_gb": service.ram_gb,
        "memory_limit_bytes": service.memory_limit_bytes,
        "memory_held_by": _held_by(service.memory_limit_bytes, by_rlimit=BY_RLIMIT),
        "cpu_limit": service.cpu_limit,
        "cpu_held_by": _held_by(service.cpu_limit, by_rlimit=BY_NOTHING),
        "restart": service.restart.value,
        "stop_grace_seconds": service.stop_grace_seconds,
        "stop_signal": service.stop_signal,
        "readiness": probe_document(service.readiness),
        "liveness": probe_document(service.liveness),
        "start_grace_seconds": service.start_grace_seconds,
        "on_unhealthy": "replace" if service.replaces_unhealthy else "report",
        "depends_on": list(service.depends_on),
        "waits_for": waits_for,
        "schedule": service.schedule,
        "time_zone": service.time_zone,
        "overlap": service.overlap.value,
        "next_run_at": service.next_run_at if service.desired_count else None,
        "log_max_bytes": service.log_segment_bytes,
        "log_quota_bytes": service.log_quota_bytes,
        "restarts": service.restarts,
        "crashes": service.crashes,
        "failed_starts": service.failed_starts,
        "release": service.release.number if service.release else None,
        "candidate": service.candidate.number if service.candidate else None,
        "lock": service.lock.value,
        "config": dict(release.config) if release else {},
        "env_names": sorted(release.env) if release else [],
        "created_at": service.created_at,
        "instances": documents,
    }


def _held_by(limit: float | None, *, by_rlimit: str) -> str | None:
    """Say what holds an instance to a limit, on the hosts there are."""
    if limit is None:
        return None
    found = {host.limits_held_by for host in ServiceHost.lookup_all() if host.limits_held_by}
    return ", ".join(sorted(BY_CGROUP if by == BY_CGROUP else by_rlimit for by in found)) or None


def unfulfilled(service: Service) -> list[str]:
    """Return the names of the services that one waits for, or would when it starts."""
    return [name for name in service.depends_on if not _is_fulfilled(name)]


def _is_fulfilled(name: str) -> bool:
    found = Service.lookup_unique(name=name)
    if found is None:
        return False
    current = ServiceInstance.lookup_all(service=found, is_current=True)
    snapshots = [observe_instance(i)._replace(state=observed_state(i)) for i in current]
    return is_fulfilled(observe_service(found, snapshots))


def probe_document(probe: Probe | None) -> ProbeDocument | None:
    """Describe a probe."""
    if probe is None:
        return None
    return {
        "probe": str(probe),
        "period_seconds": probe.period_seconds,
        "timeout_seconds": probe.timeout_seconds,
        "failure_threshold": probe.failure_threshold,
    }


def _seen(instance: ServiceInstance, document: InstanceDocument) -> InstanceSnapshot:
    """Return an instance as reconciling sees it, with its checked state."""
    snapshot = observe_instance(instance)
    state = InstanceState(document["state"])
    return snapshot if state is snapshot.state else snapshot._replace(state=state)


def _last_reason(state: ServiceState, documents: Sequence[InstanceDocument]) -> str:
    if state is ServiceState.RUNNING:
        return ""
    reasons = [d["reason"] for d in documents if d["reason"]]
    return reasons[-1] if reasons else ""


def codebase_ref(codebase: Codebase) -> CodebaseRefDocument:
    """Name the codebase that something runs."""
    return {"name": codebase.name, "ref": codebase.ref, "commit": codebase.commit}


def codebase_document(codebase: Codebase, used_by: Iterable[str]) -> CodebaseDocument:
    """Describe a codebase."""
    return {
        "kind": "codebase",
        "version": VERSION,
        "name": codebase.name,
        "repo": codebase.location,
        "ref": codebase.ref,
        "commit": codebase.commit,
        "subject": codebase.subject,
        "added_at": codebase.added_at,
        "path": codebase.tree,
        "source_root": codebase.source_root,
        "state": "ready" if os.path.isdir(codebase.tree) else "missing",
        "environment": codebase.python or "odbctl",
        "used_by": sorted(used_by),
    }


def release_document(release: Release) -> ReleaseDocument:
    """Describe a release."""
    return {
        "kind": "release",
        "version": VERSION,
        "service": release.service.name,
        "number": release.number,
        "outcome": release.outcome.value,
        "reason": release.reason,
        "codebase": codebase_ref(release.codebase),
        "class": release.class_spec,
        "created_at": release.created_at,
        "finished_at": release.finished_at,
        "actor": release.actor,
    }


def host_document(host: ServiceHost, instances: Iterable[ServiceInstance]) -> HostDocument:
    """Describe a host and what is reserved on it."""
    live = [i for i in instances if i.host == host and i.state not in ENDED_STATES]
    state = "up" if is_managed(host) else "down"
    return {
        "kind": "host",
        "version": VERSION,
        "name": host.name,
        "placement": host.placement,
        "state": "draining" if state == "up" and host.is_draining else state,
        "cores": host.cores,
        "cores_reserved": sum(i.service.cores for i in live),
        "ram_gb": host.ram_gb,
        "ram_gb_reserved": sum(i.service.ram_gb for i in live),
        "instances": len(live),
        "max_instances": host.max_instances,
        "last_seen_at": host.last_seen_at,
    }


def manager_document(home: Home, host: ServiceHost) -> ManagerDocument:
    """Describe the manager of a host."""
    is_up = is_managed(host)
    return {
        "kind": "manager",
        "version": VERSION,
        "host": host.name,
        "strategy": host.strategy,
        "state": "running" if is_up else "stopped",
        "pid": host.manager_pid if is_up else None,
        "started_at": host.started_at if is_up else None,
        "odbctl_version": host.version or odbctl.__version__,
        "log": str(home.logs / f"manager-{host.name}.log"),
    }


def event_document(event: Event) -> EventDocument:
    """Describe an event."""
    return {
        "kind": "event",
        "version": VERSION,
        "at": event.at,
        "level": event.level.value,
        "object": event.subject,
        "service": event.service,
        "reason": event.reason,
        "message": event.message,
        "actor": event.actor,
        "release": event.release,
    }
