"""Logs in memory for the viewer, which come when a test says so."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from types import TracebackType
from typing import Self

from odbctl.engine.api.log_pages import (
    EVERYTHING,
    Found,
    LineFilter,
    Look,
    PageLine,
    Place,
    Position,
    SearchStoppedError,
    never,
)
from odbctl.errors import OdbctlError
from odbctl.tui.logs.source import LogRequest

BEGAN_AT = 1_795_000_000.0


class FakeLogs:
    """What is logged, shared by all sources that show it. One line a second."""

    def __init__(self, *texts: str, lanes: tuple[str, ...] = ("api-1",)) -> None:
        self.lines: list[PageLine] = []
        self.whole: list[str] = []
        self.lanes = lanes
        self.notices: tuple[str, ...] = ()
        self.failure: OdbctlError | None = None
        self.requests: list[LogRequest] = []
        self.open_count = 0
        self.is_endless = False  # a search goes on until it is stopped
        self.lock = threading.Lock()
        self.log(*texts)

    def log(self, *texts: str, level: str = "INFO", lane: int = 0, goes_on: bool = False) -> None:
        """Log lines."""
        with self.lock:
            for text in texts:
                place = len(self.lines)
                raw = text.encode()
                self.lines.append(
                    PageLine(
                        chain=lane,
                        start=Place(0, place),
                        end=Place(0, place + 1),
                        at=BEGAN_AT + place,
                        said_level=level,
                        stream="stdout",
                        raw=raw[:32_768],
                        size=len(raw),
                        goes_on=goes_on,
                    )
                )
                self.whole.append(text)

    def open(self, request: LogRequest | None = None) -> FakeLogSource:
        """Open them; fails while `failure` says so."""
        if request is not None:
            self.requests.append(request)
        if self.failure is not None:
            raise self.failure
        return FakeLogSource(self)


class FakeCounter:
    """Counts in one go."""

    def __init__(self, source: FakeLogSource, pattern: re.Pattern[str], only: LineFilter) -> None:
        self._source = source
        self._pattern = pattern
        self._only = only
        self._places: list[int] = []
        self.is_complete = False
        self.is_full = False

    @property
    def total(self) -> int:
        return len(self._places)

    def advance(self, should_stop: Callable[[], bool]) -> bool:
        del should_stop
        before = (self._places, self.is_complete)
        self._places = [
            line.start.offset
            for line in self._source.lines(position_at(0), self._only)
            if self._pattern.search(line.text)
        ]
        self.is_complete = True
        return before != (self._places, self.is_complete)

    def rank(self, position: Position) -> int:
        return sum(place < offset_of(position) for place in self._places)


def offset_of(position: Position) -> int:
    """Return a position as a number: here all lines have one order."""
    return max((place.offset for place in position.places), default=0)


def position_at(offset: int) -> Position:
    return Position((Place(0, offset),))


class FakeLogSource:
    """A source over FakeLogs; all lanes are one chain of lines, as far as it has looked."""

    def __init__(self, logs: FakeLogs) -> None:
        self._logs = logs
        self.every: list[PageLine] = []

    def __enter__(self) -> Self:
        self._logs.open_count += 1
        self.refresh()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._logs.open_count -= 1

    @property
    def lanes(self) -> tuple[str, ...]:
        return self._logs.lanes

    @property
    def notices(self) -> tuple[str, ...]:
        return self._logs.notices

    @property
    def start(self) -> Position:
        return position_at(0)

    @property
    def end(self) -> Position:
        return position_at(len(self.every))

    def lane_of(self, line: PageLine) -> int:
        return line.chain

    def fraction(self, position: Position) -> float:
        return offset_of(position) / len(self.every) if self.every else 1.0

    def refresh(self) -> Look:
        with self._logs.lock:
            count = len(self._logs.lines) - len(self.every)
            self.every = list(self._logs.lines)
        return Look(count > 0, count)

    def lines(
        self,
        position: Position,
        only: LineFilter = EVERYTHING,
        should_stop: Callable[[], bool] = never,
    ) -> Iterator[PageLine]:
        self._maybe_wait(only.pattern, should_stop)
        kept = self._kept(only)
        return (line for line in self.every[offset_of(position) :] if line.start.offset in kept)

    def forward(
        self,
        position: Position,
        count: int | None,
        only: LineFilter = EVERYTHING,
        should_stop: Callable[[], bool] = never,
    ) -> list[PageLine]:
        return list(islice(self.lines(position, only, should_stop), count))

    def backward(
        self,
        position: Position,
        count: int,
        only: LineFilter = EVERYTHING,
        should_stop: Callable[[], bool] = never,
    ) -> list[PageLine]:
        self._maybe_wait(only.pattern, should_stop)
        kept = self._kept(only)
        found = [x for x in self.every[: offset_of(position)] if x.start.offset in kept]
        return found[max(len(found) - count, 0) :]

    def at_time(self, at: float) -> Position:
        return position_at(sum(line.at < at for line in self.every))

    def find(
        self,
        position: Position,
        pattern: re.Pattern[str],
        *,
        is_backward: bool = False,
        only: LineFilter = EVERYTHING,
        should_stop: Callable[[], bool] = never,
    ) -> Found | None:
        self._maybe_wait(pattern, should_stop)
        place = offset_of(position)
        kept = self._kept(only)
        lines = self.every[:place][::-1] if is_backward else self.every[place:]
        for line in lines:
            if pattern.search(line.text) and line.start.offset in kept:
                return Found(line, position_at(line.start.offset))
        return None

    def is_shown(self, line: PageLine, only: LineFilter) -> bool:
        return line.start.offset in self._kept(only)

    def counter(self, pattern: re.Pattern[str], only: LineFilter = EVERYTHING) -> FakeCounter:
        return FakeCounter(self, pattern, only)

    def whole_text(self, line: PageLine) -> str:
        return self._logs.whole[line.start.offset]

    def _kept(self, only: LineFilter) -> set[int]:
        kept: set[int] = set()
        for place, line in enumerate(self.every):
            if only.keeps(line):
                kept |= set(range(place - only.around, place + only.around + 1))
        return kept

    def _maybe_wait(self, pattern: re.Pattern[str] | None, should_stop: Callable[[], bool]) -> None:
        """Search for a pattern without an end, until somebody has had enough."""
        if pattern is None or not self._logs.is_endless:
            return
        pause = threading.Event()
        while not should_stop():
            pause.wait(0.005)
        raise SearchStoppedError
