"""Limits of one worker, set by itself before the author's code runs.

With a control group the kernel holds all that the instance becomes; without one only
the address space of each process can be bounded, which is something else, and is
called so. Imported only by workers that have a limit.
"""

from __future__ import annotations

import resource

from odbctl.engine.worker.cgroups import enter
from odbctl.engine.worker.launch import WorkerLaunch

BY_CGROUP = "cgroup v2"
BY_RLIMIT = "address space (rlimit)"
BY_NOTHING = "nothing"
# Of address space, beyond what a worker begins with. With less, a thread that cannot be
# started keeps the one waiting that starts it, for ever.
LEAST_ROOM_BYTES = 32 * 2**20


def hold(launch: WorkerLaunch) -> str:
    """Set the limits of this process; return what holds its memory.

    Raises:
        OSError: The kernel refuses them.
        ValueError: It has less already, or begins with more than it may have.
    """
    if launch.cgroup:
        memory, cpu = launch.memory_limit_bytes, launch.cpu_limit
        enter(launch.cgroup, memory_bytes=memory, cpu=cpu)
        return BY_CGROUP
    if launch.memory_limit_bytes is not None:
        limit = launch.memory_limit_bytes
        _check_room(limit)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        return BY_RLIMIT
    return BY_NOTHING


def _check_room(limit: int) -> None:
    """Refuse a limit in which a worker cannot even begin (proc(5), statm, field 1)."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            begins_with = int(file.read().split()[0]) * resource.getpagesize()
    except FileNotFoundError:
        return  # a system that does not say
    least = begins_with + LEAST_ROOM_BYTES
    if limit < least:
        raise ValueError(
            f"a memory limit of {limit >> 20} MB is too little: without control groups it bounds "
            f"the address space, of which a worker needs at least {(least >> 20) + 1} MB"
        )
