"""Bounding the raw files: the oldest bytes of a file that a child holds are forgotten.

Children and C code write to descriptors that nobody can take from them, and a pipe in
between would hold them back. So the file stays, and its oldest blocks are given back to
the disk (fallocate(2), FALLOC_FL_PUNCH_HOLE): nothing is copied, the writer notices
nothing, offsets stay what they were, and readers begin behind the hole. Run by managers.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from pathlib import Path

from odbctl.engine.telemetry.log_files import index_of
from odbctl.engine.telemetry.raw_times import MARK

_KEEP_SIZE = 0x01
_PUNCH_HOLE = 0x02
# Holes are made of whole blocks, and not for less than this.
BLOCK_BYTES = 1 << 16


def trim_raw(path: str | os.PathLike[str], keep_bytes: int, trimmed: int = 0) -> int:
    """Forget all but the newest bytes of a raw file.

    Args:
        path: The file.
        keep_bytes: How many of the newest bytes stay, at least.
        trimmed: Up to where it is known to be trimmed.

    Returns:
        Up to where it is trimmed now; the same where the file system makes no holes.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return trimmed
    try:
        until = (os.fstat(descriptor).st_size - keep_bytes) // BLOCK_BYTES * BLOCK_BYTES
        if until <= trimmed or not _punch(descriptor, trimmed, until - trimmed):
            return trimmed
    finally:
        os.close(descriptor)
    _trim_marks(Path(path), until)
    return until


def _punch(descriptor: int, start: int, length: int) -> bool:
    libc = _libc()
    if libc is None:
        return False
    offsets = (ctypes.c_longlong(start), ctypes.c_longlong(length))
    return int(libc.fallocate(descriptor, _KEEP_SIZE | _PUNCH_HOLE, *offsets)) == 0


@cache
def _libc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "fallocate") else None


def _trim_marks(path: Path, until: int) -> None:
    """Forget the times of lines that were forgotten."""
    index = index_of(path)
    try:
        marks = index.read_bytes()
    except OSError:
        return
    whole = len(marks) // MARK.size * MARK.size
    kept = [mark for mark in MARK.iter_unpack(marks[:whole]) if mark[0] >= until]
    if len(kept) * MARK.size * 2 > len(marks):
        return  # not worth it
    aside = index.with_name(index.name + "~")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "wb") as file:
        file.write(b"".join(MARK.pack(*mark) for mark in kept))
    os.replace(aside, index)
