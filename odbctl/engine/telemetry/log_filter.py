"""Filtering the lines of a chain: by a pattern and a level, with lines around them.

The lines around are those of the same file, as with `grep -C`, so a filter gives the same
lines in either direction and from any place. Any process that pages through logs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from odbctl.engine.telemetry.log_chain import Chain
from odbctl.engine.telemetry.log_find import (
    Probe,
    Wanted,
    found_backward,
    found_forward,
    is_in,
    never,
)
from odbctl.engine.telemetry.log_lines import PageLine, backward, forward, moved_back, moved_on
from odbctl.engine.telemetry.log_link import Place
from odbctl.engine.telemetry.log_reader import RAW_LEVELS
from odbctl.engine.telemetry.log_records import names_from, rank_of
from odbctl.engine.telemetry.log_span import LOG

_LINES_PER_LOOK = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFilter:
    """Which lines are shown; by default all.

    Attributes:
        pattern: In whose text it is found.
        is_without: In whose text it is not found instead.
        level: That matter at least as much.
        around: So many lines before and after each, too.
    """

    pattern: re.Pattern[str] | None = None
    is_without: bool = False
    level: str | None = None
    around: int = 0

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self.pattern is None and self.level is None

    def keeps(self, line: PageLine) -> bool:
        """Tell whether a line is shown for its own sake."""
        if self.pattern is not None and is_in(self.pattern, line) == self.is_without:
            return False
        return self.level is None or rank_of(line.level) >= rank_of(self.level)

    def wanted(self, source: str) -> Wanted:
        """Return what finds such lines in a source."""
        if self.pattern is not None and not self.is_without:
            wanted = Wanted.matching(self.pattern)
            return wanted if self.level is None else Wanted(wanted.probe, self.keeps)
        return Wanted(self._level_probe(source), self.keeps)

    def _level_probe(self, source: str) -> Probe:
        """Look for the names of levels, and objects that may have one of their own."""
        if self.level is None or rank_of(self.level) <= rank_of("INFO"):
            return Probe(is_any=True)
        if source != LOG:
            is_enough = rank_of(RAW_LEVELS[source][1]) >= rank_of(self.level)
            return Probe(is_any=True) if is_enough else Probe(finder=re.compile(rb"(?m)^\{"))
        return Probe(levels=tuple(f"{name} ".encode() for name in names_from(self.level)))


EVERYTHING = LineFilter()


def filtered_forward(
    chain: Chain,
    place: Place,
    only: LineFilter = EVERYTHING,
    *,
    index: int = 0,
    should_stop: Callable[[], bool] = never,
) -> Iterator[PageLine]:
    """Yield the lines behind a place that a filter keeps, first to last.

    Raises:
        SearchStoppedError: `should_stop` said so.
    """
    if only.is_all:
        yield from forward(chain, place, index)
        return
    start = moved_back(chain, place, only.around)
    found = found_forward(
        chain, start, only.wanted(chain.source), index=index, should_stop=should_stop
    )
    if only.around == 0:
        yield from found
        return
    done = place
    for line in found:
        begin = max(done, moved_back(chain, line.start, only.around))
        until = moved_on(chain, line.end, only.around)
        for shown in forward(chain, begin, index) if begin < until else ():
            if shown.start >= until:
                break
            yield shown
            done = shown.end


def filtered_backward(
    chain: Chain,
    place: Place,
    only: LineFilter = EVERYTHING,
    *,
    index: int = 0,
    should_stop: Callable[[], bool] = never,
) -> Iterator[PageLine]:
    """Yield the lines before a place that a filter keeps, last to first; as above."""
    if only.is_all:
        yield from backward(chain, place, index)
        return
    stop = moved_on(chain, place, only.around)
    found = found_backward(
        chain, stop, only.wanted(chain.source), index=index, should_stop=should_stop
    )
    if only.around == 0:
        yield from found
        return
    done = place
    for line in found:
        until = min(done, moved_on(chain, line.end, only.around))
        begin = moved_back(chain, line.start, only.around)
        for shown in backward(chain, until, index) if begin < until else ():
            if shown.start < begin:
                break
            yield shown
            done = shown.start


def is_shown(chain: Chain, line: PageLine, only: LineFilter) -> bool:
    """Tell whether a filter shows a line, for its own sake or as one of those around."""
    if only.is_all or only.keeps(line):
        return True
    before = islice(backward(chain, line.start), only.around)
    behind = islice(forward(chain, line.end), only.around)
    return any(map(only.keeps, (*before, *behind)))
