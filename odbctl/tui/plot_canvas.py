"""Dots of braille, two by four to a cell. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from odbctl.tui.paint import Cell, Tone

# Bits of a braille cell, by column and by dot from the top.
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
# By column, and by the lowest and the highest dot that are set, counted from below.
_RUNS = tuple(
    tuple(
        tuple(sum(dots[3 - dot] for dot in range(low, high + 1)) for high in range(4))
        for low in range(4)
    )
    for dots in _DOTS
)
_BRAILLE = 0x2800
_LIMIT = "╌"

Line = tuple[Cell, ...]


class Point(NamedTuple):
    """A value at a time; what is no finite number is no data."""

    at: float
    value: float


class Canvas:
    """Dots, from below, in columns."""

    def __init__(self, width: int, rows: int, *, is_area: bool) -> None:
        self._is_area = is_area
        self._columns = max(width, 0) * 2
        self._dots = rows * 4
        self._spans: list[tuple[int, int] | None] = [None] * self._columns

    def draw(
        self, points: Sequence[Point], *, since: float, until: float, top: float, gap_seconds: float
    ) -> None:
        """Draw a series; a column keeps the lowest and the highest dot of its own."""
        span = until - since
        # Never less than a column lasts, or a wide view would be nothing but gaps.
        longest = max(gap_seconds, 1.5 * span / max(self._columns, 1))
        before: tuple[Point, int, int] | None = None
        for point in points:
            share = (point.at - since) / span if span > 0 else 1.0
            column = max(0, min(self._columns - 1, int(share * self._columns)))
            dot = self._dot(point.value, top)
            if before is not None and point.at - before[0].at <= longest:
                self._join(before[1], before[2], column, dot)
            self._put(column, 0 if self._is_area else dot, dot)
            before = (point, column, dot)

    def _dot(self, value: float, top: float) -> int:
        return max(0, min(self._dots - 1, round(value / top * (self._dots - 1))))

    def _join(self, column: int, dot: int, to_column: int, to_dot: int) -> None:
        for place in range(column + 1, to_column + 1):
            share = (place - column) / (to_column - column)
            here = round(dot + (to_dot - dot) * share)
            last = round(dot + (to_dot - dot) * (place - 1 - column) / (to_column - column))
            # The next column begins one dot further, so that a slope is one line.
            step = (here > last) - (here < last)
            self._put(place, min(last + step, here), max(last + step, here))
            if self._is_area:
                self._put(place, 0, here)

    def _put(self, column: int, low: int, high: int) -> None:
        known = self._spans[column]
        if known is not None:
            low, high = min(low, known[0]), max(high, known[1])
        self._spans[column] = (low, high)

    def cells(self, row: int, *, is_limit: bool) -> Line:
        """Return a row of cells, neighbours of one tone as one."""
        bottom = self._dots - 4 * (row + 1)
        runs: list[tuple[str, Tone]] = []
        for column in range(0, self._columns, 2):
            bits = self._bits(column, 0, bottom) | self._bits(column + 1, 1, bottom)
            mark, tone = (chr(_BRAILLE + bits), Tone.BUSY) if bits else (" ", Tone.PLAIN)
            if is_limit and not bits:
                mark, tone = _LIMIT, Tone.WARN
            if runs and runs[-1][1] is tone:
                runs[-1] = (runs[-1][0] + mark, tone)
            else:
                runs.append((mark, tone))
        return tuple(Cell(text, tone) for text, tone in runs)

    def _bits(self, column: int, side: int, bottom: int) -> int:
        """Return the bits of a column in the cell whose lowest dot is `bottom`."""
        span = self._spans[column]
        if span is None or span[0] > bottom + 3 or span[1] < bottom:
            return 0
        return _RUNS[side][max(span[0] - bottom, 0)][min(span[1] - bottom, 3)]
