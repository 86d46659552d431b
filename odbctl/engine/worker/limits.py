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


def hold(launch: WorkerLaunch) -> str:
    """Set the limits of this process; return what holds its memory.

    Raises:
        OSError: The kernel refuses them.
        ValueError: It has less already.
    """
    if launch.cgroup:
        memory, cpu = launch.memory_limit_bytes, launch.cpu_limit
        enter(launch.cgroup, memory_bytes=memory, cpu=cpu)
        return BY_CGROUP
    if launch.memory_limit_bytes is not None:
        limit = launch.memory_limit_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        return BY_RLIMIT
    return BY_NOTHING
