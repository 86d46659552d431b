"""Apply: a plan's moves become objects, in one transaction, checked again first.

Run by managers. The plan was made from a view that has ended, so each move
looks once more at what it depends on; what changed meanwhile is planned anew.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from typing import assert_never

from odbctl.engine.managers.identities import is_managed
from odbctl.engine.managers.messages import WorkerExited
from odbctl.engine.managers.record import describe_exit, record_exits
from odbctl.engine.managers.runs import begin_run, set_next_run, skip_run
from odbctl.engine.model.core import Release, Service, ServiceHost, ServiceInstance
from odbctl.engine.model.events import record_event, record_service_event
from odbctl.engine.model.states import (
    ENDED_STATES,
    EventLevel,
    HostState,
    InstanceState,
    ReleaseOutcome,
)
from odbctl.engine.reconcile.actions import (
    Action,
    BeginRun,
    Boot,
    ClearFailedStarts,
    FailRollout,
    Forget,
    Kill,
    Promote,
    RecordGone,
    ReportHostDown,
    ReportShortage,
    Retire,
    SetNextRun,
    SkipRun,
    Stop,
    Terminate,
)

_MAY_STOP = frozenset({InstanceState.BOOTING, InstanceState.INITIALIZING, InstanceState.RUNNING})


def apply_actions(actions: tuple[Action, ...], *, actor: str) -> None:
    """Write a plan's moves. Needs an open transaction."""
    boots: dict[int, list[Boot]] = defaultdict(list)
    stops: list[Stop] = []
    for action in actions:
        match action:
            case Boot(is_one_off=True):
                _apply_requested_run(action, actor)
            case Boot():
                boots[action.service].append(action)
            case Stop():
                stops.append(action)
            case _:
                _apply(action, actor)
    _apply_stops(stops, actor)
    for service, wanted in boots.items():
        _apply_boots(Service.from_oid(service), wanted, actor)


def _apply(action: Action, actor: str) -> None:
    match action:
        case Retire():
            _retire(ServiceInstance.from_oid(action.instance))
        case Promote():
            _promote(Service.from_oid(action.service), actor)
        case FailRollout():
            failed = ServiceInstance.from_oid(action.instance)
            _fail_rollout(Service.from_oid(action.service), failed, action.reason, actor)
        case ClearFailedStarts():
            _clear_failed_starts(Service.from_oid(action.service))
        case ReportShortage():
            _report_shortage(Service.from_oid(action.service), action, actor)
        case SetNextRun() | BeginRun() | SkipRun():
            _apply_run(action, actor)
        case RecordGone() | ReportHostDown():
            _apply_absence(action, actor)
        case Forget():
            forget_service(Service.from_oid(action.service), actor=actor)
        case Kill() | Terminate() | Boot() | Stop():
            pass  # signals are sent, not written; boots and stops are written together
        case _:
            assert_never(action)


def _clear_failed_starts(service: Service) -> None:
    if service.exists():
        service.failed_starts = 0


def _apply_run(action: SetNextRun | BeginRun | SkipRun, actor: str) -> None:
    service = Service.from_oid(action.service)
    match action:
        case SetNextRun():
            set_next_run(service)
        case BeginRun():
            begin_run(service, actor=actor)
        case SkipRun():
            skip_run(service, actor=actor)


def _apply_boots(service: Service, boots: list[Boot], actor: str) -> None:
    """Create instances in slots that are still wanted, and free of a wanted one."""
    if not service.exists() or service.is_removed:
        return
    releases = {r.oid for r in (service.release, service.candidate) if r is not None}
    taken = {
        (i.slot, i.release.oid)
        for i in service.current_instances()
        if i.owner is None and not i.is_one_off and i.state in _MAY_STOP
    }
    fitting = [
        b
        for b in boots
        if b.slot < service.target_count
        and b.release in releases
        and (b.slot, b.release) not in taken
    ]
    for boot in fitting:
        _create(service, boot, service.next_instance_name())
    restarts = sum(boot.failures > 0 for boot in fitting)
    if restarts:
        service.restarts += restarts
    if fitting:
        text = f"{len(fitting)} instance{'s' if len(fitting) > 1 else ''}"
        record_service_event(service, "restarting" if restarts else "booting", text, actor=actor)


def _apply_requested_run(boot: Boot, actor: str) -> None:
    """Create the instance of a run that a person asked for, under the name that was promised."""
    service = Service.from_oid(boot.service)
    if not service.exists() or service.is_removed or service.requested_run is None:
        return
    is_busy = any(i.state not in ENDED_STATES for i in service.current_instances())
    if is_busy or service.release is None or service.release.oid != boot.release:
        return
    name, service.requested_run = service.requested_run, None
    _create(service, boot, name)
    record_service_event(service, "booting", f"{name}, a requested run", actor=actor)


def _create(service: Service, boot: Boot, name: str) -> ServiceInstance:
    return ServiceInstance(
        name=name,
        service=service,
        release=Release.from_oid(boot.release),
        host=ServiceHost.from_oid(boot.host),
        slot=boot.slot,
        created_at=time.time(),
        failures=boot.failures,
        is_one_off=boot.is_one_off,
    )


def _apply_stops(stops: list[Stop], actor: str) -> None:
    """Mark instances as stopping; one that has no process yet has ended with that."""
    reasons: Counter[tuple[Service, str, str]] = Counter()
    for stop in stops:
        instance = ServiceInstance.from_oid(stop.instance)
        if not instance.exists() or instance.state not in _MAY_STOP:
            continue
        instance.state = InstanceState.STOPPING
        instance.stopping_at = time.time()
        is_known = instance.service.exists()
        reason = stop.reason if is_known else "its service was deleted"
        reasons[instance.service, instance.service_name, reason] += 1
    for (service, name, reason), count in reasons.items():
        text = f"{count} instance{'s' if count > 1 else ''}: {reason}"
        record_service_event(service, "stopping", text, actor=actor, name=name)


def _apply_absence(action: RecordGone | ReportHostDown, actor: str) -> None:
    if isinstance(action, ReportHostDown):
        _report_host_down(ServiceHost.from_oid(action.host), actor)
        return
    instance = ServiceInstance.from_oid(action.instance)
    if not instance.exists() or is_managed(instance.host):
        return
    report = WorkerExited(
        action.instance, instance.pid, None, None, time.time(), reason=action.reason
    )
    record_exits([report], actor=actor)


def _report_host_down(host: ServiceHost, actor: str) -> None:
    """Record that a host has lost its manager without a word."""
    if not host.exists() or host.state is not HostState.UP or is_managed(host):
        return
    host.state = HostState.DOWN
    text = "its manager has disappeared without a clean shutdown"
    record_event(f"host/{host.name}", "down", text, actor=actor, level=EventLevel.WARNING)


def _retire(instance: ServiceInstance) -> None:
    if instance.exists() and instance.state in ENDED_STATES:
        instance.is_current = False


def _promote(service: Service, actor: str) -> None:
    """Make the candidate the release that the service runs."""
    if not service.exists() or service.candidate is None:
        return
    if not service.candidate.exists():
        _drop_candidate(service, actor)
        return
    if service.release is not None and service.release.exists():
        service.release.outcome = ReleaseOutcome.SUPERSEDED
    service.release, service.candidate = service.candidate, None
    service.release.outcome = ReleaseOutcome.ACTIVE
    service.release.finished_at = time.time()
    service.failed_starts = 0
    record_service_event(
        service, "deployed", f"release {service.release.number} is active", actor=actor
    )


def _drop_candidate(service: Service, actor: str) -> None:
    """Give up a rollout whose release was deleted."""
    service.candidate = None
    text = "the release that was rolled out was deleted"
    record_service_event(service, "deploy-failed", text, actor=actor, level=EventLevel.ERROR)


def _fail_rollout(
    service: Service, failed: ServiceInstance, reason: str | None, actor: str
) -> None:
    """Give the candidate up, with the reason of the instance that failed."""
    candidate = service.candidate
    if not service.exists() or candidate is None or failed.release != candidate:
        return
    if not candidate.exists():
        failed.is_current = failed.is_current and reason is not None
        _drop_candidate(service, actor)
        return
    candidate.outcome = ReleaseOutcome.FAILED
    candidate.finished_at = time.time()
    if reason is not None and failed.health:
        reason = f"{reason}: {failed.health}"
    candidate.reason = f"{failed.name}: {reason or describe_exit(failed)}"
    service.candidate = None
    if reason is None:
        failed.is_current = False
    record_service_event(
        service,
        "deploy-failed",
        f"release {candidate.number}: {candidate.reason}",
        actor=actor,
        level=EventLevel.ERROR,
    )


def _report_shortage(service: Service, action: ReportShortage, actor: str) -> None:
    if not service.exists() or (service.unplaceable_count, service.shortage) == (
        action.count,
        action.shortage,
    ):
        return
    if action.shortage and action.shortage != service.shortage:
        text = f"{action.count} cannot be placed: {action.shortage}"
        record_service_event(service, "unplaceable", text, actor=actor, level=EventLevel.WARNING)
    service.unplaceable_count = action.count
    service.shortage = action.shortage


def forget_service(service: Service, *, actor: str) -> None:
    """Delete a removed service with its releases and instances; its events stay.

    Of a service that was deleted already, the ended instances are kept for a while.
    """
    if not service.exists():
        for instance in ServiceInstance.lookup_all(service=service, is_current=True):
            _retire(instance)
        return
    if not service.is_removed:
        return
    record_service_event(service, "removed", "", actor=actor)
    for instance in ServiceInstance.lookup_all(service=service):
        instance.delete()
    for release in Release.lookup_all(service=service):
        release.delete()
    service.delete()
