"""From objects to documents. Every function needs an open view.

What is said to live is looked up in the process table: an instance whose
process is gone is never shown as running, also when no manager has seen it end.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence

import odbctl
from odbctl.engine.api.facts import BY_NOTHING, BY_RLIMIT, held_by, probe_document, unfulfilled
from odbctl.engine.api.instance_listing import absence_of, instance_document
from odbctl.engine.api.versions import VERSION
from odbctl.engine.managers.identities import absences, is_managed
from odbctl.engine.managers.observe import observe_instance, observe_service
from odbctl.engine.model.core import (
    Codebase,
    Event,
    Release,
    Service,
    ServiceHost,
    ServiceInstance,
)
from odbctl.engine.model.states import ENDED_STATES, InstanceState
from odbctl.engine.reconcile.describe import ServiceState, describe_service
from odbctl.engine.reconcile.snapshot import InstanceSnapshot
from odbctl.light_typing import TYPE_CHECKING
from odbctl.paths import Home

if TYPE_CHECKING:
    from odbctl.engine.api.documents import (
        CodebaseDocument,
        CodebaseRefDocument,
        EventDocument,
        HostDocument,
        InstanceDocument,
        ManagerDocument,
        ReleaseDocument,
        ServiceDocument,
    )


def service_document(
    home: Home,
    service: Service,
    instances: Iterable[ServiceInstance],
    *,
    managed: bool,
    absent: Mapping[int, str] | None = None,
) -> ServiceDocument:
    """Describe a service and its current instances.

    Args:
        home: The home.
        service: The service. Needs an open view.
        instances: Its current instances.
        managed: Whether any host has a manager.
        absent: The hosts without a manager (see `absences`), where the caller has read them.
    """
    absent = absences() if absent is None else absent
    current = tuple(instances)
    documents = [instance_document(home, instance, absent=absent) for instance in current]
    snapshots = [_seen(i, d) for i, d in zip(current, documents, strict=True)]
    waits_for = unfulfilled(service)
    observed = observe_service(service, snapshots)._replace(waits_for=tuple(waits_for))
    state, reason = describe_service(observed, is_managed=managed, now=time.time(), absent=absent)
    own = [d for d in documents if d["owner"] is None]
    release = service.release or service.candidate
    return {
        "kind": "service",
        "version": VERSION,
        "name": service.name,
        "state": state.value,
        "reason": _with_health(reason, own) or _last_reason(state, documents),
        "desired_count": service.desired_count,
        "paused": service.is_paused,
        "target_count": service.target_count,
        "running_count": sum(d["state"] == InstanceState.RUNNING for d in own),
        "ready_count": sum(d["ready"] for d in own),
        "hosts_without_manager": sorted(
            {i.host.name for i in current if absence_of(i, absent) is not None}
        ),
        "codebase": codebase_ref(release) if release else None,
        "class": release.class_spec if release else "",
        "singleton": service.singleton,
        "port": "auto" if service.wants_port else "none",
        "placement": service.placement,
        "move_after_seconds": service.move_after_seconds,
        "cores": service.cores,
        "ram_gb": service.ram_gb,
        "memory_limit_bytes": service.memory_limit_bytes,
        "memory_held_by": held_by(service.memory_limit_bytes, by_rlimit=BY_RLIMIT),
        "cpu_limit": service.cpu_limit,
        "cpu_held_by": held_by(service.cpu_limit, by_rlimit=BY_NOTHING),
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
        "next_run_at": service.next_run_at if service.target_count else None,
        "log_max_bytes": service.log_segment_bytes,
        "log_quota_bytes": service.log_quota_bytes,
        "restarts": service.restarts,
        "crashes": service.crashes,
        "failed_starts": service.failed_starts,
        "release": service.release.number if service.release else None,
        "candidate": service.candidate.number if service.candidate else None,
        "lock": service.lock.value,
        "config": shown_config(release) if release else {},
        "env_names": sorted(release.env) if release else [],
        "created_at": service.created_at,
        "instances": documents,
    }


def shown_config(release: Release) -> dict[str, object]:
    """Return a release's configuration, with values masked whose names tell of a secret."""
    if not release.config:
        return {}
    from odbctl.masking import mask_document  # its patterns cost a quick command 2 ms

    return {key: mask_document(value, name=key) for key, value in release.config.items()}


def _seen(instance: ServiceInstance, document: InstanceDocument) -> InstanceSnapshot:
    """Return an instance as reconciling sees it, with its checked state."""
    snapshot = observe_instance(instance)
    state = InstanceState(document["state"])
    return snapshot if state is snapshot.state else snapshot._replace(state=state)


def _with_health(reason: str, own: Sequence[InstanceDocument]) -> str:
    """Add to a service's reason what the probe of an instance says that is not ready."""
    unready = (d for d in own if d["state"] == InstanceState.RUNNING and not d["ready"])
    health = next((d["health"] for d in unready if d["health"]), "")
    return f"{reason}: {health}" if reason and health else reason


def _last_reason(state: ServiceState, documents: Sequence[InstanceDocument]) -> str:
    if state is ServiceState.RUNNING:
        return ""
    reasons = [d["reason"] for d in documents if d["reason"]]
    return reasons[-1] if reasons else ""


def codebase_ref(release: Release) -> CodebaseRefDocument:
    """Name the codebase that a release runs, by the ref that was asked for."""
    return {
        "name": release.codebase_name,
        "ref": release.asked_ref,
        "commit": release.commit,
    }


def codebase_document(codebase: Codebase, used_by: Iterable[str]) -> CodebaseDocument:
    """Describe a codebase."""
    return {
        "kind": "codebase",
        "version": VERSION,
        "name": codebase.name,
        "repo": codebase.location,
        "ref": codebase.ref,
        "refs": codebase.refs,
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
        "action": release.action.value if release.action is not None else None,
        "rolled_back_to": release.rolled_back_to,
        "ref": release.asked_ref,
        "changes": list(release.changes),
        "reason": release.reason,
        "codebase": codebase_ref(release),
        "class": release.class_spec,
        "created_at": release.created_at,
        "finished_at": release.finished_at,
        "actor": release.actor,
        "settle_seconds": release.settle_seconds,
    }


def host_document(host: ServiceHost, instances: Iterable[ServiceInstance]) -> HostDocument:
    """Describe a host and what is reserved on it."""
    live = [i for i in instances if i.host == host and i.state not in ENDED_STATES]
    absence = absences().get(host.oid)
    state = "down" if absence else "up"
    reason = f"{absence}; instances on it: {len(live)}" if absence and live else absence
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
        "reason": reason or "",
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
        "problem": host.problem if is_up else "",
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
