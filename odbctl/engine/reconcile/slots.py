"""Slots: a service wants one live instance in each of `desired_count` slots. Pure.

A slot remembers how its last instance ended (that instance stays current
until it is replaced), so back-off is per slot: one slot that crashes does not
hold back the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from odbctl.engine.model.states import RestartPolicy
from odbctl.engine.reconcile.actions import Action, Boot, Retire, Stop
from odbctl.engine.reconcile.backoff import failures_after, next_try_at
from odbctl.engine.reconcile.occupancy import by_slot, is_finished, live_ones
from odbctl.engine.reconcile.placement import Allocation
from odbctl.engine.reconcile.snapshot import InstanceSnapshot, ServiceSnapshot


@dataclass(slots=True)
class SlotPlan:
    """The moves of one service, collected slot by slot."""

    actions: list[Action] = field(default_factory=list[Action])
    wake_at: float | None = None
    unplaced_count: int = 0
    shortage: str | None = None

    def wake_by(self, at: float) -> None:
        """Look again at `at`, or earlier."""
        self.wake_at = at if self.wake_at is None else min(self.wake_at, at)


def plan_slots(service: ServiceSnapshot, allocation: Allocation, *, now: float) -> SlotPlan:
    """Plan a service that is not being rolled out: stops newest first, then boots."""
    plan = SlotPlan()
    slots = by_slot(service)
    target = service.target_count
    for slot in sorted((s for s in slots if s >= target), reverse=True):
        empty_slot(plan, slots[slot], "no longer wanted")
    for slot in range(target):
        fill_slot(plan, service, slots.get(slot, []), slot, allocation, now=now)
    return plan


def empty_slot(plan: SlotPlan, occupants: list[InstanceSnapshot], reason: str) -> None:
    """Stop what lives in a slot and forget what ended there."""
    for instance in reversed(occupants):
        if instance.is_wanted:
            plan.actions.append(Stop(instance.id, reason))
        elif instance.is_ended:
            plan.actions.append(Retire(instance.id))


def fill_slot(
    plan: SlotPlan,
    service: ServiceSnapshot,
    occupants: list[InstanceSnapshot],
    slot: int,
    allocation: Allocation,
    *,
    now: float,
) -> None:
    """Have one instance of the service's release in the slot, now or after a back-off."""
    wanted = [i for i in occupants if i.is_wanted]
    is_job = service.restart is RestartPolicy.NEVER  # its run is left to its end
    keep = next((i for i in wanted if is_job or i.release == service.release), None)
    plan.actions += [Stop(i.id, "replaced") for i in reversed(wanted) if i is not keep]
    if keep is not None:
        plan.actions += [Retire(i.id) for i in occupants if i.is_ended]
        return
    if is_job and any(i.is_stopping and i.is_ended_by_person for i in occupants):
        return  # a person ends this run; it is not begun again
    ended = retire_foreign(plan, service, occupants)
    if service.singleton and live_ones(service):
        return  # the old one has to be gone first
    refill_slot(plan, service, ended, slot, allocation, now=now)


def retire_foreign(
    plan: SlotPlan, service: ServiceSnapshot, occupants: list[InstanceSnapshot]
) -> list[InstanceSnapshot]:
    """Forget what ended of releases that are gone; return what ended of the active one.

    How another release ended says nothing of the next run of this one.
    """
    ended = [i for i in occupants if i.is_ended]
    known = (service.release, service.candidate)
    plan.actions += [Retire(i.id) for i in ended if i.release not in known]
    return [i for i in ended if i.release == service.release]


def refill_slot(
    plan: SlotPlan,
    service: ServiceSnapshot,
    ended: list[InstanceSnapshot],
    slot: int,
    allocation: Allocation,
    *,
    now: float,
) -> None:
    """Boot the service's release in a slot where it ended, now or after a back-off."""
    assert service.release is not None  # a service without release has no slots to fill
    last = ended[-1] if ended else None
    if may_boot(plan, service, last, now=now):
        failures = failures_after(last, reset_at=service.reset_at) if last else 0
        if boot(plan, service, service.release, slot, allocation, failures=failures):
            plan.actions += [Retire(i.id) for i in ended]


def may_boot(
    plan: SlotPlan, service: ServiceSnapshot, last: InstanceSnapshot | None, *, now: float
) -> bool:
    """Tell whether an empty slot may be filled now; otherwise say when to look again."""
    if service.is_throttled or service.waits_for:
        return False
    if last is None:
        return not service.is_scheduled  # its runs are begun by its schedule
    if is_finished(service, last):
        return False
    due_at = next_try_at(last, reset_at=service.reset_at, now=now)
    if due_at > now:
        plan.wake_by(due_at)
    return due_at <= now


def boot(
    plan: SlotPlan,
    service: ServiceSnapshot,
    release: int,
    slot: int,
    allocation: Allocation,
    *,
    failures: int,
    is_one_off: bool = False,
) -> bool:
    """Place one instance; otherwise count it as unplaced and report the shortage."""
    host = allocation.place(service)
    if host is None:
        plan.unplaced_count += 1
        plan.shortage = allocation.explain(service)
        return False
    plan.actions.append(Boot(service.id, slot, release, host, failures, is_one_off))
    return True
