"""Control groups (cgroup v2): holding an instance to its limits, and knowing of its death.

Only below a group that was delegated to this user with its controllers, as a systemd
unit with `Delegate=yes` is; elsewhere there is none, and nothing here is used. Source:
the kernel's Documentation/admin-guide/cgroup-v2.rst.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import NamedTuple

CONTROLLERS = frozenset({"memory", "cpu"})
_PERIOD_MICROSECONDS = 100_000
_OWN_LEAF = "odbctl-supervisors"
_MOUNTS = Path("/proc/self/mountinfo")
_OWN = Path("/proc/self/cgroup")


class CgroupRoot(NamedTuple):
    """The group below which each instance gets one of its own."""

    path: str

    def group(self, instance: int) -> str:
        """Name the group of an instance."""
        return os.path.join(self.path, f"odbctl-{instance:x}")


def find_delegated(*, mounts: Path = _MOUNTS, own: Path = _OWN) -> CgroupRoot | None:
    """Find the group of this process, if it may be divided; None if there is none.

    Args:
        mounts: The file that lists the mounts (proc(5), mountinfo).
        own: The file that names this process's groups (cgroups(7)).
    """
    top = _mount_point(mounts)
    place = _own_group(own)
    if top is None or place in (None, "/", ""):
        return None
    path = os.path.normpath(f"{top}/{place}")
    if os.path.basename(path) == _OWN_LEAF:
        path = os.path.dirname(path)
    available = set(_read(os.path.join(path, "cgroup.controllers")).split())
    if not available >= CONTROLLERS or not os.access(path, os.W_OK):
        return None
    return CgroupRoot(path)


def _mount_point(mounts: Path) -> str | None:
    for line in _read(mounts).splitlines():
        fields, _, rest = line.partition(" - ")
        if rest.startswith("cgroup2 "):
            return fields.split()[4]
    return None


def _own_group(own: Path) -> str | None:
    for line in _read(own).splitlines():
        if line.startswith("0::"):
            return line[3:]
    return None


def prepare(root: CgroupRoot) -> bool:
    """Make a group ready to be divided: its own processes move into a leaf of it.

    Returns:
        Whether it is ready; a group with processes of its own cannot be.
    """
    leaf = os.path.join(root.path, _OWN_LEAF)
    try:
        os.makedirs(leaf, exist_ok=True)
        for pid in _read(os.path.join(root.path, "cgroup.procs")).split():
            with contextlib.suppress(ProcessLookupError):
                _write(os.path.join(leaf, "cgroup.procs"), pid)
        _write(os.path.join(root.path, "cgroup.subtree_control"), "+memory +cpu")
    except OSError:
        return False
    return True


def enter(group: str, *, memory_bytes: int | None, cpu: float | None) -> None:
    """Make a group with limits and put this process into it.

    Args:
        group: Its path.
        memory_bytes: The most memory; None for no limit.
        cpu: The most cores; None for no limit.

    Raises:
        OSError: It cannot be made.
    """
    os.makedirs(group, exist_ok=True)
    if memory_bytes is not None:
        _write(os.path.join(group, "memory.max"), str(memory_bytes))
        with contextlib.suppress(OSError):  # a kernel without swap accounting
            _write(os.path.join(group, "memory.swap.max"), "0")
    if cpu is not None:
        quota = max(1000, int(cpu * _PERIOD_MICROSECONDS))
        _write(os.path.join(group, "cpu.max"), f"{quota} {_PERIOD_MICROSECONDS}")
    _write(os.path.join(group, "cgroup.procs"), str(os.getpid()))


def members(group: str) -> list[int]:
    """Return the pids of all processes in a group."""
    return [int(pid) for pid in _read(os.path.join(group, "cgroup.procs")).split()]


def oom_kills(group: str) -> int:
    """Return how many processes of a group the kernel has killed for its memory limit."""
    for line in _read(os.path.join(group, "memory.events")).splitlines():
        name, _, count = line.partition(" ")
        if name == "oom_kill":
            return int(count)
    return 0


def kill(group: str) -> None:
    """Kill all processes of a group, however they have detached themselves."""
    with contextlib.suppress(OSError):
        _write(os.path.join(group, "cgroup.kill"), "1")


def remove(group: str) -> bool:
    """Remove a group that has no process any more; return whether it is gone."""
    try:
        os.rmdir(group)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
