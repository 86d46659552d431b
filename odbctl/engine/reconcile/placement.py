"""Placement: which host takes the next instance. Pure.

An `Allocation` is filled while one plan is made, so that two services of the
same plan do not both take the last core.
"""

from __future__ import annotations

from collections.abc import Iterable

from odbctl.engine.model.states import ANY_PLACEMENT
from odbctl.engine.reconcile.snapshot import HostSnapshot, ServiceSnapshot, WorldSnapshot

_ROUNDING = 1e-9


class Allocation:
    """What is reserved on each host while a plan is made."""

    def __init__(self, world: WorldSnapshot) -> None:
        self.hosts = {host.id: host for host in world.hosts}
        self.cores = dict.fromkeys(self.hosts, 0.0)
        self.ram_gb = dict.fromkeys(self.hosts, 0.0)
        self.counts = dict.fromkeys(self.hosts, 0)
        for service in world.services:
            for instance in service.instances:
                if not instance.is_ended and instance.host in self.hosts:
                    self.reserve(instance.host, service)

    def reserve(self, host: int, service: ServiceSnapshot) -> None:
        """Take what one instance of `service` needs on `host`."""
        self.cores[host] += service.cores
        self.ram_gb[host] += service.ram_gb
        self.counts[host] += 1

    def place(self, service: ServiceSnapshot) -> int | None:
        """Reserve a place for one more instance; None when there is none.

        Of the hosts that can take it, the one with the fewest instances does.
        """
        fitting = [h for h in self.hosts.values() if self._shortage(h, service) is None]
        if not fitting:
            return None
        host = min(fitting, key=lambda h: (self.counts[h.id], h.name))
        self.reserve(host.id, service)
        return host.id

    def has_room(self, service: ServiceSnapshot) -> bool:
        """Tell whether a host can take one more instance of `service`."""
        return any(self._shortage(host, service) is None for host in self.hosts.values())

    def explain(self, service: ServiceSnapshot) -> str:
        """Say why no host can take one more instance of `service`."""
        reasons = [(h.name, self._shortage(h, service)) for h in self.hosts.values()]
        return "; ".join(f"{name}: {why}" for name, why in sorted(reasons) if why) or "no host"

    def _shortage(self, host: HostSnapshot, service: ServiceSnapshot) -> str | None:
        if not host.is_up:
            return "its manager is down"
        if host.is_draining:
            return "it is draining"
        if service.placement not in (ANY_PLACEMENT, host.placement):
            return f"its placement group is {host.placement}, not {service.placement}"
        if host.max_instances is not None and self.counts[host.id] >= host.max_instances:
            return f"its limit of {host.max_instances} instances is reached"
        return _first(
            _short("cores", service.cores, host.cores, self.cores[host.id]),
            _short("GB of RAM", service.ram_gb, host.ram_gb, self.ram_gb[host.id]),
        )


def _short(what: str, wanted: float, limit: float, reserved: float) -> str | None:
    free = limit - reserved
    if not limit or not wanted or wanted <= free + _ROUNDING:
        return None
    return f"needs {wanted:g} {what}, {max(free, 0.0):g} of {limit:g} free"


def _first(*texts: str | None) -> str | None:
    found: Iterable[str] = (text for text in texts if text)
    return next(iter(found), None)
