"""One file of a chain of log files, and places in it. For the thread that holds the chain."""

from __future__ import annotations

import os
from typing import NamedTuple

from odbctl.engine.telemetry.log_span import Span
from odbctl.engine.telemetry.raw_marks import RawMarks

_HEAD_BYTES = 256


class Place(NamedTuple):
    """A file of a chain, and an offset in it."""

    number: int
    offset: int


BEGINNING = Place(-1, 0)


class Link:
    """One file of a chain; `segment` is 0 while it is the one that is written."""

    def __init__(self, number: int, segment: int, path: str, span: Span | None = None) -> None:
        self.number = number
        self.segment = segment
        self.path = path
        self.span = span
        self.inode = span.inode if span is not None else inode_of(path)
        self.stop = 0  # of the current file: up to where its lines are shown
        self.is_removed = False  # nobody else can read it any more
        self._marks: RawMarks | None = None

    @property
    def size(self) -> int:
        """How long it is, roughly while it is not open."""
        if self.segment == 0:
            return self.stop
        if self.span is not None:
            return self.span.length
        return size_of(self.path)

    def marks(self, raw_path: str) -> RawMarks:
        """When the lines of this raw file were written."""
        assert self.span is not None
        if self._marks is None:
            self._marks = RawMarks(raw_path, self.span.changed_at)
        return self._marks

    def take(self, span: Span) -> None:
        """Look at the file as it is now."""
        self.close()
        self.span = span

    def close(self) -> None:
        """Let go of the file. Idempotent."""
        if self.span is not None:
            self.span.close()
            self.span = None
        if self._marks is not None:
            self._marks.close()
            self._marks = None


class Part(NamedTuple):
    """A stretch of one open file."""

    link: Link
    span: Span
    start: int
    stop: int


def inode_of(path: str) -> int:
    """Return which file stands under a name; 0 for none."""
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0


def size_of(path: str) -> int:
    """Return the size of a rotated file; of a compressed one, of what it holds."""
    try:
        if not path.endswith(".gz"):
            return os.stat(path).st_size
        with open(path, "rb") as packed:  # RFC 1952: the size stands in the last four bytes
            packed.seek(-4, os.SEEK_END)
            return int.from_bytes(packed.read(4), "little")
    except OSError:
        return 0


def is_same(link: Link, path: str) -> bool:
    """Whether a rotated file is still the one that had this number."""
    if path.endswith(".gz") and not link.path.endswith(".gz"):
        return True
    return inode_of(path) in (link.inode, 0)


def begins_alike(path: str, last: Link) -> bool:
    """Whether a compressed file holds what another one holds: the times in it tell."""
    if not path.endswith(".gz") or last.span is None:
        return False
    import gzip

    try:
        with gzip.open(path, "rb") as packed:
            head = packed.read(_HEAD_BYTES)
    except OSError:
        return False
    return bool(head) and head == os.pread(last.span.fileno(), len(head), 0)
