"""Processes as the kernel counts them: who belongs to a folder, memory, CPU time. Linux only."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

from odbctl.engine.worker.identity import ProcessIdentity, identify
from odbctl.engine.worker.mark import marked_instance, worn_mark


def processes_of(folder: Path) -> list[ProcessIdentity]:
    """Return the processes of the home in a folder, `h`.

    A manager and its launcher are given the folders of their home as arguments, and a process
    that a launcher forks keeps its command line. A worker has a title instead, and is found by
    its mark. The folder's name has to be unique.
    """
    run = folder / "h" / "run"
    own, name = os.getpid(), os.fsencode(folder)
    found: list[ProcessIdentity] = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == own:
            continue
        if name in _command_line(int(entry)) or _is_worker(int(entry), run):
            identity = identify(int(entry))
            if identity is not None:
                found.append(identity)
    return found


def _is_worker(pid: int, run: Path) -> bool:
    return run.exists() and marked_instance(worn_mark(pid), run) is not None


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
