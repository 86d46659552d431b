"""Positions in logs: a place in each source. Pure."""

from __future__ import annotations

from typing import NamedTuple

from odbctl.engine.telemetry.log_lines import PageLine
from odbctl.engine.telemetry.log_link import BEGINNING, Place


class Position(NamedTuple):
    """A place in each source; before all of those that have come since."""

    places: tuple[Place, ...] = ()

    def of(self, chain: int) -> Place:
        """Return the place in one source."""
        return self.places[chain] if chain < len(self.places) else BEGINNING

    def moved(self, chain: int, place: Place) -> Position:
        """Return the position with another place in one source."""
        missing = (BEGINNING,) * (chain + 1 - len(self.places))
        places = self.places + missing
        return Position((*places[:chain], place, *places[chain + 1 :]))

    def before(self, line: PageLine) -> Position:
        """Return the position with its source just before a line."""
        return self.moved(line.chain, line.start)

    def after(self, line: PageLine) -> Position:
        """Return the position with its source just after a line."""
        return self.moved(line.chain, line.end)


class Found(NamedTuple):
    """A line, and the position just before it, in the order of all sources."""

    line: PageLine
    position: Position
