"""Who a process is: (boot id, pid, start ticks). Read only; stdlib only.

A pid alone is recycled by the kernel; together with the start time of the
process and the boot of the machine it names one process for ever. Used by
workers (their own identity), by managers (before each signal) and by every
display (is what is said to run alive?).
"""

from __future__ import annotations

import os
from functools import cache

from odbctl.errors import is_exhausted
from odbctl.light_typing import NamedTuple

_EXITING = 0x4  # PF_EXITING of the kernel's include/linux/sched.h
_SIGKILL = 9  # `signal` would be an import for every command


class ProcessIdentity(NamedTuple):
    """One process for ever: never equal to another one of the same pid."""

    boot_id: str
    pid: int
    start_ticks: int


@cache
def read_boot_id() -> str:
    """Return the id of this boot of the machine (random(4)); "" where there is none.

    Raises:
        OSError: The system has run out of descriptors or memory.
    """
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            return file.read().decode().strip()
    except OSError as error:
        if is_exhausted(error):
            raise
        return ""


def read_start_ticks(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; None if it is gone.

    A zombie counts as gone. Source: proc(5), /proc/pid/stat, fields 3 and 22.

    Raises:
        OSError: It cannot be told, because no descriptor is left, or /proc may not be read.
    """
    fields = _read_stat(pid)
    if fields is None:
        return None if os.path.exists("/proc/self") else _ps_start(pid)
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def _read_stat(pid: int) -> list[bytes] | None:
    """Return the fields of a process's stat, from the third one (proc(5), /proc/pid/stat).

    None means that there is no such process; any other problem is raised.
    """
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            stat = os.read(descriptor, 1024)
        finally:
            os.close(descriptor)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return stat[stat.rindex(b")") + 2 :].split()


def _ps_start(pid: int) -> int | None:
    """Return a number that stands for the start time where there is no /proc."""
    import subprocess

    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    text = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return sum(ord(c) * 31**i for i, c in enumerate(text)) % 2**62 if text else None


def identify(pid: int | None = None) -> ProcessIdentity | None:
    """Return the identity of a process, by default of this one; None if it is gone."""
    number = os.getpid() if pid is None else pid
    ticks = read_start_ticks(number)
    return None if ticks is None else ProcessIdentity(read_boot_id(), number, ticks)


def is_alive(identity: ProcessIdentity) -> bool:
    """Tell whether that very process lives.

    Raises:
        OSError: It cannot be told now; that is no reason to take it for gone.
    """
    if identity.boot_id != read_boot_id():
        return False
    return read_start_ticks(identity.pid) == identity.start_ticks


def may_be_alive(identity: ProcessIdentity) -> bool:
    """Tell whether that very process lives, or whether that cannot be told now."""
    try:
        return is_alive(identity)
    except OSError:
        return True


def is_at_work(identity: ProcessIdentity) -> bool:
    """Tell whether that very process lives, and has not been killed.

    A killed one lives on until the last of its threads has ended, on a busy machine for long.
    """
    return is_alive(identity) and not _is_ending(identity.pid)


def _is_ending(pid: int) -> bool:
    """Tell whether a process is on its way out (proc(5), /proc/pid/stat, fields 9, 31 and 52)."""
    fields = _read_stat(pid)
    if fields is None or len(fields) < 50:
        return False
    flags, pending, exit_code = int(fields[6]), int(fields[28]), int(fields[49])
    return bool(flags & _EXITING or pending & 1 << _SIGKILL - 1 or exit_code == _SIGKILL)
