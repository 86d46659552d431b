"""Following logs: new records as they come, over the instances of one or more services.

A replacement's files are found when they appear, so following goes on from a
killed instance to the next. Woken by the kernel where it can be; what stands in a
window (see log_window) makes no notice, so a look every `LOOK_SECONDS` is kept.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from odbctl.engine.telemetry.log_files import LogFiles, instances_in, segment_number
from odbctl.engine.telemetry.log_format import LogLine
from odbctl.engine.telemetry.log_pieces import newer_segments, pieces
from odbctl.engine.telemetry.log_reader import last_in, records, since_in
from odbctl.engine.telemetry.log_records import joined
from odbctl.engine.telemetry.log_span import LOG, SOURCES, Span

if TYPE_CHECKING:
    from odbctl.engine.telemetry.inotify import Inotify

LOOK_SECONDS = 0.2
# A line that has stood unfinished for so long is shown as it is: a prompt, or a dead writer's.
PARTIAL_SECONDS = 1.0


class LogFollower:
    """Reads on where it last stopped.

    `start()` gives what is there, `read()` what came since, `wait()` sleeps until
    there may be more. Not for several threads at once.
    """

    def __init__(
        self,
        logs: Path,
        services: str | Mapping[str, Collection[str] | None],
        *,
        instances: Collection[str] | None = None,
        finds_new_services: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare to follow one service, or several with the instances of each.

        Args:
            logs: The folder of all logs.
            services: A service, or services with their instances; None means all instances.
            instances: Only these instances, when `services` is one name.
            finds_new_services: Also follow services whose folder appears later.
            clock: Seconds; monotonic.
        """
        self._logs = logs
        self._services = {services: instances} if isinstance(services, str) else dict(services)
        self._finds_new_services = finds_new_services
        self._old_folders = frozenset(_names_in(logs)) if finds_new_services else frozenset[str]()
        self._clock = clock
        self._cursors: dict[tuple[str, str, str], _Cursor] = {}
        self._notify: Inotify | None = None
        self._watched: set[str] = set()

    def start(self, *, count: int = 0, since: float | None = None) -> list[LogLine]:
        """Return the last records that are there; `read()` goes on behind them.

        Args:
            count: How many; not counted when `since` is given.
            since: Instead, all that are not older (seconds since the epoch).
        """
        from odbctl.engine.telemetry.inotify import Inotify

        self._notify = Inotify.open()
        for service in self._services:
            self._watch(service)
        lines = [line for cursor in self._all() for line in cursor.first(count, since)]
        lines.sort(key=attrgetter("at"))
        return lines if since is not None else lines[len(lines) - min(count, len(lines)) :]

    def read(self, *, final: bool = False) -> list[LogLine]:
        """Return the records that came since the last call, by time.

        Args:
            final: Nothing more will come: show an unfinished last line too.
        """
        now = self._clock()
        lines = [line for cursor in self._all() for line in cursor.read(now, final=final)]
        lines.sort(key=attrgetter("at"))
        return lines

    def wait(self, timeout_seconds: float) -> bool:
        """Sleep until there may be more, at most so long; tell whether there may be."""
        deadline = time.monotonic() + timeout_seconds
        while (left := deadline - time.monotonic()) > 0:
            pause = min(left, LOOK_SECONDS)
            if self._notify is None:
                time.sleep(pause)
            elif self._notify.wait(pause):
                self._notify.read()
                return True
            if any(c.has_more(only_in_window=c.service in self._watched) for c in self._all()):
                return True
        return False

    def close(self) -> None:
        """Stop watching. Idempotent."""
        for cursor in self._cursors.values():
            cursor.close()
        if self._notify is not None:
            self._notify.close()
            self._notify = None

    def __enter__(self) -> LogFollower:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _watch(self, service: str) -> None:
        from odbctl.engine.telemetry import inotify

        if self._notify is not None:
            mask = inotify.MODIFY | inotify.CREATE | inotify.MOVED_TO | inotify.ONLY_DIRECTORY
            if self._notify.watch(self._logs / service, mask) >= 0:
                self._watched.add(service)

    def _all(self) -> Iterator[_Cursor]:
        if self._finds_new_services:
            for name in _names_in(self._logs):
                if name not in self._old_folders:
                    self._services.setdefault(name, None)
        for service, instances in list(self._services.items()):
            yield from self._of_service(service, instances)

    def _of_service(self, service: str, instances: Collection[str] | None) -> Iterator[_Cursor]:
        found = instances_in(self._logs, service)
        if found and service not in self._watched:
            self._watch(service)  # its folder may have been made after we began
        for files in found:
            if instances is not None and files.instance not in instances:
                continue
            for source in SOURCES:
                key = (service, files.instance, source)
                if key not in self._cursors:
                    self._cursors[key] = _Cursor(files, source)
                yield self._cursors[key]


def _names_in(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


class _Cursor:
    """How far one source has been read. A log that is rotated is read to its end first."""

    def __init__(self, files: LogFiles, source: str) -> None:
        self.service = files.service
        self._files = files
        self._source = source
        self._offset: int = 0
        self._inode: int = 0
        self._number: int = 0  # of the newest rotated file that was read
        self._held = -1  # what is read now, should it be put aside or removed
        self._partial = (0, 0.0)  # the length it had when it was unfinished, and since when
        self._is_inside_line = False
        self._last: LogLine | None = None

    def first(self, count: int, since: float | None) -> list[LogLine]:
        """Go to the end; return the records before it."""
        with pieces(self._files, self._source) as found:
            self._number = max((segment_number(piece.path) for piece in found), default=0)
            current = found[-1].current if found else None
            if current is not None:
                self._take(current, current.end_of_lines(current.start))
            stop = self._offset
            if since is not None:
                return list(joined(since_in(self._files, self._source, found, since, stop)))
            return list(joined(last_in(self._files, self._source, found, count, stop)))

    def read(self, now: float, *, final: bool) -> list[LogLine]:
        """Return the records behind the last ones."""
        span = Span.open(self._files, self._source)
        if span is None:
            return []
        with span:
            lines: list[LogLine] = []
            if span.inode != self._inode or span.length < self._offset:
                lines = self._rest_of_rotated(span)
                self._take(span, span.start)
            stop = span.end_of_lines(self._offset)
            if final or self._is_overdue(span.length, stop, now):
                stop = span.length
            return lines + (self._advance(span, stop) if stop > self._offset else [])

    def has_more(self, *, only_in_window: bool) -> bool:
        """Tell whether something stands behind what was read."""
        if only_in_window and not (self._source == LOG and self._files.tail.exists()):
            return False
        span = Span.open(self._files, self._source)
        if span is None:
            return False
        with span:
            if span.length == self._partial[0]:
                return False
            return span.length != self._offset or span.inode != self._inode

    def close(self) -> None:
        """Let go of the file."""
        if self._held >= 0:
            os.close(self._held)
            self._held = -1

    def _take(self, span: Span, offset: int) -> None:
        """Read on in a file from here."""
        self.close()
        self._held = os.dup(span.fileno())
        self._inode = span.inode
        self._offset = offset

    def _rest_of_rotated(self, current: Span) -> list[LogLine]:
        """Return what is left of the file that was read, and of those between it and now."""
        if self._source != LOG:
            return []
        lines: list[LogLine] = []
        paths, self._number = newer_segments(self._files, self._inode, self._number)
        if self._held >= 0:
            with Span(self._files.log, os.dup(self._held), os.fstat(self._held).st_size) as old:
                if old.length > self._offset:
                    lines += self._advance(old, old.length)
        for path in paths:
            span = Span.open_segment(path)
            if span is None:
                continue
            with span:
                if span.inode == current.inode:
                    break  # put aside since it was opened: the next look finds that
                self._offset = 0
                lines += self._advance(span, span.length)
                self._number = segment_number(path)
        return lines

    def _advance(self, span: Span, stop: int) -> list[LogLine]:
        start, self._offset = self._offset, stop
        if self._is_inside_line and span.read(start, start + 1) == b"\n":
            start += 1  # the end of the line that was shown unfinished
        self._is_inside_line = span.read(stop - 1, stop) != b"\n"
        found = records(self._files, self._source, span, span.lines(start, stop), before=self._last)
        lines = list(joined(found))
        if lines:
            self._last = lines[-1]
        return lines

    def _is_overdue(self, length: int, stop: int, now: float) -> bool:
        if length == max(stop, self._offset):
            self._partial = (0, 0.0)
            return False
        if self._partial[0] != length:
            self._partial = (length, now)
        return now - self._partial[1] >= PARTIAL_SECONDS
