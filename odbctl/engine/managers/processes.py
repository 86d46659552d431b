"""Signals to processes that may be gone, and whose pid may be another's by now.

Every signal goes to an identity that was checked first; where the kernel has
pidfds, checking and sending speak of the same process for certain.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import NamedTuple

from odbctl.engine.worker.identity import ProcessIdentity, is_alive, read_boot_id
from odbctl.engine.worker.mark import worn_mark
from odbctl.errors import is_exhausted

# linux/pidfd.h: PIDFD_SIGNAL_PROCESS_GROUP, from Linux 6.9 on.
_WHOLE_GROUP = 1 << 2


def open_pidfd(identity: ProcessIdentity) -> int | None:
    """Return a descriptor of that very process, readable when it ends; None if it is gone.

    Raises:
        OSError: The system has no pidfds, or no descriptors are left.
    """
    if identity.boot_id != read_boot_id():
        return None
    try:
        descriptor = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return None
    lives = False
    try:
        lives = is_alive(identity)
    finally:
        if not lives:
            os.close(descriptor)
    return descriptor if lives else None


def signal_process(identity: ProcessIdentity, number: signal.Signals) -> bool:
    """Send a signal to that very process; return whether it was there."""
    if not hasattr(os, "pidfd_open"):
        return _signal_checked(identity, number)
    descriptor = open_pidfd(identity)
    if descriptor is None:
        return False
    try:
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


def _signal_checked(identity: ProcessIdentity, number: signal.Signals) -> bool:
    if not is_alive(identity):
        return False
    try:
        os.kill(identity.pid, number)
    except ProcessLookupError:
        return False
    return True


def signal_group(leader: ProcessIdentity, number: signal.Signals) -> bool:
    """Send a signal to the process group that a living worker leads."""
    if not hasattr(os, "pidfd_open"):
        return _signal_group_checked(leader, number)
    try:
        descriptor = open_pidfd(leader)
    except OSError:  # no descriptor is left
        return _signal_group_checked(leader, number)
    if descriptor is None:
        return False
    try:
        signal.pidfd_send_signal(descriptor, number, None, _WHOLE_GROUP)
    except (ProcessLookupError, PermissionError):
        return False
    except OSError:  # a kernel that does not know the flag
        return _signal_group_checked(leader, number)
    finally:
        os.close(descriptor)
    return True


def _signal_group_checked(leader: ProcessIdentity, number: signal.Signals) -> bool:
    if not is_alive(leader):
        return False
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader.pid, number)
        return True
    return False


class Suspect(NamedTuple):
    """A worker that has ended: its session, and the mark of all that came from it."""

    session: int
    mark: str
    start_ticks: int


def survivors(suspects: Collection[Suspect]) -> dict[int, list[ProcessIdentity]]:
    """Return what lives on of workers that have ended, by session; one look at the processes.

    What is in a worker's session, or wears its mark (see `mark`), and is not older is its own.
    Where there is no process table, nothing is found.

    Raises:
        OSError: The system has run out of descriptors or memory.
    """
    found: dict[int, list[ProcessIdentity]] = defaultdict(list)
    if not suspects:
        return found
    sessions = {s.session for s in suspects}
    by_mark = {s.mark: s.session for s in suspects if s.mark}
    since = min(s.start_ticks for s in suspects)
    for entry in list_processes():
        if entry.start_ticks < since:
            continue
        if entry.session in sessions:
            found[entry.session].append(entry.identity)
        elif by_mark and (session := by_mark.get(worn_mark(entry.pid) or "")) is not None:
            found[session].append(entry.identity)
    return found


class ProcessEntry(NamedTuple):
    """A living process, as the process table has it."""

    pid: int
    parent: int
    session: int
    start_ticks: int

    @property
    def identity(self) -> ProcessIdentity:
        """Who it is."""
        return ProcessIdentity(read_boot_id(), self.pid, self.start_ticks)


def list_processes() -> Iterator[ProcessEntry]:
    """Yield all living processes; none where there is no /proc.

    Raises:
        OSError: The system has run out of descriptors or memory.

    Source: proc(5), /proc/pid/stat, fields 3, 4, 6 and 22.
    """
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb", buffering=0) as file:
                stat = file.read(1024)
        except OSError as error:
            if is_exhausted(error):
                raise
            continue
        fields = stat[stat.rindex(b")") + 2 :].split()
        if fields[0] not in (b"Z", b"X"):
            yield ProcessEntry(int(name), int(fields[1]), int(fields[3]), int(fields[19]))
