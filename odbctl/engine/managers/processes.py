"""Signals to processes that may be gone, and whose pid may be another's by now.

Every signal goes to an identity that was checked first; where the kernel has
pidfds, checking and sending speak of the same process for certain.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from odbctl.engine.worker.identity import ProcessIdentity, is_alive, read_boot_id, read_start_ticks


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
    if is_alive(identity):
        return descriptor
    os.close(descriptor)
    return None


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
    if not is_alive(leader):
        return False
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader.pid, number)
        return True
    return False


def signal_session(session: int, started_after_ticks: int, number: signal.Signals) -> int:
    """Send a signal to all that is left of a worker's session once the worker is gone.

    Args:
        session: The session id, which was the worker's pid.
        started_after_ticks: The worker's start; a member is never older.
        number: The signal.

    Returns:
        How many processes were there.
    """
    members = [pid for pid, ticks in session_members(session) if ticks >= started_after_ticks]
    return sum(
        signal_process(ProcessIdentity(read_boot_id(), pid, ticks), number)
        for pid, ticks in session_members(session)
        if pid in members
    )


def session_members(session: int) -> Iterator[tuple[int, int]]:
    """Yield (pid, start ticks) of the living members of a session (proc(5), field 6)."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stat = (folder / "stat").read_bytes()
        except OSError:
            continue
        fields = stat[stat.rindex(b")") + 2 :].split()
        if int(fields[3]) == session and fields[0] != b"Z":
            pid = int(folder.name)
            if (ticks := read_start_ticks(pid)) is not None:
                yield pid, ticks
