"""The mark: which instance a process belongs to, readable from outside.

It stands in the environment block that a process was started with
(proc(5), /proc/pid/environ), so children inherit it however they detach
themselves: by a double fork, by a session of their own, by another program. One
that empties its environment, or sets the variable to something else, is left alone.

A forked worker has its launcher's block. The launcher is started with room for a mark
in it, and the worker writes its own mark over that.
"""

from __future__ import annotations

import os

VARIABLE = "ODBCTL_MARK"
_LENGTH = 48
BLANK = "-" * _LENGTH
# Where this process's own mark stands in memory; None where it was not looked for.
_address: int | None = None


def mark_of(run: str | os.PathLike[str], instance: int) -> str:
    """Return the mark of an instance: no other one, of this or another home, has it."""
    found = os.stat(run)
    return f"{found.st_dev:x}.{found.st_ino:x}.{instance:x}".ljust(_LENGTH, "-")


def find_room() -> None:
    """Find the room for the mark, before anything changes the environment."""
    global _address
    try:
        import ctypes

        getenv = ctypes.CDLL(None).getenv
        getenv.restype = ctypes.c_void_p
        address = getenv(VARIABLE.encode())
        if address and ctypes.string_at(address) == BLANK.encode():
            _address = address
    except (ImportError, OSError, AttributeError):
        return  # children that only fork are not found, those that execute are


def wear(mark: str) -> None:
    """Make this process, and all that comes from it, one of an instance."""
    os.environ[VARIABLE] = mark
    if _address is not None:
        import ctypes

        ctypes.memmove(_address, mark.encode(), _LENGTH)


def worn_mark(pid: int, marks: frozenset[str]) -> str | None:
    """Return which of the marks a process wears, None if none or it may not be read."""
    try:
        with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:
            block = file.read(1 << 20)
    except OSError:
        return None
    key = f"{VARIABLE}=".encode()
    start = 0 if block.startswith(key) else block.find(b"\0" + key) + 1
    if start == 0 and not block.startswith(key):
        return None
    start += len(key)
    mark = block[start : start + _LENGTH].decode("ascii", "replace")
    return mark if mark in marks else None
