"""Orphans: workers whose launcher is gone, as the process table alone knows them.

A launcher that is killed may have forked a worker and not have told anybody, and a manager
that is killed may have been told and not have written it down. Such a worker is found by
its mark; it is an instance's worker for certain once it holds the instance's control socket.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import defaultdict
from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL

from odbctl.engine.managers.processes import ProcessEntry, list_processes, signal_process
from odbctl.engine.worker.control import control_path
from odbctl.engine.worker.identity import ProcessIdentity
from odbctl.engine.worker.mark import BLANK, marked_instance, worn_mark
from odbctl.errors import is_exhausted

_UNBORN_TIMEOUT_SECONDS = 2.0
_UNBORN_POLL_SECONDS = 0.002
_LOOKS = 3


@dataclass(slots=True)
class Orphans:
    """The processes of one instance, none of which has a living launcher.

    Attributes:
        members: All that wear the instance's mark.
        worker: The one that holds its control socket; None where none does, yet.
    """

    members: list[ProcessIdentity] = field(default_factory=list[ProcessIdentity])
    worker: ProcessIdentity | None = None

    def kill(self) -> None:
        """Kill them all, for nobody knows of them."""
        for member in self.members:
            signal_process(member, SIGKILL)


def find_orphans(run: Path, dead_journals: Collection[Path]) -> dict[int, Orphans]:
    """Return what launchers that are gone have left, by instance; nothing where there is no /proc.

    What they had forked and what has not begun an instance's life is killed.

    Args:
        run: The run directory of the home.
        dead_journals: The exit journals of launchers that are known to be gone.

    Raises:
        OSError: The process table cannot be read, because no descriptor is left.
    """
    _end_unborn(dead_journals)
    by_instance: dict[int, list[ProcessEntry]] = defaultdict(list)
    launchers: set[int] = set()
    for entry in list_processes():
        mark = worn_mark(entry.pid)
        if (instance := marked_instance(mark, run)) is not None:
            by_instance[instance].append(entry)
        elif mark == BLANK:
            launchers.add(entry.pid)
    return {
        instance: Orphans([e.identity for e in entries], _worker(run, instance, entries))
        for instance, entries in by_instance.items()
        if not any(entry.parent in launchers for entry in entries)
    }


def _end_unborn(dead_journals: Collection[Path]) -> None:
    """Kill what has forked from launchers that are gone, and wears no mark of its own yet."""
    deadline = time.monotonic() + _UNBORN_TIMEOUT_SECONDS
    while dead_journals and (found := list(_unborn(dead_journals))):
        for entry in found:
            signal_process(entry.identity, SIGKILL)
        if time.monotonic() > deadline:
            return
        time.sleep(_UNBORN_POLL_SECONDS)


def _unborn(dead_journals: Collection[Path]) -> Iterator[ProcessEntry]:
    journals = {os.fsencode(path) for path in dead_journals}
    for entry in list_processes():
        if journals & _arguments(entry.pid) and worn_mark(entry.pid) == BLANK:
            yield entry


def _arguments(pid: int) -> set[bytes]:
    """Return a process's command line (proc(5), /proc/pid/cmdline); a fork has its parent's."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb", buffering=0) as file:
            return set(file.read(1 << 16).split(b"\0"))
    except OSError as error:
        if is_exhausted(error):
            raise
        return set()


def _worker(run: Path, instance: int, entries: list[ProcessEntry]) -> ProcessIdentity | None:
    """Return who holds the control socket: the worker, rather than what it has forked."""
    sockets = _sockets_at(control_path(run, instance))
    holders = [entry for entry in entries if sockets & _descriptors(entry.pid)]
    oldest = min(holders, key=lambda e: (e.start_ticks, e.pid != e.session, e.pid), default=None)
    return None if oldest is None else oldest.identity


@contextlib.contextmanager
def _unless_exhausted() -> Generator[None]:
    """Suppress OSError, but not when the system has run out of descriptors or memory."""
    try:
        yield
    except OSError as error:
        if is_exhausted(error):
            raise


def _sockets_at(path: str) -> set[str]:
    """Return the links of all sockets bound to a path (proc(5), /proc/net/unix, fields 7 and 8).

    The kernel tells them in pieces, and may leave some out while others come and go.
    """
    found: set[str] = set()
    for _ in range(_LOOKS):
        with _unless_exhausted(), open("/proc/net/unix", "rb") as file:
            rows = [line.rstrip(b"\n").split(maxsplit=7) for line in file]
            found |= {f"socket:[{int(r[6])}]" for r in rows if r[7:] == [os.fsencode(path)]}
        if found:
            break
    return found


def _descriptors(pid: int) -> set[str]:
    """Return what a process's descriptors are links to (proc(5), /proc/pid/fd)."""
    found: set[str] = set()
    folder = f"/proc/{pid}/fd"
    with _unless_exhausted():  # it has ended
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):  # it has closed that
                found.add(os.readlink(f"{folder}/{name}"))
    return found
