"""Runs of jobs: by a schedule, and at the request of a person. Pure.

Between the runs of a scheduled service nothing lives. A run begins with an instance in its
one slot; earlier ends no longer count. If it fails, the restart policy may fill the slot
again, like that of any service. When the next run is due is worked out elsewhere.

A run at the request of a person is one instance outside of the slots. It runs once, also
while the service is stopped, and leaves the schedule as it is.
"""

from __future__ import annotations

from odbctl.engine.model.states import Overlap
from odbctl.engine.reconcile.actions import BeginRun, Boot, Retire, SetNextRun, SkipRun, Stop
from odbctl.engine.reconcile.occupancy import live_ones
from odbctl.engine.reconcile.placement import Allocation
from odbctl.engine.reconcile.slots import SlotPlan, boot
from odbctl.engine.reconcile.snapshot import InstanceSnapshot, ServiceSnapshot

RUN_SLOT = 0


def plan_schedule(
    plan: SlotPlan, service: ServiceSnapshot, allocation: Allocation, *, now: float
) -> None:
    """Plan the next run of a scheduled service."""
    if service.target_count == 0 or service.candidate is not None or service.has_requested_run:
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


def plan_requested_run(plan: SlotPlan, service: ServiceSnapshot, allocation: Allocation) -> None:
    """Begin a run that a person asked for, once nothing else of the service lives.

    The last one-off run stays current until another instance follows it.
    """
    newest = max((i.id for i in service.instances), default=0)
    one_offs = [i for i in service.instances if i.is_one_off]
    plan.actions += [Retire(i.id) for i in one_offs if i.is_ended and i.id != newest]
    if service.is_removed:
        plan.actions += [Stop(i.id, "its service is removed") for i in one_offs if i.is_wanted]
        return
    if not service.has_requested_run or service.candidate is not None or service.waits_for:
        return
    is_free = not live_ones(service) and not any(isinstance(a, Boot) for a in plan.actions)
    if service.release is not None and is_free:
        boot(plan, service, service.release, RUN_SLOT, allocation, failures=0, is_one_off=True)


def _plan_overlap(plan: SlotPlan, service: ServiceSnapshot, live: list[InstanceSnapshot]) -> None:
    match service.overlap:
        case Overlap.SKIP:
            plan.actions.append(SkipRun(service.id))
        case Overlap.REPLACE:
            reason = "its next run is due"
            plan.actions += [Stop(i.id, reason) for i in reversed(live) if i.is_wanted]
        case Overlap.QUEUE:
            pass  # the end of what runs wakes the manager
