"""What this machine does: its processors and its memory, read from the kernel."""

from __future__ import annotations

import os
from typing import NamedTuple


class MachineSample(NamedTuple):
    """Ticks of all processors since the boot, and bytes of memory, at one time."""

    busy_ticks: int
    all_ticks: int
    ram_bytes: int
    ram_available_bytes: int


def read_machine() -> MachineSample | None:
    """Read the machine's counters; None where the kernel has no `/proc`.

    Source: proc(5), /proc/stat, the line `cpu`, of which the fourth and fifth field are idle
    time; /proc/meminfo, MemTotal and MemAvailable.
    """
    try:
        with open("/proc/stat", "rb", buffering=0) as file:
            ticks = [int(field) for field in file.read(256).split(b"\n", 1)[0].split()[1:9]]
        with open("/proc/meminfo", "rb", buffering=0) as file:
            lines = dict(line.split(b":", 1) for line in file.read(512).split(b"\n")[:5])
        ram, available = (int(lines[name].split()[0]) for name in (b"MemTotal", b"MemAvailable"))
    except (OSError, KeyError, ValueError, IndexError):
        return None
    idle = ticks[3] + ticks[4]
    return MachineSample(sum(ticks) - idle, sum(ticks), ram * 1024, available * 1024)


def load_average() -> float | None:
    """Return how many processes wanted to run in the last minute."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return None
