"""Lines that are moved over: where the screen stands on a log, and following its end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from odbctl.engine.api.log_pages import EVERYTHING, LineFilter, PageLine, Position
from odbctl.tui.logs.held import HeldLines
from odbctl.tui.logs.layout import LineStyle
from odbctl.tui.logs.source import LogSource


class ScrolledLines(HeldLines):
    """Held lines of those that pass a filter; it follows at the end only."""

    def __init__(
        self, source: LogSource, style: LineStyle, *, height: int, should_stop: Callable[[], bool]
    ) -> None:
        """Store what is shown, as `LogPager` does."""
        super().__init__(source, style, height)
        self.only: LineFilter = EVERYTHING
        self.message = ""
        self.is_following: bool = True
        self._should_stop = should_stop
        self._new_lines: int = 0
        self._counted = Position()  # up to where new lines of a filter were counted

    def show_end(self) -> None:
        """Show the end, and follow."""
        end = self.source.end
        self._put(self._before(end, self.height), end)
        self._follow()

    def show_start(self) -> None:
        """Show the first lines."""
        self.show_from(self.source.start)

    def show_from(self, position: Position) -> None:
        """Show what lies behind a position; a last page is filled from above."""
        rows = self._behind(position, self.height)
        self._put(rows, position, is_top=True)
        self._pause()
        self._fill()

    def move(self, count: int) -> None:
        """Move by lines of the screen, down or up."""
        if count > 0:
            self._move_down(count)
        else:
            self._move_up(-count)

    def page(self, count: int) -> None:
        """Move by pages, two lines of which stay."""
        self.move(count * max(self.height - 2, 1))

    def go_to_time(self, at: float) -> None:
        """Show the first line that is not older than a time."""
        self.show_from(self.source.at_time(at))
        if not self.source.forward(self.source.at_time(at), 1, self.only, self._should_stop):
            self.message = "nothing was logged since then"

    def resize(self, width: int, height: int) -> None:
        """Fit to another screen; what was first, or last while it follows, stays."""
        height, width = max(height, 1), max(width, 1)
        if (width, height) == (self.style.width, self.height):
            return
        self.height = height
        self.restyle(replace(self.style, width=width))

    def restyle(self, style: LineStyle) -> None:
        """Show lines another way."""
        is_same_height = style.is_wrapped == self.style.is_wrapped and (
            style.width == self.style.width or not style.is_wrapped
        )
        self.style = style
        if not is_same_height:
            self._skip = 0
        self._show_again()

    def next_times(self) -> None:
        """Show times another way."""
        self.restyle(replace(self.style, times=self.style.times.following))

    def toggle_wrap(self) -> None:
        """Wrap long lines, or cut them."""
        self.restyle(replace(self.style, is_wrapped=not self.style.is_wrapped, left=0))

    def shift(self, cells: int) -> None:
        """Move sideways; wrapped lines have no side."""
        if not self.style.is_wrapped:
            self.restyle(replace(self.style, left=max(self.style.left + cells, 0)))

    @property
    def shown(self) -> tuple[PageLine, ...]:
        """The lines on the screen."""
        return tuple(self._rows)

    def _before(self, position: Position, count: int) -> list[PageLine]:
        return self.source.backward(position, count, self.only, self._should_stop)

    def _behind(self, position: Position, count: int) -> list[PageLine]:
        return self.source.forward(position, count, self.only, self._should_stop)

    def _show_again(self) -> None:
        """Read anew what is shown, after a change of how or which."""
        if self.is_following:
            self.show_end()
        else:
            skip = self._skip
            self.show_from(self._top)
            self._skip = min(skip, max(self._held_lines() - self.height, 0))

    def _move_down(self, count: int) -> None:
        if self.is_following:
            return
        more = self._behind(self._bottom, count + 1)  # one more tells whether this is the end
        for row in more:
            self._rows.append(row)
            self._bottom = self._bottom.after(row)
        self._skip += count
        if self._held_lines() - self._skip <= self.height and len(more) <= count:
            self.show_end()
            return
        self._drop_above()
        self._drop_below()

    def _move_up(self, count: int) -> None:
        before = (self._top, self._skip)
        missing = count - self._skip
        for row in reversed(self._before(self._top, missing) if missing > 0 else []):
            self._rows.appendleft(row)
            self._top = self._top.before(row)
            self._skip += self._lines_of(row)
        self._skip = max(self._skip - count, 0)
        self._drop_above()
        if (self._top, self._skip) != before:
            self._pause()
            self._drop_below()

    def _fill(self, *, is_only_below: bool = False) -> None:
        """Fill a screen that is not full, from below and then from above."""
        missing = self.height + self._skip - self._held_lines()
        if missing <= 0:
            self._drop_below()
            return
        for row in self._behind(self._bottom, missing):
            self._rows.append(row)
            self._bottom = self._bottom.after(row)
        if self._held_lines() - self._skip < self.height and not is_only_below:
            self.show_end()
        self._drop_below()

    # Following.

    def _follow(self) -> None:
        self.is_following = True
        self._new_lines = 0
        self._skip = max(self._held_lines() - self.height, 0)
        self._drop_above()

    def _pause(self) -> None:
        if self.is_following:
            self.is_following = False
            self._new_lines = 0
            self._counted = self.source.end

    def _read_on(self) -> None:
        """Show what has come; of a flood only the end is read, and nothing is lost by that."""
        if self.only.is_all:
            self.show_end()
            return
        end = self.source.end
        more = deque(self.source.lines(self._bottom, self.only, self._should_stop), self.height)
        self._rows += more
        self._bottom = end
        self._follow()
