"""Observe: read the world that is planned for, in one view of the database.

Used by managers, and by the use cases that describe services.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType

from odbctl.engine.managers.identities import is_managed, known_hosts, worker_identity
from odbctl.engine.model.core import Service, ServiceHost, ServiceInstance
from odbctl.engine.model.states import ENDED_STATES, HostState
from odbctl.engine.reconcile.snapshot import (
    HostSnapshot,
    InstanceSnapshot,
    ServiceSnapshot,
    WorldSnapshot,
)
from odbctl.engine.worker.identity import ProcessIdentity, read_boot_id
from odbctl.errors import is_transient

# Takes the name of a service that cannot be read, and why.
OnBroken = Callable[[str, Exception], None]


def observe_world(
    own_host: int,
    *,
    asked_at: Mapping[int, float],
    terminated: Collection[int],
    on_broken: OnBroken | None = None,
    run: str | os.PathLike[str] | None = None,
) -> WorldSnapshot:
    """Read everything that a plan is made from. Needs an open view.

    Args:
        own_host: The object id of the observing manager's host.
        asked_at: When that manager asked instances to stop, as it remembers it.
        terminated: Instances that it sent SIGTERM already.
        on_broken: As in `observe_services`.
        run: The home's run folder, by which unrecorded workers are found.
    """
    found = known_hosts()
    hosts = [observe_host(host, is_own=host.oid == own_host) for host in found]
    hosts += _deleted_hosts()
    started_at = [host.started_at for host in found if host.oid == own_host]
    up = sorted((host.name, host.id) for host in hosts if host.is_up)
    absent = frozenset(host.id for host in hosts if not host.is_up)
    services = observe_services(
        asked_at=asked_at, terminated=terminated, on_broken=on_broken, absent=absent, run=run
    )
    return WorldSnapshot(
        services=tuple(services),
        hosts=tuple(hosts),
        own_host=own_host,
        is_leader=bool(up) and up[0][1] == own_host,
        observer_since=(started_at[0] if started_at else None) or 0.0,
    )


def _deleted_hosts() -> list[HostSnapshot]:
    """Return the hosts that were deleted while instances were there: nobody manages them.

    The boot ids of the instances say whether their processes are looked up on this machine.
    """
    boot_ids: dict[ServiceHost, set[str]] = defaultdict(set)
    for instance in ServiceInstance.lookup_all(is_current=True):
        boot_ids[instance.host].add(instance.boot_id)
    here = {"", read_boot_id()}
    return [
        observe_host(host)._replace(is_on_this_machine=found <= here, is_deleted=True)
        for host, found in boot_ids.items()
        if not host.exists()
    ]


def observe_services(
    *,
    asked_at: Mapping[int, float] = MappingProxyType({}),
    terminated: Collection[int] = (),
    on_broken: OnBroken | None = None,
    absent: Collection[int] = (),
    run: str | os.PathLike[str] | None = None,
) -> Iterable[ServiceSnapshot]:
    """Read all services and their current instances. Needs an open view.

    A service that was deleted while it had instances is among them, as a removed one.

    Args:
        asked_at: As in `observe_world`.
        terminated: As in `observe_world`.
        on_broken: Called for a service that cannot be read, which is left out; by default
            the error is raised.
        absent: The hosts without a manager, whose instances' processes are looked up.
        run: As in `observe_world`.
    """
    instances: dict[int, list[ServiceInstance]] = defaultdict(list)
    for instance in ServiceInstance.lookup_all(is_current=True):
        instances[instance.service.oid].append(instance)

    from odbctl.engine.managers.gone_processes import GoneProcesses  # for managers, not displays

    gone = GoneProcesses(run)

    def observe(instance: ServiceInstance) -> InstanceSnapshot:
        snapshot = observe_instance(instance)
        if instance.oid in asked_at:
            snapshot = snapshot._replace(stopping_at=asked_at[instance.oid])
        if instance.oid in terminated:
            snapshot = snapshot._replace(is_terminated=True)
        if snapshot.host in absent and not snapshot.is_ended:
            snapshot = snapshot._replace(is_gone=gone(instance))
        return snapshot

    services = Service.lookup_all()
    known = {service.oid for service in services}
    deleted = [Service.from_oid(oid) for oid in instances if oid not in known]
    for service in (*services, *deleted):
        try:
            found = observe_service(service, map(observe, instances[service.oid]))
        except Exception as error:
            if on_broken is None or is_transient(error):
                raise
            on_broken(service.name, error)
        else:
            yield found


def observe_service(service: Service, instances: Iterable[InstanceSnapshot]) -> ServiceSnapshot:
    """Read one service."""
    return ServiceSnapshot(
        id=service.oid,
        name=service.name,
        desired_count=service.desired_count,
        release=service.release.oid if service.release else None,
        candidate=service.candidate.oid if service.candidate else None,
        settle_seconds=service.candidate.settle_seconds if service.candidate else 0.0,
        is_paused=service.is_paused,
        resumes_with_manager=service.resumes_with_manager,
        singleton=service.singleton,
        restart=service.restart,
        placement=service.placement,
        move_after_seconds=service.move_after_seconds,
        cores=service.cores,
        ram_gb=service.ram_gb,
        stop_grace_seconds=service.stop_grace_seconds,
        stop_signal=service.stop_signal,
        readiness=service.readiness,
        liveness=service.liveness,
        start_grace_seconds=service.start_grace_seconds,
        replaces_unhealthy=service.replaces_unhealthy,
        depends_on=tuple(service.depends_on),
        is_scheduled=service.schedule is not None,
        overlap=service.overlap,
        run_at=service.run_at,
        next_run_at=service.next_run_at,
        has_requested_run=service.requested_run is not None,
        failed_starts=service.failed_starts,
        reset_at=service.reset_at,
        is_removed=service.is_removed,
        unplaceable_count=service.unplaceable_count,
        shortage=service.shortage,
        instances=tuple(instances),
    )


def observe_instance(instance: ServiceInstance) -> InstanceSnapshot:
    """Read one instance."""
    owner = instance.owner
    return InstanceSnapshot(
        id=instance.oid,
        slot=instance.slot,
        release=instance.release.oid,
        host=instance.host.oid,
        state=instance.state,
        created_at=instance.created_at,
        owner=owner.oid if owner is not None else None,
        is_one_off=instance.is_one_off,
        failures=instance.failures,
        running_at=instance.running_at,
        stopping_at=instance.stopping_at,
        ended_at=instance.ended_at,
        exit_code=instance.exit_code,
        is_killed=bool(instance.killed_by),
        is_ended_by_person=bool(instance.stopped_by or instance.killed_by),
        readiness=instance.is_ready,
        ready_at=instance.ready_at,
        unhealthy_at=instance.unhealthy_at,
    )


def observe_host(host: ServiceHost, *, is_own: bool = False) -> HostSnapshot:
    """Read one host; it is up when its manager's process lives."""
    return HostSnapshot(
        id=host.oid,
        name=host.name,
        placement=host.placement,
        is_up=is_own or is_managed(host),
        is_draining=host.is_draining,
        cores=host.cores,
        ram_gb=host.ram_gb,
        max_instances=host.max_instances,
        is_recorded_up=host.state is HostState.UP,
        absent_since=host.last_seen_at or 0.0,
        is_on_this_machine=host.hostname == os.uname().nodename,
    )


def observe_workers(host: int) -> list[tuple[int, ProcessIdentity | None]]:
    """Return the instances of a host that have not ended, with their processes."""
    return [
        (instance.oid, worker_identity(instance))
        for instance in ServiceInstance.lookup_all(is_current=True)
        if instance.host.oid == host and instance.state not in ENDED_STATES
    ]
