"""Signals to processes that may be gone, and whose pid may be another's by now.

Every signal goes to an identity that was checked first; where the kernel has
pidfds, checking and sending speak of the same process for certain.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections import defaultdict
from collections.abc import Collection

from odbctl.engine.worker.identity import ProcessIdentity, is_alive, read_boot_id


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


def members_of_sessions(sessions: Collection[int]) -> dict[int, list[ProcessIdentity]]:
    """Return the living members of sessions, by one look at the process table.

    Source: proc(5), /proc/pid/stat, fields 3, 6 and 22. Where there is none,
    nothing is found.
    """
    found: dict[int, list[ProcessIdentity]] = defaultdict(list)
    for name in os.listdir("/proc") if sessions and os.path.isdir("/proc") else ():
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb", buffering=0) as file:
                stat = file.read(1024)
        except OSError:
            continue
        fields = stat[stat.rindex(b")") + 2 :].split()
        session = int(fields[3])
        if session in sessions and fields[0] not in (b"Z", b"X"):
            found[session].append(ProcessIdentity(read_boot_id(), int(name), int(fields[19])))
    return found
