"""What a service's state is, in one word and one line. Pure.

Used by every display; the words are those of the JSON documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from odbctl.engine.model.states import InstanceState
from odbctl.engine.reconcile.backoff import (
    CRASH_LOOP_FAILURES,
    failures_after,
    next_try_at,
    without_future_reset,
)
from odbctl.engine.reconcile.occupancy import by_slot, in_slots, is_finished, live_ones
from odbctl.engine.reconcile.snapshot import InstanceSnapshot, ServiceSnapshot
from odbctl.units import duration, exact_duration


class ServiceState(StrEnum):
    """How a service is, compared with what is wanted."""

    STOPPED = "stopped"  # none wanted, none live; or a job that has ended
    STARTING = "starting"  # some wanted ones are booting or initializing
    RUNNING = "running"  # as many as wanted run
    DEGRADED = "degraded"  # fewer than wanted run, not all are ready, or no manager looks after
    STOPPING = "stopping"  # none wanted, some live
    BACKOFF = "backoff"  # waits before the next try
    CRASH_LOOP = "crash-loop"  # ended badly again and again, waits longer
    THROTTLED = "throttled"  # gave up after failed starts, until a reset
    UNPLACEABLE = "unplaceable"  # no host can take it
    WAITING = "waiting"  # for a manager, a dependency or its next scheduled run


STOPPED_WITH_MANAGER = "stopped with its manager: odbctl manager start starts it again"


def describe_service(
    service: ServiceSnapshot,
    *,
    is_managed: bool,
    now: float,
    absent: Mapping[int, str] = MappingProxyType({}),
) -> tuple[ServiceState, str]:
    """Return a service's state and the reason for it (empty when there is none).

    Args:
        service: The service, with the checked states of its instances.
        is_managed: Whether any host has a manager.
        now: Seconds since the epoch.
        absent: A sentence about each host that has no manager, by id.
    """
    state, reason = _describe(service, is_managed=is_managed, now=now)
    # An instance whose process is gone, but of which no end is recorded, has `ended_at` None.
    left = [i for i in service.instances if i.host in absent and i.ended_at is None]
    if not left or state is ServiceState.THROTTLED:
        return state, reason
    many = f"{len(left)} instances are" if len(left) > 1 else "an instance is"
    text = f"{many} unsupervised: {absent[left[0].host]}"
    if not is_managed:
        text += ": odbctl manager start"
    return (state if state is ServiceState.STOPPING else ServiceState.DEGRADED), text


def _describe(
    service: ServiceSnapshot, *, is_managed: bool, now: float
) -> tuple[ServiceState, str]:
    service = without_future_reset(service, now=now)
    target = service.target_count
    if found := _describe_one_off(service, is_managed=is_managed):
        return found
    if target == 0:
        is_live = any(not i.is_ended for i in service.instances)
        reason = STOPPED_WITH_MANAGER if service.resumes_with_manager else ""
        return (ServiceState.STOPPING if is_live else ServiceState.STOPPED), reason
    running = _running_slots(service)
    if running >= target:
        return _describe_readiness(service, running, now)
    if not is_managed:
        return ServiceState.WAITING, "no manager runs: odbctl manager start"
    if service.is_throttled:
        return ServiceState.THROTTLED, (
            f"{service.failed_starts} starts failed in a row; "
            f"odbctl service reset {service.name} retries"
        )
    if service.shortage:
        return ServiceState.UNPLACEABLE, service.shortage
    if service.waits_for:
        return ServiceState.WAITING, f"waits for {', '.join(service.waits_for)}"
    if service.is_scheduled and not live_ones(service) and (text := _next_run(service, now)):
        return ServiceState.WAITING, text
    return _describe_missing(service, running, target, now)


def _describe_one_off(
    service: ServiceSnapshot, *, is_managed: bool
) -> tuple[ServiceState, str] | None:
    """Describe a run that a person asked for; None when there is none."""
    runs = [i for i in live_ones(service) if i.is_one_off]
    if runs:
        if any(i.is_stopping for i in runs):
            return ServiceState.STOPPING, ""
        is_running = all(i.is_running for i in runs)
        text = "a requested run"
        return (ServiceState.RUNNING if is_running else ServiceState.STARTING), text
    if not service.has_requested_run or service.is_removed:
        return None
    if not is_managed:
        return ServiceState.WAITING, "no manager runs: odbctl manager start"
    if service.shortage:
        return ServiceState.UNPLACEABLE, service.shortage
    if service.waits_for:
        return ServiceState.WAITING, f"waits for {', '.join(service.waits_for)}"
    return ServiceState.STARTING, "a requested run"


def _describe_readiness(
    service: ServiceSnapshot, running: int, now: float
) -> tuple[ServiceState, str]:
    """Say how a service is of which as many as wanted run."""
    live = [i for i in in_slots(service) if i.is_running]
    ready = {i.slot for i in live if service.is_ready(i) and i.slot < service.target_count}
    if len(ready) >= service.target_count:
        return ServiceState.RUNNING, ""
    text = f"{running} running, {len(ready)} of {service.target_count} ready"
    grace = service.start_grace_seconds
    slow = [i for i in live if i.slot not in ready and now - (i.running_at or now) >= grace]
    was_ready = [i for i in live if i.slot not in ready and i.readiness is False]
    is_new = not slow and not (was_ready and ready)
    return (ServiceState.STARTING if is_new else ServiceState.DEGRADED), text


def _next_run(service: ServiceSnapshot, now: float) -> str:
    """Say when a scheduled service runs again; empty while a run is under way."""
    last = _waiting_slots(service)
    is_done = all(is_finished(service, i) and i.created_at >= service.run_at for i in last)
    if not is_done or (service.run_at and not last) or service.next_run_at is None:
        return ""
    rest = max(0.0, service.next_run_at - now)
    return f"its next run is due in {duration(rest)}"


def _describe_missing(
    service: ServiceSnapshot, running: int, target: int, now: float
) -> tuple[ServiceState, str]:
    waiting = _waiting_slots(service)
    finished = [i for i in waiting if is_finished(service, i)]
    if finished and len(finished) + running >= target:
        ended = f"ended, and its restart policy is {service.restart}"
        if running:
            return ServiceState.DEGRADED, f"{running} of {target} running; {len(finished)} {ended}"
        return ServiceState.STOPPED, ended
    pending = [i for i in waiting if i not in finished]
    if pending:
        failures = max(failures_after(i, reset_at=service.reset_at) for i in pending)
        due_at = min(next_try_at(i, reset_at=service.reset_at, now=now) for i in pending)
        rest = exact_duration(round(max(due_at - now, 0.0), 1))
        times = "once" if failures == 1 else f"{failures} times in a row"
        text = f"failed {times}, next start in {rest}"
        is_loop = failures >= CRASH_LOOP_FAILURES
        if due_at > now:
            return (ServiceState.CRASH_LOOP if is_loop else ServiceState.BACKOFF), text
    if any(i.is_wanted and i.state is not InstanceState.RUNNING for i in live_ones(service)):
        return ServiceState.STARTING, ""
    if running:
        return ServiceState.DEGRADED, f"{running} of {target} running"
    return ServiceState.STARTING, ""


def _running_slots(service: ServiceSnapshot) -> int:
    """Count the wanted slots in which an instance runs, of whichever release."""
    running = {i.slot for i in in_slots(service) if i.state is InstanceState.RUNNING}
    return sum(slot < service.target_count for slot in running)


def _waiting_slots(service: ServiceSnapshot) -> list[InstanceSnapshot]:
    """Return the last instance of each wanted slot that has no live one."""
    slots = by_slot(service)
    wanted = [slots[s] for s in range(service.target_count) if s in slots]
    return [o[-1] for o in wanted if all(i.is_ended for i in o)]
