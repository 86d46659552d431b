"""Hosts whose manager is gone: what the leading manager does for their instances. Pure.

The leader carries out stops there, and after a while it moves instances to hosts that are
up: one that lives is stopped and replaced, one whose process is gone is recorded as lost.
A live run of a job is left to its end. Instances on another machine are left alone, because
nobody here can tell whether they live.
"""

from __future__ import annotations

from odbctl.engine.model.states import RestartPolicy
from odbctl.engine.reconcile.actions import Action, RecordGone, ReportHostDown, Stop
from odbctl.engine.reconcile.placement import Allocation
from odbctl.engine.reconcile.snapshot import (
    HostSnapshot,
    InstanceSnapshot,
    ServiceSnapshot,
    WorldSnapshot,
)

# How often the leader looks whether a stopping instance of an absent host has ended.
LOOK_SECONDS = 0.25
# How long instances of a deleted host stay that wait for its manager without an end.
DELETED_HOST_SECONDS = 60.0


def plan_absences(
    world: WorldSnapshot, allocation: Allocation, *, now: float
) -> tuple[list[Action], list[float]]:
    """Plan the leader's moves for hosts without a manager; also return when to look again."""
    absent = {host.id: host for host in world.hosts if not host.is_up}
    actions: list[Action] = [ReportHostDown(h.id) for h in absent.values() if h.is_recorded_up]
    wakes: list[float] = []
    for service in world.services:
        for instance in service.instances:
            host = absent.get(instance.host)
            if host is None or instance.is_ended or not host.is_on_this_machine:
                continue
            if instance.is_stopping:
                if instance.is_gone:
                    actions.append(RecordGone(instance.id, "its exit was not observed"))
                else:
                    wakes.append(now + LOOK_SECONDS)
                continue
            due_at = _due_at(world, service, host)
            if due_at is None or not allocation.has_room(service):
                continue
            if due_at > now:
                wakes.append(due_at)
            elif action := _move(service, instance, host):
                actions.append(action)
    return actions, wakes


def _due_at(world: WorldSnapshot, service: ServiceSnapshot, host: HostSnapshot) -> float | None:
    """Return when instances of a host may move: counted from when its absence could be seen."""
    wait_seconds = service.move_after_seconds
    if wait_seconds is None and host.is_deleted:
        wait_seconds = DELETED_HOST_SECONDS
    if wait_seconds is None:
        return None
    return max(host.absent_since, world.observer_since) + wait_seconds


def _move(
    service: ServiceSnapshot, instance: InstanceSnapshot, host: HostSnapshot
) -> Action | None:
    text = f"host {host.name} has no manager"
    if instance.is_gone:
        return RecordGone(instance.id, text)
    is_run = service.restart is RestartPolicy.NEVER or service.is_scheduled or instance.is_one_off
    if is_run or instance.owner is not None:
        return None
    return Stop(instance.id, f"moved: {text}")
