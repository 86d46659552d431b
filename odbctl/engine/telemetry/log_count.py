"""Counting the lines in which something is found, and telling which of them one is.

For the thread that pages through the logs: counted are the files as it last looked at them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable

from odbctl.engine.telemetry.log_chain import Chain
from odbctl.engine.telemetry.log_find import SearchStoppedError, Wanted, hits_in
from odbctl.engine.telemetry.log_lines import moved_back
from odbctl.engine.telemetry.log_link import BEGINNING, Place
from odbctl.engine.telemetry.log_position import Position

# So many finds are remembered with their places; more are not counted.
MOST_PLACES = 500_000


class MatchCounter:
    """Counts matching lines, bit by bit, and goes on as lines come. For the pages' thread."""

    def __init__(self, chains: list[Chain], wanted: Wanted) -> None:
        self._chains = chains  # grows
        self._wanted = wanted
        self._done: list[Place] = []
        self._was_at_end: list[bool] = []
        self._hits: list[dict[int, array[int]]] = []
        self._kept = 0
        self.is_complete = False

    @property
    def total(self) -> int:
        """How many lines match, of those that were looked at."""
        return sum(len(hits) for by_file in self._hits for hits in by_file.values())

    @property
    def is_full(self) -> bool:
        """Whether there are more than are remembered."""
        return self._kept >= MOST_PLACES

    def advance(self, should_stop: Callable[[], bool]) -> bool:
        """Go on until `should_stop`, or all is counted; tell whether anything was new."""
        before = (self.total, self.is_complete)
        self.is_complete = False
        try:
            for index, chain in enumerate(self._chains):
                self._advance_in(index, chain, should_stop)
            self.is_complete = True
        except SearchStoppedError:
            pass  # the rest another time
        return before != (self.total, self.is_complete)

    def rank(self, position: Position) -> int:
        """Return how many matching lines lie before a position."""
        count = 0
        for index, by_file in enumerate(self._hits):
            place = position.of(index)
            for number, hits in by_file.items():
                if number < place.number:
                    count += len(hits)
                elif number == place.number:
                    count += bisect_left(hits, place.offset)
        return count

    def _advance_in(self, index: int, chain: Chain, should_stop: Callable[[], bool]) -> None:
        while len(self._done) <= index:
            self._done.append(BEGINNING)
            self._was_at_end.append(False)
            self._hits.append({})
        by_file = self._hits[index]
        for number in by_file.keys() - chain.numbers:
            self._kept -= len(by_file.pop(number))
        if self.is_full:
            return
        if self._was_at_end[index] and self._done[index] != chain.end:
            self._step_back(index, chain)
        for place, hits in hits_in(chain, self._done[index], self._wanted, should_stop):
            by_file.setdefault(place.number, array("q")).extend(hits)
            self._kept += len(hits)
            self._done[index] = place
            if self._kept >= MOST_PLACES:
                return
        self._was_at_end[index] = True

    def _step_back(self, index: int, chain: Chain) -> None:
        """Look again at the last lines, which a filter may show around what has come."""
        self._was_at_end[index] = False
        context = self._wanted.context
        if context is None:
            return
        place = moved_back(chain, self._done[index], context.around)
        for number, hits in self._hits[index].items():
            if number >= place.number:
                keep = bisect_left(hits, place.offset) if number == place.number else 0
                self._kept -= len(hits) - keep
                del hits[keep:]
        self._done[index] = place
