"""The bytes of one log file at one moment, as lines from either end.

A span is the file as long as it was when it was looked at, and what waited in the
window then. What was rotated is a span of its own, and so is what was compressed. Any
process that reads logs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from odbctl.engine.telemetry.log_files import LogFiles
from odbctl.engine.telemetry.log_window import waiting_bytes
from odbctl.engine.telemetry.raw_times import RawTimes

BLOCK_BYTES = 1 << 16
OPEN_TRIES = 20
# The kernel lets readers see the beginning of a write once it fills a page.
PAGE_BYTES = 4096
MID_WRITE_SECONDS = 0.002
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

    def __init__(
        self, path: Path, descriptor: int, size: int, waiting: bytes = b"", start: int = 0
    ) -> None:
        self._path = path
        self._descriptor = descriptor
        self._size = size
        self._waiting = waiting
        self.length = size + len(waiting)
        # Of a raw file the oldest bytes may be forgotten (see raw_trim); then the first
        # whole line begins here.
        self.start = self.line_start(start) if start else 0

    @classmethod
    def open(cls, files: LogFiles, source: str) -> Span | None:
        """Look at one of an instance's files; None when there is none.

        Raises:
            OSError: It cannot be read.
        """
        if source == LOG:
            return cls._open_log(files)
        path = {OUT: files.out, ERR: files.err}[source]
        descriptor = _open(path)
        if descriptor is None:
            return None
        size = os.fstat(descriptor).st_size
        return cls(path, descriptor, size, start=_first_data(descriptor, size))

    @classmethod
    def _open_log(cls, files: LogFiles) -> Span | None:
        """Open the log that is written now, which may be rotated this very moment."""
        span: Span | None = None
        for _ in range(OPEN_TRIES):
            descriptor = _open(files.log)
            if descriptor is None:
                return span
            if span is not None:
                span.close()
            span = cls(files.log, descriptor, *waiting_bytes(files.tail, descriptor))
            if span._is_mid_write():
                time.sleep(MID_WRITE_SECONDS)
                continue
            try:
                if os.stat(files.log).st_ino == span.inode:
                    return span  # so the window was that of this file
            except FileNotFoundError:
                continue
        return span

    def _is_mid_write(self) -> bool:
        """Tell whether it may end in the midst of a write that is going on."""
        if self._waiting or not self._size or self._size % PAGE_BYTES:
            return False
        return self.read(self._size - 1, self._size) != b"\n"

    @classmethod
    def open_segment(cls, path: str) -> Span | None:
        """Open what was rotated, compressed or not; None when it has been removed.

        Raises:
            OSError: It cannot be read.
        """
        descriptor = _open(path)
        if descriptor is None and not path.endswith(".gz"):
            path += ".gz"  # compressed since it was listed
            descriptor = _open(path)
        if descriptor is None:
            return None
        if path.endswith(".gz"):
            descriptor = _uncompressed(descriptor)
        return cls(Path(path), descriptor, os.fstat(descriptor).st_size)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def fileno(self) -> int:
        """Return the descriptor of the file."""
        return self._descriptor

    @property
    def size(self) -> int:
        """How much of it stands in the file; the rest waits in the window."""
        return self._size

    def __enter__(self) -> Span:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

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
        is_open = stop > self.start
        while at > self.start:
            start = max(self.start, at - BLOCK_BYTES)
            first, *lines = self.read(start, at).split(b"\n")
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
                is_open = at > self.start
        if is_open:
            yield RawLine(end, b"".join(reversed(pieces)))


def _open(path: str | os.PathLike[str]) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None


def _first_data(descriptor: int, size: int) -> int:
    """Return where the bytes begin that were not forgotten."""
    if size < BLOCK_BYTES or not hasattr(os, "SEEK_DATA"):
        return 0
    try:
        return os.lseek(descriptor, 0, os.SEEK_DATA)
    except OSError:
        return 0  # a file system that knows of no holes


def _uncompressed(descriptor: int) -> int:
    """Return a descriptor of a file's content, uncompressed; the given one is closed."""
    import gzip
    import shutil
    import tempfile

    with (
        os.fdopen(descriptor, "rb") as packed,
        gzip.GzipFile(fileobj=packed) as content,
        tempfile.TemporaryFile() as plain,
    ):
        shutil.copyfileobj(content, plain, 1 << 20)
        plain.flush()
        return os.dup(plain.fileno())
