"""Rollouts: a candidate release is started beside the one that runs. Pure.

Every slot gets an instance of the candidate. When all of them have been ready
for the release's settle time, the candidate is promoted and the old instances,
now of another release, are stopped. When one of them ends before that, the
candidate is given up and the old instances keep running; until then the old
release is supervised as usual, because a rollout may take long. A singleton
goes the other way round: the old instance stops first, and is started again
when the candidate fails.
"""

from __future__ import annotations

from odbctl.engine.model.states import RestartPolicy
from odbctl.engine.reconcile.actions import FailRollout, Promote, Stop
from odbctl.engine.reconcile.backoff import CLOCK_TOLERANCE_SECONDS
from odbctl.engine.reconcile.occupancy import by_slot, ended_well, live_ones
from odbctl.engine.reconcile.placement import Allocation
from odbctl.engine.reconcile.slots import (
    SlotPlan,
    boot,
    empty_slot,
    refill_slot,
    retire_foreign,
)
from odbctl.engine.reconcile.snapshot import InstanceSnapshot, ServiceSnapshot
from odbctl.units import exact_duration


def plan_rollout(service: ServiceSnapshot, allocation: Allocation, *, now: float) -> SlotPlan:
    """Plan one step of a rollout."""
    plan = SlotPlan()
    if service.is_scheduled or (_is_job(service) and live_ones(service)):
        # A run that is under way is not cut short; the next one is of the new release.
        plan.actions.append(Promote(service.id))
        return plan
    if failed := _failed_candidate(service):
        plan.actions.append(FailRollout(service.id, failed.id))
        return plan
    if late := _late_candidate(plan, service, now=now):
        reason = f"not ready within {exact_duration(service.start_grace_seconds)} of its start"
        plan.actions.append(FailRollout(service.id, late.id, reason))
        return plan
    slots = by_slot(service)
    target = service.target_count
    for slot in sorted((s for s in slots if s >= target), reverse=True):
        empty_slot(plan, slots[slot], "no longer wanted")
    ready = [
        _roll_slot(plan, service, slots.get(slot, []), slot, allocation, now=now)
        for slot in range(target)
    ]
    if all(ready):
        plan.actions.append(Promote(service.id))
    return plan


def _failed_candidate(service: ServiceSnapshot) -> InstanceSnapshot | None:
    """Return an instance of the candidate that ended without being asked to."""
    for instance in service.instances:
        is_candidate = instance.release == service.candidate and instance.owner is None
        if not is_candidate or not instance.is_ended or instance.stopping_at is not None:
            continue
        if not _did_its_job(service, instance):
            return instance
    return None


def _late_candidate(
    plan: SlotPlan, service: ServiceSnapshot, *, now: float
) -> InstanceSnapshot | None:
    """Return an instance of the candidate that runs and has not become ready in time."""
    for instance in service.instances:
        is_new = instance.release == service.candidate and instance.owner is None
        if not is_new or not instance.is_running or service.is_ready(instance):
            continue
        due_at = (instance.running_at or now) + service.start_grace_seconds
        if due_at <= now:
            return instance
        plan.wake_by(due_at)
    return None


def _is_job(service: ServiceSnapshot) -> bool:
    return service.restart is RestartPolicy.NEVER


def _did_its_job(service: ServiceSnapshot, instance: InstanceSnapshot) -> bool:
    """Tell whether an ended instance is of a job that may end, and ended well."""
    return service.restart is not RestartPolicy.ALWAYS and ended_well(instance)


def _roll_slot(
    plan: SlotPlan,
    service: ServiceSnapshot,
    occupants: list[InstanceSnapshot],
    slot: int,
    allocation: Allocation,
    *,
    now: float,
) -> bool:
    """Move one slot towards the candidate.

    Returns:
        Whether its new instance has settled, or has done its job and ended well.
    """
    ended = retire_foreign(plan, service, occupants)
    _stop_superseded(plan, service, occupants)
    new = [i for i in occupants if i.release == service.candidate and i.stopping_at is None]
    if any(service.is_ready(i) or i.is_ended for i in new):
        return _has_settled(plan, service, new, now=now)
    if service.singleton:
        _roll_singleton(plan, service, slot, allocation)
        return False
    if ended and not any(i.is_wanted and i.release == service.release for i in occupants):
        refill_slot(plan, service, ended, slot, allocation, now=now)
    if not new:
        _boot_candidate(plan, service, slot, allocation)
    return False


def _has_settled(
    plan: SlotPlan, service: ServiceSnapshot, new: list[InstanceSnapshot], *, now: float
) -> bool:
    """Tell whether a ready instance has been so for the settle time; wake when it will have."""
    if any(i.is_ended for i in new):
        return True
    since = max(service.ready_since(i) for i in new if service.is_ready(i))
    if since > now + CLOCK_TOLERANCE_SECONDS:
        return True  # the clock was set back: it would take that long to settle
    settled_at = since + service.settle_seconds
    if settled_at > now:
        plan.wake_by(settled_at)
    return settled_at <= now


def _roll_singleton(
    plan: SlotPlan, service: ServiceSnapshot, slot: int, allocation: Allocation
) -> None:
    """Stop the old one, then boot the candidate: never two at once."""
    live = live_ones(service)
    old = [i for i in live if i.is_wanted and i.release == service.release and i.slot == slot]
    old = [i for i in old if not i.is_one_off]
    plan.actions += [Stop(i.id, "making room for the new release") for i in old]
    if not live:
        _boot_candidate(plan, service, slot, allocation)


def _stop_superseded(
    plan: SlotPlan, service: ServiceSnapshot, occupants: list[InstanceSnapshot]
) -> None:
    """Stop instances of a candidate that a later one replaced before it was promoted."""
    known = (service.release, service.candidate)
    superseded = [i for i in reversed(occupants) if i.is_wanted and i.release not in known]
    plan.actions += [Stop(i.id, "replaced by a later release") for i in superseded]


def _boot_candidate(
    plan: SlotPlan, service: ServiceSnapshot, slot: int, allocation: Allocation
) -> None:
    assert service.candidate is not None
    if service.waits_for:
        return
    boot(plan, service, service.candidate, slot, allocation, failures=0)
