"""The files of one source of one instance, in the order of their writing, as one text.

A `Place` is a file of the chain and an offset in it. It stays true while the log is
rotated (the file keeps its number), compressed (offsets count what is uncompressed) and
appended to. What is written now is held open, so what is rotated or removed between two
looks is still read to its end. For one thread of any process that pages through logs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from odbctl.engine.telemetry.log_files import LogFiles, segment_number
from odbctl.engine.telemetry.log_link import (
    BEGINNING,
    Link,
    Part,
    Place,
    begins_alike,
    inode_of,
    is_same,
)
from odbctl.engine.telemetry.log_span import BLOCK_BYTES, LOG, Span
from odbctl.engine.telemetry.log_window import waiting_bytes

# A line that has stood unfinished for so long is shown as it is.
PARTIAL_SECONDS = 1.0
# Of rotated files so many stay open; opening a compressed one costs its uncompression.
HELD_FILES = 4
_COUNT_BYTES = BLOCK_BYTES * 4


class Chain:
    """The files of one source; `refresh()` looks at them anew."""

    def __init__(
        self,
        files: LogFiles,
        source: str,
        *,
        is_new: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Store which files.

        Args:
            files: Of which instance.
            source: LOG, OUT or ERR.
            is_new: Whether its instance has just appeared: the first look counts all lines.
            clock: Monotonic seconds.
        """
        self.files = files
        self.source = source
        self._clock = clock
        self._links: list[Link] = []
        self._next_number = 0
        self._counted: Place | None = BEGINNING if is_new else None
        self._was_looked_at = False
        self._partial = (-1, 0.0)
        self.removed_count = 0  # files that went while they could have been read

    @property
    def start(self) -> Place:
        """Where the oldest line begins."""
        return Place(self._links[0].number, 0) if self._links else BEGINNING

    @property
    def end(self) -> Place:
        """Behind the newest line."""
        return Place(self._links[-1].number, self._links[-1].stop) if self._links else BEGINNING

    @property
    def raw_path(self) -> str:
        """The file of a raw source."""
        return f"{self.files.folder}/{self.files.instance}.{self.source}"

    @property
    def numbers(self) -> set[int]:
        """The files that there are."""
        return {link.number for link in self._links}

    @property
    def is_removed(self) -> bool:
        """Whether the file that was written has gone from the folder."""
        return bool(self._links) and self._links[-1].is_removed

    def close(self) -> None:
        """Let go of all files."""
        for link in self._links:
            link.close()

    def refresh(self, *, is_full: bool = False) -> int:
        """Look at the files as they are now.

        Args:
            is_full: Look for rotated files, too, where nothing hints at them.

        Returns:
            How many line ends came since the last look.
        """
        current = Span.open(self.files, self.source)
        is_full = is_full or not self._was_looked_at
        self._was_looked_at = True
        if self._is_other(current) or is_full:
            self._look_at_segments(current)
        if current is not None:
            self._take_current(current)
        elif self.is_removed:
            self._look_at_removed(self._links[-1])
        return self._count()

    def parts(self, place: Place) -> Iterator[Part]:
        """Yield what lies behind a place, first to last."""
        for link in list(self._links):
            if link.number < place.number:
                continue
            span = self._opened(link)
            if span is None:
                continue
            start = place.offset if link.number == place.number else 0
            start, stop = max(start, span.start), self._stop_of(link, span)
            if start < stop:
                yield Part(link, span, start, stop)

    def parts_backward(self, place: Place) -> Iterator[Part]:
        """Yield what lies before a place, last to first."""
        for link in reversed(list(self._links)):
            if link.number > place.number:
                continue
            span = self._opened(link)
            if span is None:
                continue
            stop = self._stop_of(link, span)
            if link.number == place.number:
                stop = min(stop, place.offset)
            if span.start < stop:
                yield Part(link, span, span.start, stop)

    def bytes_before(self, place: Place) -> int:
        """Return how many bytes lie before a place, roughly."""
        sizes = (link.size for link in self._links if link.number < place.number)
        return sum(sizes) + (place.offset if place.number in self.numbers else 0)

    def _stop_of(self, link: Link, span: Span) -> int:
        return link.stop if link.segment == 0 else span.length

    def _opened(self, link: Link) -> Span | None:
        if link.span is None:
            link.span = Span.open_segment(link.path)
            held = [other for other in self._links if other.segment and other.span is not None]
            # The farthest from here; reading goes from file to file.
            for other in sorted(held, key=lambda o: -abs(o.number - link.number))[:-HELD_FILES]:
                other.close()
        return link.span

    def _is_other(self, current: Span | None) -> bool:
        """Whether the file that is written now is another one than before."""
        last = self._links[-1] if self._links else None
        if last is None or last.segment:
            return current is not None
        if current is None:
            return not last.is_removed
        return current.inode != last.inode or last.is_removed

    def _look_at_segments(self, current: Span | None) -> None:
        # Listed after the current file was opened, so of one that is rotated meanwhile
        # there is a twin among them, and what is behind the twin comes at the next look.
        paths = {segment_number(path): path for path in self._segments()}
        self._forget_removed(paths)
        known = {link.segment for link in self._links}
        new = sorted(number for number in paths if number not in known)
        inodes = {number: inode_of(paths[number]) for number in new}
        if current is not None:
            twin = next((n for n in new if inodes[n] == current.inode), None)
            new = [n for n in new if twin is None or n < twin]
        last = self._links[-1] if self._links else None
        if last is not None and last.segment == 0 and self._is_other(current):
            self._settle(last, {n: paths[n] for n in new}, inodes)
            new = [n for n in new if n != last.segment]
        for number in new:
            self._append(Link(self._next_number, number, paths[number]))

    def _segments(self) -> list[str]:
        return self.files.segments() if self.source == LOG else []

    def _forget_removed(self, paths: dict[int, str]) -> None:
        for link in list(self._links):
            if not link.segment:
                continue
            path = paths.get(link.segment)
            if path is not None and is_same(link, path):
                if path != link.path:  # compressed: the same text in another file
                    link.path, link.inode = path, inode_of(path)
                continue
            link.close()
            self._links.remove(link)
            self.removed_count += 1

    def _settle(self, last: Link, paths: dict[int, str], inodes: dict[int, int]) -> None:
        """Find out what became of the file that was written: rotated, or removed."""
        assert last.span is not None
        found = next((n for n in paths if inodes[n] == last.inode), None)
        if found is None:  # rotated and compressed since the last look
            found = next((n for n, path in paths.items() if begins_alike(path, last)), None)
        if found is None:
            last.is_removed = True
        else:
            # Nothing of a rotated file waits in the window.
            descriptor = os.dup(last.span.fileno())
            last.take(Span(self.files.log, descriptor, os.fstat(descriptor).st_size))
            last.segment, last.path, last.inode = found, paths[found], inodes[found]

    def _look_at_removed(self, last: Link) -> None:
        """Read on in a file without a name: its writer may still have it."""
        if last.span is None:
            return
        descriptor = os.dup(last.span.fileno())
        if self.source == LOG:
            span = Span(self.files.log, descriptor, *waiting_bytes(self.files.tail, descriptor))
        else:
            span = Span(Path(self.raw_path), descriptor, os.fstat(descriptor).st_size)
        last.take(span)
        last.stop = max(last.stop, span.end_of_lines(last.stop))

    def _take_current(self, current: Span) -> None:
        last = self._links[-1] if self._links else None
        is_cut = last is not None and current.length < last.stop
        if last is None or last.segment or last.inode != current.inode or last.is_removed or is_cut:
            if last is not None and is_cut and last.inode == current.inode:
                last.close()  # emptied in place: what it held is gone
                self._links.remove(last)
                self.removed_count += 1
            last = Link(self._next_number, 0, self.files.log_path, current)
            self._append(last)
        else:
            last.take(current)
        stop = current.end_of_lines(max(last.stop, current.start))
        is_late = stop < current.length and self._is_overdue(current)
        last.stop = current.length if is_late else stop

    def _is_overdue(self, current: Span) -> bool:
        now = self._clock()
        if self._partial[0] != current.length:
            is_old = time.time() - current.changed_at >= PARTIAL_SECONDS
            self._partial = (current.length, now - PARTIAL_SECONDS if is_old else now)
        return now - self._partial[1] >= PARTIAL_SECONDS

    @property
    def has_partial(self) -> bool:
        """Whether a line stands unfinished, and is not shown yet."""
        last = self._links[-1] if self._links else None
        return last is not None and last.span is not None and last.span.length > last.stop

    def _append(self, link: Link) -> None:
        for other in [other for other in self._links[:-1] if other.is_removed]:
            other.close()  # one file that nobody else can read is held, not every one
            self._links.remove(other)
        self._links.append(link)
        self._next_number += 1

    def _count(self) -> int:
        """Count the line ends since the last time."""
        since, self._counted = self._counted, self.end
        if since is None or since == self.end:
            return 0
        count = 0
        for part in self.parts(since):
            at = part.start
            while data := part.span.read(at, min(at + _COUNT_BYTES, part.stop)):
                count += data.count(b"\n")
                at += len(data)
        return count
