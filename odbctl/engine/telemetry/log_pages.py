"""Paging through the logs of a service: several instances as one text, merged by time.

A `Position` is a place in each source, so nothing is counted or indexed first: the end of
a log of any size is shown at once, and a page costs what is on it. Sources never lose
their place when another's clock is wrong: only the order between sources goes by time.

One thread of any process; `refresh()` looks for what is new, everything else works on
what was there at the last look.
"""

from __future__ import annotations

import heapq
import re
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from math import inf, nextafter
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from odbctl.engine.telemetry.log_count import MatchCounter
from odbctl.engine.telemetry.log_filter import (
    EVERYTHING,
    LineFilter,
    filtered_backward,
    filtered_forward,
    is_shown,
)
from odbctl.engine.telemetry.log_find import (
    SearchStoppedError,
    Wanted,
    found_backward,
    found_forward,
    never,
)
from odbctl.engine.telemetry.log_format import decode
from odbctl.engine.telemetry.log_lanes import LaneChoice, Lanes
from odbctl.engine.telemetry.log_lines import PageLine
from odbctl.engine.telemetry.log_position import Found, Position
from odbctl.engine.telemetry.log_span import LONGEST_LINE_BYTES, SOURCES
from odbctl.engine.telemetry.log_time import place_at


class Look(NamedTuple):
    """What a look at the files has brought."""

    is_changed: bool
    new_lines: int


class LogPages:
    """The pages; a context manager."""

    def __init__(
        self,
        logs: Path,
        service: str,
        *,
        instances: Iterable[str] | None = None,
        is_growing: bool = True,
        also: Iterable[LaneChoice] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Store whose logs; nothing is read.

        Args:
            logs: The folder of all logs.
            service: The service.
            instances: Of these only; None for all that have logs.
            is_growing: Take in instances that appear later.
            also: What else to merge by time.
            clock: Monotonic seconds.
        """
        named = None if instances is None else tuple(instances)
        choices = (LaneChoice(service, named, is_growing), *also)
        self._lanes = Lanes(logs, choices, clock=clock)
        self._chains = self._lanes.chains

    def __enter__(self) -> Self:
        self._lanes.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lanes.close()

    @property
    def lanes(self) -> tuple[str, ...]:
        """The instances, in the order in which they were first seen; none is ever taken out."""
        return tuple(self._lanes.names)

    def lane_of(self, line: PageLine) -> int:
        """Return whose a line is, as an index of `lanes`."""
        return line.chain // len(SOURCES)

    @property
    def notices(self) -> tuple[str, ...]:
        """What is no longer as it was when the log was opened."""
        return self._lanes.notices

    @property
    def end(self) -> Position:
        """Behind the newest line."""
        return Position(tuple(chain.end for chain in self._chains))

    @property
    def start(self) -> Position:
        """Before the oldest line."""
        return Position(tuple(chain.start for chain in self._chains))

    @property
    def is_empty(self) -> bool:
        """Whether there is not one line."""
        return not self.backward(self.end, 1)

    def fraction(self, position: Position) -> float:
        """Return how much lies before a position, from 0 to 1, roughly."""
        whole = sum(chain.bytes_before(chain.end) for chain in self._chains)
        before = sum(c.bytes_before(position.of(i)) for i, c in enumerate(self._chains))
        return min(1.0, before / whole) if whole else 1.0

    def refresh(self) -> Look:
        """Look for what is new: lines, files, instances."""
        before, count_before = self.end, len(self._chains)
        new_lines = self._lanes.refresh()
        is_changed = self.end != before or len(self._chains) != count_before
        return Look(is_changed, new_lines)

    def forward(
        self,
        position: Position,
        count: int | None,
        only: LineFilter = EVERYTHING,
        should_stop: Callable[[], bool] = never,
    ) -> list[PageLine]:
        """Return the lines behind a position, first to last.

        Args:
            position: Behind what.
            count: How many at most.
            only: Which lines.
            should_stop: Asked often while a filter finds nothing.

        Raises:
            SearchStoppedError: `should_stop` said so.
        """
        return list(islice(self.lines(position, only, should_stop), count))

    def lines(
        self,
        position: Position,
        only: LineFilter = EVERYTHING,
        should_stop: Callable[[], bool] = never,
    ) -> Iterator[PageLine]:
        """Yield the lines behind a position; not across a `refresh()`."""
        return heapq.merge(
            *(
                filtered_forward(
                    chain, position.of(index), only, index=index, should_stop=should_stop
                )
                for index, chain in enumerate(self._chains)
            ),
            key=attrgetter("at"),
        )

    def backward(
        self,
        position: Position,
        count: int,
        only: LineFilter = EVERYTHING,
        should_stop: Callable[[], bool] = never,
    ) -> list[PageLine]:
        """Return the lines before a position, first to last; as `forward`."""
        streams = [
            filtered_backward(chain, position.of(index), only, index=index, should_stop=should_stop)
            for index, chain in enumerate(self._chains)
        ]
        # Last to first, and of equal times the last source first: the reverse of `lines`.
        found = heapq.merge(*reversed(streams), key=attrgetter("at"), reverse=True)
        return list(islice(found, count))[::-1]

    def at_time(self, at: float) -> Position:
        """Return the position before the first lines that are not older than a time."""
        return Position(tuple(place_at(chain, at) for chain in self._chains))

    def find(
        self,
        position: Position,
        pattern: re.Pattern[str],
        *,
        is_backward: bool = False,
        only: LineFilter = EVERYTHING,
        should_stop: Callable[[], bool] = never,
    ) -> Found | None:
        """Return the next line in whose text a pattern is found, or the last one before.

        Args:
            position: Behind what, or before what.
            pattern: The pattern.
            is_backward: Whether to look before the position.
            only: Among the lines that this shows.
            should_stop: Asked often.

        Raises:
            SearchStoppedError: `should_stop` said so.
        """
        found: list[PageLine] = []
        look = found_backward if is_backward else found_forward
        for index, chain in enumerate(self._chains):
            wanted = self._wanted_in(pattern, only)
            lines = look(chain, position.of(index), wanted, index=index, should_stop=should_stop)
            found += islice(lines, 1)
        if not found:
            return None
        if is_backward:
            line = max(found, key=lambda line: (line.at, line.chain))
        else:
            line = min(found, key=lambda line: (line.at, line.chain))
        return Found(line, self.position_of(line))

    def is_shown(self, line: PageLine, only: LineFilter) -> bool:
        """Tell whether a filter shows a line, perhaps as one of those around."""
        return is_shown(self._chains[line.chain], line, only)

    def position_of(self, line: PageLine) -> Position:
        """Return the position just before a line, by the times of the other sources."""
        later = nextafter(line.at, inf)
        places = [
            place_at(chain, later if index < line.chain else line.at)
            for index, chain in enumerate(self._chains)
        ]
        places[line.chain] = line.start
        return Position(tuple(places))

    def counter(self, pattern: re.Pattern[str], only: LineFilter = EVERYTHING) -> MatchCounter:
        """Return what counts the lines that `find` finds."""
        return MatchCounter(self._chains, self._wanted_in(pattern, only))

    def whole_text(self, line: PageLine) -> str:
        """Return the text of a line, however long, as far as it can be read yet."""
        if line.size <= len(line.raw):
            return line.text
        chain = self._chains[line.chain]
        for part in chain.parts(line.start):
            raw = part.span.read(line.start.offset, line.end.offset)[:LONGEST_LINE_BYTES]
            return decode(raw.removesuffix(b"\n")[-line.size :])
        return line.text

    def _wanted_in(self, pattern: re.Pattern[str], only: LineFilter) -> Wanted:
        wanted = Wanted.matching(pattern)
        if only.is_all:
            return wanted
        if only.around:
            return wanted._replace(context=only)

        def test(line: PageLine) -> bool:
            return (wanted.test is None or wanted.test(line)) and only.keeps(line)

        return Wanted(wanted.probe, test)


__all__ = [
    "EVERYTHING",
    "Found",
    "LineFilter",
    "LogPages",
    "Look",
    "MatchCounter",
    "PageLine",
    "Position",
    "SearchStoppedError",
]
