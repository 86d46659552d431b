"""The window: a small shared mapping that takes the lines of a flood.

A system call for each line would make `print` four times slower. In a flood the
worker copies its lines into a mapped file instead; the kernel owns the pages, so
they survive the worker, and are appended to the `.log` file when the window is
full. The log itself is never mapped: truncating it harms nobody.

The file is 8 bytes `base` (the size of the log when the window was empty), then
lines, then NULs. While the window is moved into the log the log grows
past `base`: that many bytes of the window are in the log already. So a reader
sees every line once, whenever the worker is killed. Written by the thread that
holds the sink's lock, read by any process.
"""

from __future__ import annotations

import mmap
import os
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odbctl.engine.telemetry.log_files import LogFiles

WINDOW_BYTES = 1 << 16
BASE = struct.Struct("<q")
EMPTY = -1  # all that the window holds is in the log
READ_TRIES = 5


class Window:
    """The writer's side of the window."""

    def __init__(self, mapping: mmap.mmap) -> None:
        self._mapping = mapping
        self._zeros = bytes(WINDOW_BYTES - BASE.size)
        # One C call that is all or nothing: ValueError when the window is full.
        self.put = mapping.write

    @classmethod
    def create(cls, path: str | os.PathLike[str]) -> Window:
        """Make the file with all its blocks, so that writing to the mapping cannot fail.

        Raises:
            OSError: No room, or a file system that cannot promise the room.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            _reserve(descriptor)
            mapping = mmap.mmap(descriptor, WINDOW_BYTES)
        except (OSError, ValueError) as error:
            os.unlink(path)
            raise OSError(f"no log window: {error}") from error
        finally:
            os.close(descriptor)
        window = cls(mapping)
        window.reset(EMPTY)
        return window

    @property
    def used(self) -> int:
        """How many bytes wait to be moved into the log."""
        return self._mapping.tell() - BASE.size

    @property
    def base(self) -> int:
        """The size of the log when the window was last empty."""
        return int(BASE.unpack_from(self._mapping)[0])

    def content(self) -> bytes:
        """Return the bytes that wait."""
        return self._mapping[BASE.size : self._mapping.tell()]

    def reset(self, base: int) -> None:
        """Empty the window; the order keeps every state readable."""
        BASE.pack_into(self._mapping, 0, EMPTY)
        self._mapping[BASE.size :] = self._zeros
        self._mapping.seek(BASE.size)
        BASE.pack_into(self._mapping, 0, base)

    def shift(self, count: int) -> None:
        """Tell readers that the log is about to grow by bytes that are not the window's."""
        if self.base != EMPTY:
            BASE.pack_into(self._mapping, 0, self.base + count)

    def close(self) -> None:
        """Unmap; later puts raise ValueError."""
        self._mapping.close()


def _reserve(descriptor: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, WINDOW_BYTES)
    elif os.write(descriptor, bytes(WINDOW_BYTES)) != WINDOW_BYTES:
        raise OSError("short write")


def waiting_bytes(tail: str | os.PathLike[str], log_descriptor: int) -> tuple[int, bytes]:
    """Read the log's size and the bytes of the window that follow it.

    Args:
        tail: The window's file; it need not exist.
        log_descriptor: The open log.

    Returns:
        One consistent pair, also while the worker writes.
    """
    try:
        descriptor = os.open(tail, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return os.fstat(log_descriptor).st_size, b""
    try:
        for _ in range(READ_TRIES):
            # Length from the first look, bytes from the second: a line that was being
            # copied into the window at the first is complete at the second.
            length = len(os.pread(descriptor, WINDOW_BYTES, 0).rstrip(b"\0"))
            size = os.fstat(log_descriptor).st_size
            raw = os.pread(descriptor, max(length, BASE.size), 0)
            if os.pread(descriptor, BASE.size, 0) == raw[: BASE.size]:
                return size, _rest(raw, size)
        # A flood moves faster than we read: the next look sees it in the log.
        return os.fstat(log_descriptor).st_size, b""
    finally:
        os.close(descriptor)


def _rest(raw: bytes, log_size: int) -> bytes:
    if len(raw) < BASE.size:
        return b""
    base = int(BASE.unpack_from(raw)[0])
    if base == EMPTY:
        return b""
    return raw[BASE.size + max(0, log_size - base) :].rstrip(b"\0")


def settle_window(files: LogFiles) -> None:
    """Move what a killed worker left in its window into its log.

    Only when the worker is known to be gone. Idempotent.
    """
    if not os.access(files.tail_path, os.F_OK):
        return
    descriptor = os.open(files.log, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        rest = waiting_bytes(files.tail, descriptor)[1]
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)
    files.tail.unlink(missing_ok=True)
