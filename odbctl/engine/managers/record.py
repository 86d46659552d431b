"""Record: what was seen and decided becomes objects, each batch in one transaction.

Run by managers. Every function is idempotent: a report that comes twice, or
a move that no longer applies, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from odbctl.engine.managers.messages import (
    HealthReport,
    Report,
    WorkerExited,
    WorkerHangs,
    WorkerRunning,
    WorkerStarted,
)
from odbctl.engine.model.core import ServiceInstance
from odbctl.engine.model.events import record_instance_event
from odbctl.engine.model.states import (
    ENDED_STATES,
    EventLevel,
    ExitCause,
    InstanceState,
    RestartPolicy,
)
from odbctl.engine.reconcile.stop_signal import signal_delay
from odbctl.engine.worker.identity import ProcessIdentity, read_boot_id
from odbctl.engine.worker.running import record_running

SIGKILL = 9


def record_reports(reports: Sequence[Report], *, actor: str) -> None:
    """Record all that was reported, each kind in its turn. Needs an open transaction."""
    record_started(r for r in reports if isinstance(r, WorkerStarted))
    record_works(r for r in reports if isinstance(r, WorkerRunning))
    record_hanging((r for r in reports if isinstance(r, WorkerHangs)), actor=actor)
    record_health((r for r in reports if isinstance(r, HealthReport)), actor=actor)
    record_exits((r for r in reports if isinstance(r, WorkerExited)), actor=actor)


def record_started(reports: Iterable[WorkerStarted]) -> None:
    """Record that processes live. Needs an open transaction."""
    for report in reports:
        instance = ServiceInstance.from_oid(report.instance)
        if not instance.exists() or instance.started_at is not None:
            continue
        if instance.pid not in (None, report.pid):  # another one recorded itself before
            continue
        instance.started_at = report.at
        instance.boot_id = read_boot_id()
        instance.pid = report.pid
        instance.start_ticks = report.start_ticks
        if instance.state is InstanceState.BOOTING:
            instance.state = InstanceState.INITIALIZING


def record_works(reports: Iterable[WorkerRunning]) -> None:
    """Record that workers have initialized and work. Needs an open transaction."""
    for report in reports:
        identity = ProcessIdentity(read_boot_id(), report.pid, report.start_ticks)
        record_running(ServiceInstance.from_oid(report.instance), identity, at=report.at)


def record_health(reports: Iterable[HealthReport], *, actor: str) -> None:
    """Record what probes say of instances. Needs an open transaction."""
    for report in reports:
        instance = ServiceInstance.from_oid(report.instance)
        if not instance.exists() or instance.state is not InstanceState.RUNNING:
            continue
        if report.is_liveness:
            _record_liveness(instance, report, actor)
        elif instance.is_ready is not report.is_well:
            was_ready, instance.is_ready = instance.is_ready, report.is_well
            instance.ready_at = report.at if report.is_well else None
            instance.health = report.text
            if report.is_well or was_ready:
                _record_readiness(instance, report, actor)
        elif not report.is_well:
            instance.health = report.text  # not ready still, for another reason


def _record_readiness(instance: ServiceInstance, report: HealthReport, actor: str) -> None:
    word = "ready" if report.is_well else "not-ready"
    level = EventLevel.INFO if report.is_well else EventLevel.WARNING
    record_instance_event(instance, word, report.text, actor=actor, level=level)


def _record_liveness(instance: ServiceInstance, report: HealthReport, actor: str) -> None:
    """Give up an instance whose liveness failed; one that may stay is only told of."""
    service = instance.service
    instance.health = report.text
    if report.is_well:
        record_instance_event(instance, "healthy", report.text, actor=actor)
        return
    record_instance_event(instance, "unhealthy", report.text, actor=actor, level=EventLevel.ERROR)
    if not service.replaces_unhealthy:
        return
    # One that does not answer would not hear a request to stop: its grace counts as over.
    grace = service.stop_grace_seconds if report.is_silent else 0.0
    instance.unhealthy_at = report.at - grace
    instance.reason = f"unhealthy: {report.text}" if report.text else "unhealthy"


def record_hanging(reports: Iterable[WorkerHangs], *, actor: str) -> None:
    """Record that workers do not end. Needs an open transaction."""
    for report in reports:
        instance = ServiceInstance.from_oid(report.instance)
        if not instance.exists() or instance.state in ENDED_STATES:
            continue
        instance.reason = report.text
        record_instance_event(instance, "hanging", report.text, actor=actor, level=EventLevel.ERROR)


def record_exits(reports: Iterable[WorkerExited], *, actor: str) -> None:
    """Record that processes have ended, and how. Needs an open transaction."""
    for report in reports:
        instance = ServiceInstance.from_oid(report.instance)
        if not instance.exists() or instance.state in ENDED_STATES:
            continue
        if report.pid is not None and instance.pid not in (None, report.pid):
            continue
        _record_exit(instance, report, actor)


def _record_exit(instance: ServiceInstance, report: WorkerExited, actor: str) -> None:
    instance.pid = instance.pid if instance.pid is not None else report.pid
    instance.ended_at = report.at
    instance.exit_code = report.code
    instance.exit_signal = report.signal
    instance.state, instance.exit_cause = _classify(instance, report)
    if report.reason and not instance.reason:
        instance.reason = report.reason
    if instance.stopping_at is not None and not _stays_current(instance):
        instance.is_current = False
    _count(instance)
    level = EventLevel.INFO if instance.state is InstanceState.STOPPED else EventLevel.ERROR
    record_instance_event(
        instance, instance.state.value, describe_exit(instance), actor=actor, level=level
    )


def _stays_current(instance: ServiceInstance) -> bool:
    """Tell whether a stopped instance needs no successor: a run that a person ended."""
    is_run = instance.is_one_off or instance.service.restart is RestartPolicy.NEVER
    return is_run and bool(instance.stopped_by or instance.killed_by)


def _classify(instance: ServiceInstance, report: WorkerExited) -> tuple[InstanceState, ExitCause]:
    cause = ExitCause.EXIT if report.signal is None else ExitCause.SIGNAL
    if _failed_by_itself(instance, report):
        return InstanceState.FAILED, cause
    if instance.stopping_at is not None:
        killed = report.signal == SIGKILL
        return InstanceState.STOPPED, ExitCause.KILL if killed else ExitCause.STOP
    if instance.unhealthy_at is not None:
        return InstanceState.CRASHED, ExitCause.UNHEALTHY
    if report.code is None and report.signal is None:
        was_running = instance.running_at is not None
        return (InstanceState.LOST if was_running else InstanceState.FAILED), ExitCause.UNKNOWN
    if instance.running_at is None:
        return InstanceState.FAILED, cause
    return (InstanceState.STOPPED if report.code == 0 else InstanceState.CRASHED), cause


def _failed_by_itself(instance: ServiceInstance, report: WorkerExited) -> bool:
    """Tell whether a stopping instance failed to start, and not because it was stopped.

    When a rollout is given up, its other instances are asked to stop while they start; most of
    them fail for the same reason. An exit after the stop signal may be due to the signal, and
    what people stop (also by pausing or scaling down the service) is no failure.
    """
    if instance.stopping_at is None or instance.running_at is not None:
        return False
    if not report.code and report.signal is None:
        return False
    service = instance.service
    if instance.stopped_by or instance.killed_by or instance.slot >= service.target_count:
        return False
    delay = signal_delay(service.stop_signal, service.stop_grace_seconds)
    return report.at - instance.stopping_at < delay


def _count(instance: ServiceInstance) -> None:
    """Count a bad end; a stopping, a child's or a candidate's does not count."""
    service = instance.service
    if instance.owner is not None or instance.release != service.release:
        return
    if instance.stopping_at is not None:
        return
    if instance.state is InstanceState.FAILED and not instance.is_one_off:
        service.failed_starts += 1
    elif instance.state in (InstanceState.CRASHED, InstanceState.LOST):
        service.crashes += 1


def describe_exit(instance: ServiceInstance) -> str:
    """Say in one line how an instance ended and, where it is known, why."""
    if instance.exit_signal is not None:
        text = f"signal {instance.exit_signal}{_signal_name(instance.exit_signal)}"
    elif instance.exit_code is not None:
        text = f"exit code {instance.exit_code}"
    else:
        text = "exit unknown"
    if instance.killed_by and instance.exit_signal == SIGKILL:
        text = f"killed by {instance.killed_by}"
    elif instance.exit_cause is ExitCause.KILL:
        text = "killed: it ignored the request to stop"
    elif instance.stopped_by:
        text = f"stopped by {instance.stopped_by}: {text}"
    return f"{text}: {instance.reason}" if instance.reason else text


def _signal_name(number: int) -> str:
    """Return a signal's name behind its number, as ` (SIGSEGV)`."""
    import signal

    try:
        return f" ({signal.Signals(number).name})"
    except ValueError:
        return ""
