"""The launcher as the new parent of what workers leave behind (prctl(2), proc(5)).

A process whose parent has ended goes to the nearest ancestor that is a "child subreaper". So
the launcher finds what a worker left among its own children, however it detached itself, by one
short read. Linux only; elsewhere nothing is found.
"""

from __future__ import annotations

import os

_PR_SET_CHILD_SUBREAPER = 36


def become_subreaper() -> None:
    """Be the parent of orphaned descendants from now on, where the system can."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        return


def own_children() -> list[int]:
    """Return the pids of this process's children (proc(5), /proc/pid/task/tid/children)."""
    own = os.getpid()
    try:
        with open(f"/proc/{own}/task/{own}/children", "rb", buffering=0) as file:
            return [int(pid) for pid in file.readall().split()]
    except OSError:
        return []
