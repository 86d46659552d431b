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

from odbctl.errors import is_exhausted

VARIABLE = "ODBCTL_MARK"
_LENGTH = 48
BLANK = "-" * _LENGTH
# Where this process's own mark stands in memory; None where it was not looked for.
_address: int | None = None


def mark_of(run: str | os.PathLike[str], instance: int) -> str:
    """Return the mark of an instance: no other one, of this or another home, has it."""
    return f"{_beginning(run)}{instance:x}".ljust(_LENGTH, "-")


def hook_mark(run: str | os.PathLike[str]) -> str:
    """Return the mark of the commands that hooks of a home call; it is no instance's."""
    return f"{_beginning(run)}hook".ljust(_LENGTH, "-")


def marked_instance(mark: str | None, run: str | os.PathLike[str]) -> int | None:
    """Return the instance that a mark is of; None when it is none of this home."""
    beginning = _beginning(run)
    if mark is None or not mark.startswith(beginning):
        return None
    try:
        return int(mark.removeprefix(beginning).rstrip("-"), 16)
    except ValueError:
        return None


def _beginning(run: str | os.PathLike[str]) -> str:
    """Return how the marks of a home begin."""
    found = os.stat(run)
    return f"{found.st_dev:x}.{found.st_ino:x}."


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


def unmarked_environment() -> dict[str, str]:
    """Return this process's environment for a process that belongs to no instance."""
    return {name: value for name, value in os.environ.items() if name != VARIABLE}


def worn_mark(pid: int) -> str | None:
    """Return the mark that a process wears; None if it has none or may not be read.

    Raises:
        OSError: The system has run out of descriptors or memory.
    """
    try:
        with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:
            block = file.read(1 << 20)
    except OSError as error:
        if is_exhausted(error):
            raise
        return None
    key = f"{VARIABLE}=".encode()
    start = 0 if block.startswith(key) else block.find(b"\0" + key) + 1
    if start == 0 and not block.startswith(key):
        return None
    start += len(key)
    return block[start : start + _LENGTH].decode("ascii", "replace")
