"""The pieces of one instance's output: what was rotated, and what is written now.

Any process that reads logs. What is listed is one consistent state: a log that is
rotated meanwhile is neither left out nor read twice.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager

from odbctl.engine.telemetry.log_files import LogFiles, segment_number
from odbctl.engine.telemetry.log_span import LOG, Span


class Piece:
    """One file of a source, opened when it is read."""

    def __init__(self, path: str, current: Span | None = None) -> None:
        self.path = path
        self.current = current

    @property
    def changed_at(self) -> float:
        """When it was last written: nothing in it is younger."""
        if self.current is not None:
            return float("inf")
        try:
            return os.stat(self.path).st_mtime
        except OSError:
            return float("inf")  # whoever opens it will see

    @contextmanager
    def opened(self) -> Generator[Span | None]:
        """Open it for a while; None when it has been removed."""
        if self.current is not None:
            yield self.current
            return
        span = Span.open_segment(self.path)
        try:
            yield span
        finally:
            if span is not None:
                span.close()


@contextmanager
def pieces(files: LogFiles, source: str) -> Generator[list[Piece]]:
    """List the pieces of a source, the oldest first."""
    current = Span.open(files, source)
    try:
        found = [Piece(path) for path in _segments(files, current)] if source == LOG else []
        if current is not None:
            found.append(Piece("", current))
        yield found
    finally:
        if current is not None:
            current.close()


def _segments(files: LogFiles, current: Span | None) -> list[str]:
    """Return the segments that are older than the log that was opened before."""
    paths = files.segments()
    if current is None:
        return paths
    twin = next((path for path in reversed(paths) if _inode(path) == current.inode), None)
    return paths if twin is None else paths[: paths.index(twin)]


def newer_segments(files: LogFiles, inode: int, number: int) -> tuple[list[str], int]:
    """Return what was rotated after a log that was read until now, and that log's number.

    Args:
        files: Whose they are.
        inode: Which file it was.
        number: The last number that is known to be older.
    """
    paths = [path for path in files.segments() if segment_number(path) > number]
    for path in paths:
        if _inode(path) == inode:
            number = segment_number(path)
    return [path for path in paths if segment_number(path) > number], number


def _inode(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0
