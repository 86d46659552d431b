"""Who is in which slot of a service, and whether its work there is done. Pure."""

from __future__ import annotations

from collections import defaultdict

from odbctl.engine.model.states import InstanceState, RestartPolicy
from odbctl.engine.reconcile.snapshot import InstanceSnapshot, ServiceSnapshot


def by_slot(service: ServiceSnapshot) -> dict[int, list[InstanceSnapshot]]:
    """Return the instances of each slot, oldest first; children and one-off runs have no slot.

    Ids grow with time even where the clock is set back.
    """
    slots: dict[int, list[InstanceSnapshot]] = defaultdict(list)
    for instance in sorted(service.instances, key=lambda i: i.id):
        if instance.owner is None and not instance.is_one_off:
            slots[instance.slot].append(instance)
    return slots


def live_ones(service: ServiceSnapshot) -> list[InstanceSnapshot]:
    """Return the instances that live, stopping ones included, without children."""
    return [i for i in service.instances if not i.is_ended and i.owner is None]


def in_slots(service: ServiceSnapshot) -> list[InstanceSnapshot]:
    """Return the live instances that fill a slot: no children, and no one-off runs."""
    return [i for i in live_ones(service) if not i.is_one_off]


def is_finished(service: ServiceSnapshot, last: InstanceSnapshot) -> bool:
    """Tell whether the restart policy leaves an ended instance as it is."""
    if (last.ended_at or 0.0) < service.reset_at:
        return False
    if last.is_ended_by_person:
        return service.restart is RestartPolicy.NEVER
    if last.stopping_at is not None:
        return False
    if service.restart is RestartPolicy.NEVER:
        return True
    return service.restart is RestartPolicy.ON_FAILURE and ended_well(last)


def ended_well(instance: InstanceSnapshot) -> bool:
    """Tell whether an instance did its work and left with code 0."""
    is_well = instance.state is InstanceState.STOPPED and not instance.exit_code
    return is_well and not instance.is_ended_by_person
