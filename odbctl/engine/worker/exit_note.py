"""The exit note: a worker that ends in order, and has no parent to see it, says how.

Left in the run directory by the worker, taken by the manager that comes next.
A worker that is killed leaves none.
"""

from __future__ import annotations

import contextlib
import os


def _path(run: str | os.PathLike[str], instance: int) -> str:
    return os.path.join(run, "w", f"{instance:x}.exit")


def leave_exit_note(run: str | os.PathLike[str], instance: int, code: int) -> None:
    """Write down the exit code of this worker."""
    path = _path(run, instance)
    with contextlib.suppress(OSError):  # a full disk: its end is "unknown"
        with open(f"{path}~", "w", encoding="ascii") as file:
            file.write(f"{os.getpid()} {code}")
        os.rename(f"{path}~", path)


def take_exit_note(run: str | os.PathLike[str], instance: int, pid: int | None) -> int | None:
    """Return the exit code that the worker of an instance has left, and remove the note."""
    path = _path(run, instance)
    try:
        with open(path, encoding="ascii") as file:
            writer, _, code = file.read().partition(" ")
        os.unlink(path)
        return int(code) if pid in (None, int(writer)) else None
    except (OSError, ValueError):
        return None
