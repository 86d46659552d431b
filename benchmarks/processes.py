"""Processes as the kernel counts them: who belongs to a folder, memory, CPU time. Linux only."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

from odbctl.engine.worker.identity import ProcessIdentity, identify


def processes_of(folder: Path) -> list[ProcessIdentity]:
    """Return the processes whose command line names a folder (or something in it).

    A manager and its launcher are given the folders of their home as
    arguments, and a forked worker keeps the launcher's command line. The
    folder's name has to be unique.
    """
    own, name = os.getpid(), os.fsencode(folder)
    found: list[ProcessIdentity] = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != own and name in _command_line(int(entry)):
            identity = identify(int(entry))
            if identity is not None:
                found.append(identity)
    return found


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def pss_mb(processes: Iterable[ProcessIdentity]) -> float:
    """Return the memory that processes use, shared pages divided among those that share them.

    Source: proc(5), /proc/pid/smaps_rollup, "Pss".
    """
    return sum(_pss_kb(process.pid) for process in processes) / 1000


def _pss_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise ValueError(f"no Pss of process {pid}")


def cpu_seconds(processes: Iterable[ProcessIdentity]) -> float:
    """Return the CPU time that processes have used, threads that ended included.

    The clock of a process counts nanoseconds, where /proc/pid/stat counts
    ticks of 10 ms: too coarse for a hundred processes that do next to nothing.
    Source: clock_getcpuclockid(3); the id is (~pid << 3) | CPUCLOCK_SCHED.
    """
    return sum(time.clock_gettime((~process.pid << 3) | 2) for process in processes)
