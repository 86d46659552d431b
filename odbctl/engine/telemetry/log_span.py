"""The bytes of one log file at one moment, as lines from either end.

A span is the file as long as it was when it was looked at, and what waited in the
window then. Any process that reads logs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from odbctl.engine.telemetry.log_files import LogFiles
from odbctl.engine.telemetry.log_window import waiting_bytes
from odbctl.engine.telemetry.raw_times import RawTimes

BLOCK_BYTES = 1 << 16
# A "line" longer than this (a file without line ends) is shown in pieces.
LONGEST_LINE_BYTES = 1 << 23

LOG, OUT, ERR = "log", "out", "err"
SOURCES = (LOG, OUT, ERR)


class RawLine(NamedTuple):
    """A line without its end, and the offset behind that end."""

    end: int
    text: bytes


class Span:
    """An open file of a known length; a context manager."""

    def __init__(self, path: Path, descriptor: int, size: int, waiting: bytes) -> None:
        self._path = path
        self._descriptor = descriptor
        self._size = size
        self._waiting = waiting
        self.length = size + len(waiting)

    @classmethod
    def open(cls, files: LogFiles, source: str) -> Span | None:
        """Look at one of an instance's files; None when there is none.

        Raises:
            OSError: It cannot be read.
        """
        path = {LOG: files.log, OUT: files.out, ERR: files.err}[source]
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        if source == LOG:
            return cls(path, descriptor, *waiting_bytes(files.tail, descriptor))
        return cls(path, descriptor, os.fstat(descriptor).st_size, b"")

    def __enter__(self) -> Span:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)

    @property
    def inode(self) -> int:
        """Which file it is, whatever its name."""
        return os.fstat(self._descriptor).st_ino

    @property
    def changed_at(self) -> float:
        """When the file was last written."""
        return os.fstat(self._descriptor).st_mtime

    @cached_property
    def times(self) -> RawTimes:
        """When the lines of a raw file were written."""
        return RawTimes.of(self._path, self.changed_at)

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from start to stop, fewer when the file was cut meanwhile."""
        stop = min(stop, self.length)
        data = b""
        if start < self._size:
            data = os.pread(self._descriptor, min(stop, self._size) - start, start)
        if stop > self._size:
            data += self._waiting[max(0, start - self._size) : stop - self._size]
        return data

    def end_of_lines(self, floor: int = 0) -> int:
        """Return the offset behind the last line end, not looking before `floor`."""
        stop = self.length
        while stop > floor:
            start = max(floor, stop - BLOCK_BYTES)
            place = self.read(start, stop).rfind(b"\n")
            if place >= 0:
                return start + place + 1
            stop = start
        return floor

    def line_start(self, offset: int) -> int:
        """Return where the first line begins at or after an offset."""
        if offset <= 0:
            return 0
        at = offset - 1
        while at < self.length:
            data = self.read(at, at + BLOCK_BYTES)
            if not data:
                break
            place = data.find(b"\n")
            if place >= 0:
                return at + place + 1
            at += len(data)
        return self.length

    def lines(self, start: int, stop: int) -> Iterator[RawLine]:
        """Yield the lines between two offsets, first to last; the last may lack its end."""
        rest = b""
        at = start
        while at < stop and (data := self.read(at, min(at + BLOCK_BYTES, stop))):
            at += len(data)
            end = at - len(data) - len(rest)
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                end += len(line) + 1
                yield RawLine(end, line)
            if len(rest) > LONGEST_LINE_BYTES:
                yield RawLine(at, rest)
                rest = b""
        if rest:
            yield RawLine(at, rest)

    def lines_backward(self, stop: int) -> Iterator[RawLine]:
        """Yield the lines before an offset, last to first."""
        pieces: list[bytes] = []  # of the line whose beginning is not found yet, last first
        end = stop
        at = text_end = stop - 1 if self.read(max(0, stop - 1), stop) == b"\n" else stop
        is_open = stop > 0
        while at > 0:
            first, *lines = self.read(start := max(0, at - BLOCK_BYTES), at).split(b"\n")
            at = start
            for line in reversed(lines):
                text = line + b"".join(reversed(pieces))
                pieces = []
                yield RawLine(end, text)
                end = text_end - len(text)
                text_end = end - 1
            pieces.append(first)
            if len(pieces) * BLOCK_BYTES > LONGEST_LINE_BYTES:
                yield RawLine(end, b"".join(reversed(pieces)))
                end = text_end = at
                pieces = []
                is_open = at > 0
        if is_open:
            yield RawLine(end, b"".join(reversed(pieces)))
