"""What a service's state is, in one word and one line. Pure.

Used by every display; the words are those of the JSON documents.
"""

from __future__ import annotations

from enum import StrEnum

from odbctl.engine.model.states import InstanceState
from odbctl.engine.reconcile.backoff import (
    CRASH_LOOP_FAILURES,
    failures_after,
    next_try_at,
    without_future_reset,
)
from odbctl.engine.reconcile.occupancy import by_slot, is_finished, live_ones
from odbctl.engine.reconcile.snapshot import InstanceSnapshot, ServiceSnapshot


class ServiceState(StrEnum):
    """How a service is, compared with what is wanted."""

    STOPPED = "stopped"  # none wanted, none live
    STARTING = "starting"  # some wanted ones are booting or initializing
    RUNNING = "running"  # as many as wanted run
    DEGRADED = "degraded"  # fewer than wanted run
    STOPPING = "stopping"  # none wanted, some live
    BACKOFF = "backoff"  # waits before the next try
    CRASH_LOOP = "crash-loop"  # ended badly again and again, waits longer
    THROTTLED = "throttled"  # gave up after failed starts, until a reset
    UNPLACEABLE = "unplaceable"  # no host can take it
    WAITING = "waiting"  # nobody acts: no manager runs


def describe_service(
    service: ServiceSnapshot, *, is_managed: bool, now: float
) -> tuple[ServiceState, str]:
    """Say a service's state and the reason for it (empty when there is nothing to say)."""
    service = without_future_reset(service, now=now)
    target = service.target_count
    if target == 0:
        is_live = any(not i.is_ended for i in service.instances)
        return (ServiceState.STOPPING, "") if is_live else (ServiceState.STOPPED, "")
    running = _running_slots(service)
    if running >= target:
        return ServiceState.RUNNING, ""
    if not is_managed:
        return ServiceState.WAITING, "no manager runs: odbctl manager start"
    if service.is_throttled:
        return ServiceState.THROTTLED, (
            f"{service.failed_starts} starts failed in a row; "
            f"odbctl service reset {service.name} tries again"
        )
    if service.shortage:
        return ServiceState.UNPLACEABLE, service.shortage
    return _describe_missing(service, running, target, now)


def _describe_missing(
    service: ServiceSnapshot, running: int, target: int, now: float
) -> tuple[ServiceState, str]:
    waiting = _waiting_slots(service)
    finished = [i for i in waiting if is_finished(service, i)]
    if finished and len(finished) + running >= target:
        ended = f"ended, and its restart policy is {service.restart}"
        if running:
            return ServiceState.DEGRADED, f"{running} of {target} run; {len(finished)} {ended}"
        return ServiceState.STOPPED, ended
    pending = [i for i in waiting if i not in finished]
    if pending:
        failures = max(failures_after(i, reset_at=service.reset_at) for i in pending)
        due_at = min(next_try_at(i, reset_at=service.reset_at, now=now) for i in pending)
        text = f"{failures} bad ends in a row, next try in {max(due_at - now, 0.0):.1f} s"
        is_loop = failures >= CRASH_LOOP_FAILURES
        if due_at > now:
            return (ServiceState.CRASH_LOOP if is_loop else ServiceState.BACKOFF), text
    if any(i.is_wanted and i.state is not InstanceState.RUNNING for i in live_ones(service)):
        return ServiceState.STARTING, ""
    if running:
        return ServiceState.DEGRADED, f"{running} of {target} run"
    return ServiceState.STARTING, ""


def _running_slots(service: ServiceSnapshot) -> int:
    """Count the wanted slots in which an instance runs, of whichever release."""
    running = {i.slot for i in live_ones(service) if i.state is InstanceState.RUNNING}
    return sum(slot < service.target_count for slot in running)


def _waiting_slots(service: ServiceSnapshot) -> list[InstanceSnapshot]:
    """Return the last instance of each wanted slot that has no live one."""
    slots = by_slot(service)
    wanted = [slots[s] for s in range(service.target_count) if s in slots]
    return [o[-1] for o in wanted if all(i.is_ended for i in o)]
