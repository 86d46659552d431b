"""How a process ended that is not ours to wait for, as far as the kernel still tells.

Asked by managers of the workers that they adopted, whose parent is gone.
"""

from __future__ import annotations

import fcntl
import os
import struct

from odbctl.engine.worker.identity import ProcessIdentity

# linux/pidfd.h: PIDFD_GET_INFO with PIDFD_INFO_EXIT, from Linux 6.15 on; the descriptor
# has to be older than the end of the process.
_GET_INFO = 0xC040FF0B
_INFO_EXIT = 1 << 3
_INFO = struct.Struct("<QQ11Ii")


def wait_status(descriptor: int, identity: ProcessIdentity) -> int | None:
    """Return the wait status of a process that has ended; None if the kernel does not tell.

    Args:
        descriptor: Its pidfd, opened while it lived.
        identity: Who it was.
    """
    # A zombie first: once it is reaped the other way begins to work.
    status = _status_of_zombie(identity)
    return _status_by_descriptor(descriptor) if status is None else status


def _status_of_zombie(identity: ProcessIdentity) -> int | None:
    """Read proc(5), /proc/pid/stat, fields 3, 22 and 52; the last needs the same user."""
    try:
        with open(f"/proc/{identity.pid}/stat", "rb", buffering=0) as file:
            stat = file.read(2048)
    except OSError:
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()
    if fields[0] != b"Z" or int(fields[19]) != identity.start_ticks or len(fields) < 50:
        return None
    return int(fields[49])


def _status_by_descriptor(descriptor: int) -> int | None:
    info = bytearray(_INFO.pack(_INFO_EXIT, *([0] * 13)))
    try:
        fcntl.ioctl(descriptor, _GET_INFO, info, True)
    except OSError:
        return None
    mask, *_, status = _INFO.unpack(info)
    return int(status) if mask & _INFO_EXIT else None


def code_and_signal(status: int | None) -> tuple[int | None, int | None]:
    """Return (exit code, signal) of a wait status: one of them, or neither for None."""
    if status is None:
        return None, None
    code = os.waitstatus_to_exitcode(status)
    return (code, None) if code >= 0 else (None, -code)
