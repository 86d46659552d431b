"""Free ports for the instances of services that want one each.

A port is chosen when an instance is launched and recorded with it, so that no two living
instances of a host have the same. The range lies below the ports that the kernel gives to
outgoing connections. Run by managers.
"""

from __future__ import annotations

import errno
import socket
import zlib
from collections.abc import Collection, Iterable

from odbctl.engine.model.core import ServiceInstance
from odbctl.engine.model.states import ENDED_STATES
from odbctl.engine.odb import Database
from odbctl.errors import ConflictError

PORTS = range(20_000, 30_000)


def assign_ports(db: Database, host: int, instances: Iterable[int], *, salt: str) -> None:
    """Give each of these instances a free port, if its service wants one and it has none.

    Args:
        db: The database.
        host: The object id of the instances' host.
        instances: Instances that are about to be launched.
        salt: What tells this home from others of the machine, so that their managers do not
            choose the same port at the same moment.
    """
    with db.view():
        wanting = [i for i in instances if _wants_port(ServiceInstance.from_oid(i))]
        taken = _taken_ports(host) if wanting else set[int]()
    chosen: dict[int, int] = {}
    for instance in wanting:
        port = find_free_port(taken, first=zlib.crc32(f"{salt}:{instance}".encode()))
        if port is None:
            break
        taken.add(port)
        chosen[instance] = port

    def write() -> None:
        for number, port in chosen.items():
            instance = ServiceInstance.from_oid(number)
            if instance.exists():
                instance.port = port

    if chosen:
        db.run(write)


def require_port(instance: ServiceInstance) -> None:
    """Refuse to launch an instance that wants a port and got none. Needs an open view.

    Raises:
        ConflictError: No port was free.
    """
    if _wants_port(instance):
        raise ConflictError(f"no port from {PORTS[0]} to {PORTS[-1]} is free on this host")


def find_free_port(taken: Collection[int], *, first: int) -> int | None:
    """Return a port that nobody listens on; None when there is none.

    Args:
        taken: Ports that are promised already.
        first: Where to begin in the range; any number.
    """
    for step in range(len(PORTS)):
        port = PORTS[(first + step) % len(PORTS)]
        if port not in taken and _is_free(port):
            return port
    return None


def _wants_port(instance: ServiceInstance) -> bool:
    return instance.exists() and instance.service.wants_port and instance.port is None


def _taken_ports(host: int) -> set[int]:
    return {
        instance.port
        for instance in ServiceInstance.lookup_all(is_current=True)
        if instance.port is not None
        and instance.host.oid == host
        and instance.state not in ENDED_STATES
    }


def _is_free(port: int) -> bool:
    """Tell whether a port can be bound on all addresses."""
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        try:
            probe = socket.socket(family, socket.SOCK_STREAM)
        except OSError:
            continue  # this machine has no such addresses
        with probe:
            try:
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind((address, port))
            except OSError as error:
                if family == socket.AF_INET or error.errno != errno.EADDRNOTAVAIL:
                    return False
    return True
