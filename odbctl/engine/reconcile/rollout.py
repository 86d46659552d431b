"""Rollouts: a candidate release is started beside the one that runs. Pure.

Every slot gets an instance of the candidate; when all of them run, the
candidate is promoted and the old instances, now of another release, are
stopped. When one of them fails, the candidate is given up and nothing that ran
has changed. A singleton goes the other way round: the old one stops first, and
comes back when the candidate fails.
"""

from __future__ import annotations

from odbctl.engine.model.states import InstanceState
from odbctl.engine.reconcile.actions import FailRollout, Promote, Retire, Stop
from odbctl.engine.reconcile.placement import Allocation
from odbctl.engine.reconcile.slots import SlotPlan, boot, by_slot, empty_slot
from odbctl.engine.reconcile.snapshot import InstanceSnapshot, ServiceSnapshot


def plan_rollout(service: ServiceSnapshot, allocation: Allocation, *, now: float) -> SlotPlan:
    """Plan one step of a rollout; `now` is when it is planned."""
    del now  # a candidate's start is tried once, so there is no back-off to wait for
    plan = SlotPlan()
    if failed := _failed_candidate(service):
        plan.actions.append(FailRollout(service.id, failed.id))
        return plan
    slots = by_slot(service)
    target = service.target_count
    for slot in sorted((s for s in slots if s >= target), reverse=True):
        empty_slot(plan, slots[slot], "no longer wanted")
    ready = [_roll_slot(plan, service, slots.get(s, []), s, allocation) for s in range(target)]
    if all(ready):
        plan.actions.append(Promote(service.id))
    return plan


def _failed_candidate(service: ServiceSnapshot) -> InstanceSnapshot | None:
    """Return an instance of the candidate that ended without being asked to."""
    for instance in service.instances:
        is_candidate = instance.release == service.candidate and instance.owner is None
        if is_candidate and instance.is_ended and instance.stopping_at is None:
            return instance
    return None


def _roll_slot(
    plan: SlotPlan,
    service: ServiceSnapshot,
    occupants: list[InstanceSnapshot],
    slot: int,
    allocation: Allocation,
) -> bool:
    """Move one slot towards the candidate; return whether its instance runs."""
    assert service.candidate is not None
    plan.actions += [Retire(i.id) for i in occupants if i.is_ended]
    new = [i for i in occupants if i.is_wanted and i.release == service.candidate]
    if new:
        return new[0].state is InstanceState.RUNNING
    live = [i for i in occupants if not i.is_ended]
    if service.singleton and live:
        plan.actions += [Stop(i.id, "making room for the new release") for i in live if i.is_wanted]
        return False
    boot(plan, service, service.candidate, slot, allocation, failures=0)
    return False
