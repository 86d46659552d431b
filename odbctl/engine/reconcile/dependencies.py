"""Dependencies: which services have to be ready before an instance is started. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from odbctl.engine.model.states import RestartPolicy
from odbctl.engine.reconcile.occupancy import by_slot, ended_well, in_slots
from odbctl.engine.reconcile.snapshot import ServiceSnapshot


def with_dependencies(services: Sequence[ServiceSnapshot]) -> list[ServiceSnapshot]:
    """Say of each service which of its dependencies it waits for."""
    if not any(service.depends_on for service in services):
        return list(services)
    ready = {service.name for service in services if is_fulfilled(service)}
    return [
        service._replace(waits_for=tuple(name for name in service.depends_on if name not in ready))
        if service.depends_on
        else service
        for service in services
    ]


def is_fulfilled(service: ServiceSnapshot) -> bool:
    """Tell whether others may rely on a service.

    One of its instances is ready; or it is a job, whose last run in each slot ended well,
    or whose last run was asked for by a person and ended well.
    """
    is_job = service.restart is RestartPolicy.NEVER
    if not is_job and any(service.is_ready(i) for i in in_slots(service)):
        return True
    if service.restart is RestartPolicy.ALWAYS:
        return False
    newest = max(service.instances, key=lambda i: i.id, default=None)
    if newest is not None and newest.is_one_off:
        return ended_well(newest)
    slots = by_slot(service)
    wanted = [slots.get(slot) for slot in range(service.target_count)]
    return bool(wanted) and all(found and ended_well(found[-1]) for found in wanted)


def find_cycle(depends_on: Mapping[str, Iterable[str]], start: str) -> list[str] | None:
    """Return a way from a service back to itself, as names; None if there is none."""
    path: list[str] = []
    done: set[str] = set()

    def visit(name: str) -> bool:
        path.append(name)
        for other in depends_on.get(name, ()):
            if other == start:
                path.append(other)
                return True
            if other not in done and other not in path and visit(other):
                return True
        done.add(path.pop())
        return False

    return path if visit(start) else None


def in_order(depends_on: Mapping[str, Iterable[str]], name: str) -> list[str]:
    """Return a service and all it depends on, what is depended on first; cycles are cut."""
    found: list[str] = []
    seen: set[str] = set()

    def visit(each: str) -> None:
        if each in seen:
            return
        seen.add(each)
        for other in depends_on.get(each, ()):
            visit(other)
        found.append(each)

    visit(name)
    return found
