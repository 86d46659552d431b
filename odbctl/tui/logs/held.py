"""The lines that a pager holds: a screenful, and the positions before and behind them."""

from __future__ import annotations

from collections import deque

from odbctl.engine.api.log_pages import PageLine, Position
from odbctl.tui.logs.layout import LineStyle, ScreenLine, screen_lines
from odbctl.tui.logs.source import LogSource


class HeldLines:
    """A stretch of a log; of its first line some of the screen's may be out of sight."""

    def __init__(self, source: LogSource, style: LineStyle, height: int) -> None:
        self.source = source
        self.style = style
        self.height = height
        self._rows: deque[PageLine] = deque()
        self._top: Position = Position()
        self._bottom: Position = Position()
        self._skip: int = 0  # of the first row so many lines are above the screen
        self._match: PageLine | None = None
        self._laid: dict[PageLine, tuple[ScreenLine, ...]] = {}
        self._laid_with = style

    def _put(self, rows: list[PageLine], position: Position, *, is_top: bool = False) -> None:
        """Hold other lines, which lie before a position, or behind it."""
        self._rows = deque(rows)
        self._top = self._bottom = position
        if is_top:
            for row in rows:
                self._bottom = self._bottom.after(row)
        else:
            for row in reversed(rows):
                self._top = self._top.before(row)
        self._skip = 0

    def _drop_above(self) -> None:
        while len(self._rows) > 1 and self._skip >= (lines := self._lines_of(self._rows[0])):
            self._top = self._top.after(self._rows.popleft())
            self._skip -= lines

    def _drop_below(self) -> None:
        excess = self._held_lines() - self._skip - self.height
        while len(self._rows) > 1 and excess >= (lines := self._lines_of(self._rows[-1])):
            self._bottom = self._bottom.before(self._rows.pop())
            excess -= lines

    def _held_lines(self) -> int:
        return sum(self._lines_of(row) for row in self._rows)

    def _lines_of(self, row: PageLine) -> int:
        return len(self._laid_out(row)) if self.style.is_wrapped else 1

    def _laid_out(self, row: PageLine) -> tuple[ScreenLine, ...]:
        if self.style != self._laid_with:
            self._laid.clear()
            self._laid_with = self.style
        is_marked = row == self._match
        if is_marked or (laid := self._laid.get(row)) is None:
            laid = screen_lines(row, self.source.lane_of(row), self.style, is_marked=is_marked)
            if is_marked:
                return laid
            if len(self._laid) > 4 * self.height:
                self._laid.clear()
            self._laid[row] = laid
        return laid
