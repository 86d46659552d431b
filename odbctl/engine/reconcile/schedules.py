"""Scheduled services: between runs nothing lives; when one is due, its slots are filled. Pure.

A run begins with an instance in its one slot; what ended before no longer counts. If it
fails, the restart policy may fill the slot again, as that of any service. When the next
one is due is worked out elsewhere.
"""

from __future__ import annotations

from odbctl.engine.model.states import Overlap
from odbctl.engine.reconcile.actions import BeginRun, Retire, SetNextRun, SkipRun, Stop
from odbctl.engine.reconcile.occupancy import live_ones
from odbctl.engine.reconcile.placement import Allocation
from odbctl.engine.reconcile.slots import SlotPlan, boot
from odbctl.engine.reconcile.snapshot import InstanceSnapshot, ServiceSnapshot

RUN_SLOT = 0


def plan_schedule(
    plan: SlotPlan, service: ServiceSnapshot, allocation: Allocation, *, now: float
) -> None:
    """Plan what becomes of the next run of a scheduled service."""
    if service.target_count == 0 or service.candidate is not None:
        return
    if service.next_run_at is None:
        plan.actions.append(SetNextRun(service.id))
    elif service.next_run_at > now:
        plan.wake_by(service.next_run_at)
    elif live := live_ones(service):
        _plan_overlap(plan, service, live)
    elif not service.waits_for:
        _begin(plan, service, allocation)


def _begin(plan: SlotPlan, service: ServiceSnapshot, allocation: Allocation) -> None:
    assert service.release is not None  # a service without release has no target
    if boot(plan, service, service.release, RUN_SLOT, allocation, failures=0):
        plan.actions.append(BeginRun(service.id))
        plan.actions += [Retire(i.id) for i in service.instances if i.is_ended]


def _plan_overlap(plan: SlotPlan, service: ServiceSnapshot, live: list[InstanceSnapshot]) -> None:
    match service.overlap:
        case Overlap.SKIP:
            plan.actions.append(SkipRun(service.id))
        case Overlap.REPLACE:
            reason = "its next run is due"
            plan.actions += [Stop(i.id, reason) for i in reversed(live) if i.is_wanted]
        case Overlap.QUEUE:
            pass  # the end of what runs wakes the manager
