"""The reconciler: from what is wanted and what is, to the moves to make. Pure.

`plan_world` is called by a manager after each change and each timer. Planning
again before the plan was carried out gives the same plan.

The leader's manager plans for all hosts (boots, stops, rollouts); every
manager escalates the stops of its own host's instances.
"""

from __future__ import annotations

from odbctl.engine.model.states import InstanceState
from odbctl.engine.reconcile.absence import plan_absences
from odbctl.engine.reconcile.actions import (
    Action,
    ClearFailedStarts,
    Forget,
    Kill,
    Plan,
    ReportShortage,
    Retire,
    Stop,
    Terminate,
)
from odbctl.engine.reconcile.backoff import without_future_reset
from odbctl.engine.reconcile.dependencies import with_dependencies
from odbctl.engine.reconcile.placement import Allocation
from odbctl.engine.reconcile.rollout import plan_rollout
from odbctl.engine.reconcile.schedules import plan_requested_run, plan_schedule
from odbctl.engine.reconcile.slots import SlotPlan, plan_slots
from odbctl.engine.reconcile.snapshot import InstanceSnapshot, ServiceSnapshot, WorldSnapshot
from odbctl.engine.reconcile.stop_signal import signal_delay


def plan_world(world: WorldSnapshot, *, now: float) -> Plan:
    """Plan the moves that bring everything to what is wanted.

    Args:
        world: All services with their current instances, and all hosts.
        now: Seconds since the epoch.

    Returns:
        Kills first, then per service its rollout, stops and boots.
    """
    actions, wakes = plan_escalation(world, now=now)
    if world.is_leader:
        allocation = Allocation(world)
        moves, looks = plan_absences(world, allocation, now=now)
        actions += moves
        wakes += looks
        for service in with_dependencies(world.services):
            moves, wake_at = plan_service(service, allocation, now=now)
            actions += moves
            wakes += [] if wake_at is None else [wake_at]
    return Plan(tuple(actions), min(wakes, default=None))


def plan_escalation(world: WorldSnapshot, *, now: float) -> tuple[list[Action], list[float]]:
    """Plan the signals for supervised instances that were asked to stop and have not."""
    actions: list[Action] = []
    wakes: list[float] = []
    hosts = world.supervised_hosts
    for service in world.services:
        for instance in service.instances:
            if instance.host not in hosts or not _is_to_end(service, instance):
                continue
            action, wake_at = _escalate(service, instance, now)
            actions += [action] if action else []
            wakes.append(wake_at)
    return actions, wakes


def _is_to_end(service: ServiceSnapshot, instance: InstanceSnapshot) -> bool:
    is_given_up = instance.unhealthy_at is not None and service.replaces_unhealthy
    return instance.is_stopping or (is_given_up and not instance.is_ended)


def _escalate(
    service: ServiceSnapshot, instance: InstanceSnapshot, now: float
) -> tuple[Action | None, float]:
    """Ask by a signal, then kill; one that is unhealthy, or has a signal of its own, at once."""
    asked_at = min(instance.stopping_at or instance.unhealthy_at or now, now)
    kill_at = asked_at + (0.0 if instance.is_killed else service.stop_grace_seconds)
    if now >= kill_at:
        return Kill(instance.id), now + 1.0
    delay = signal_delay(service.stop_signal, service.stop_grace_seconds)
    terminate_at = asked_at + (delay if instance.is_stopping else 0.0)
    if now >= terminate_at and not instance.is_terminated:
        return Terminate(instance.id, service.stop_signal), kill_at
    return None, kill_at if instance.is_terminated else terminate_at


def plan_service(
    service: ServiceSnapshot, allocation: Allocation, *, now: float
) -> tuple[list[Action], float | None]:
    """Plan one service's moves; `allocation` is filled with what they reserve."""
    if service.is_removed and all(i.is_ended for i in service.instances):
        return [Forget(service.id)], None
    service = without_future_reset(service, now=now)
    is_rolling = service.candidate is not None and not service.is_removed
    plan_it = plan_rollout if is_rolling else plan_slots
    slots = plan_it(service, allocation, now=now)
    if service.is_scheduled and not service.is_removed:
        plan_schedule(slots, service, allocation, now=now)
    plan_requested_run(slots, service, allocation)
    actions = plan_children(service) + slots.actions + report(service, slots)
    if service.failed_starts and _any_runs(service):
        actions.append(ClearFailedStarts(service.id))
    return actions, slots.wake_at


def report(service: ServiceSnapshot, slots: SlotPlan) -> list[Action]:
    """Report what could not be placed, when that has changed."""
    if (service.unplaceable_count, service.shortage) == (slots.unplaced_count, slots.shortage):
        return []
    return [ReportShortage(service.id, slots.unplaced_count, slots.shortage)]


def plan_children(service: ServiceSnapshot) -> list[Action]:
    """Plan the end of children whose owner is gone, and forget those that ended."""
    owners = {i.id for i in service.instances if i.is_wanted}
    children = [i for i in service.instances if i.owner is not None]
    orphans = [i for i in children if i.is_wanted and i.owner not in owners]
    stops = [Stop(i.id, "its owner ended") for i in orphans]
    return [*stops, *(Retire(i.id) for i in children if i.is_ended)]


def _any_runs(service: ServiceSnapshot) -> bool:
    """Tell whether the service's release runs; its children and candidate prove nothing of it."""
    return any(
        i.state is InstanceState.RUNNING and i.release == service.release and i.owner is None
        for i in service.instances
    )
