"""The kernel's file notices (inotify(7)), without a dependency.

Linux only; `Inotify.open()` returns None elsewhere and the caller looks from time
to time instead. Used by the manager and by readers that follow, never by workers.
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
import sys
from typing import NamedTuple

MODIFY = 0x2
CREATE = 0x100
MOVED_TO = 0x80
DELETE = 0x200
ONLY_DIRECTORY = 0x01000000
QUEUE_OVERFLOW = 0x4000
IGNORED = 0x8000

EVENT = struct.Struct("iIII")
READ_BYTES = 1 << 16


class Notice(NamedTuple):
    """One event: which watch, what, and the name inside a watched folder."""

    watch: int
    mask: int
    name: str


class Inotify:
    """An inotify descriptor."""

    def __init__(self, descriptor: int, libc: ctypes.CDLL) -> None:
        self._descriptor = descriptor
        self._libc = libc

    @classmethod
    def open(cls) -> Inotify | None:
        """Open it, or return None where there is none."""
        if not sys.platform.startswith("linux"):
            return None
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, AttributeError):
            return None
        return cls(descriptor, libc) if descriptor >= 0 else None

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._descriptor

    def watch(self, path: str | os.PathLike[str], mask: int) -> int:
        """Watch a file or folder.

        Returns:
            The watch's number, the same for the same file; -1 when it cannot be watched.
        """
        return int(self._libc.inotify_add_watch(self._descriptor, os.fsencode(path), mask))

    def wait(self, timeout_seconds: float) -> bool:
        """Wait for a notice; tell whether there is one."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(max(0, int(timeout_seconds * 1000))))

    def read(self) -> list[Notice]:
        """Return the notices that are there, without waiting."""
        try:
            raw = os.read(self._descriptor, READ_BYTES)
        except BlockingIOError:
            return []
        notices: list[Notice] = []
        offset = 0
        while offset < len(raw):
            watch, mask, _, length = EVENT.unpack_from(raw, offset)
            offset += EVENT.size
            name = os.fsdecode(raw[offset : offset + length].rstrip(b"\0"))
            notices.append(Notice(watch, mask, name))
            offset += length
        return notices

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._descriptor)
