"""The current line of a log: the one that enter, copy and search act on."""

from __future__ import annotations

from odbctl.engine.api.log_pages import PageLine, Position
from odbctl.tui.logs.scrolled import ScrolledLines


class CursorLines(ScrolledLines):
    """Lines with a cursor on one of them, which is always on the screen.

    While the end is followed the cursor is on the last line; anywhere else it pauses.
    """

    _cursor: PageLine | None = None

    @property
    def current(self) -> PageLine | None:
        """The line under the cursor; None if no line is shown."""
        if not self._rows:
            return None
        if self.is_following:
            return self._rows[-1]
        return self._cursor if self._cursor in self._rows else self._rows[0]

    @property
    def cursor_lines(self) -> tuple[int, int]:
        """The first line of the screen that the current line takes, and how many it takes.

        The first is negative if the current line begins above the screen.
        """
        current, first = self.current, -self._skip
        for row in self._rows:
            lines = self._lines_of(row)
            if row == current:
                return first, lines
            first += lines
        return 0, 0

    def step(self, count: int) -> None:
        """Move the cursor by lines of the log, down or up; scroll only if it has to."""
        for _ in range(abs(count)):
            if (current := self.current) is None:
                return
            if count > 0:
                self._step_down(current)
            else:
                self._step_up(current)

    def move(self, count: int) -> None:
        """Scroll by lines of the screen; the cursor stays on its line while that is shown."""
        current = self.current
        super().move(count)
        if current in self._rows:
            self._cursor = current
        elif count < 0 and self._rows:
            self._cursor = self._rows[-1]
        else:
            self._cursor = None

    def page(self, count: int) -> None:
        """Move by pages; the cursor stays where it is on the screen, or goes to the edge."""
        place = (self._top, self._skip)
        row = self._rows.index(current) if (current := self.current) is not None else 0
        super().page(count)
        if count < 0 and (self._top, self._skip) == place:
            self.show_start()
        elif not self.is_following and self._rows:
            self._cursor = self._rows[min(row, len(self._rows) - 1)]

    def show_start(self) -> None:
        """Put the cursor on the first line."""
        super().show_start()
        if self._rows:
            self._put_cursor(self._rows[0])

    def go_to_time(self, at: float) -> None:
        """Put the cursor on the first line that is not older than a time."""
        super().go_to_time(at)
        found = self._behind(self.source.at_time(at), 1)
        if found and found[0] in self._rows:
            self._put_cursor(found[0])

    def _show_again(self) -> None:
        current = self.current
        if self.is_following or current is None:
            super()._show_again()
            return
        position = self._position_of(current)
        super()._show_again()
        if current not in self._rows:
            self.show_from(position)
            self._move_up(max(self.height - self._lines_of(current), 0))
        self._put_cursor(current)
        self._scroll_to_cursor()

    def _put_cursor(self, row: PageLine) -> None:
        """Put the cursor on a line that is shown; anywhere but at the end it pauses."""
        self._cursor = row
        if row != self._rows[-1]:
            self._pause()

    def _position_of(self, row: PageLine) -> Position:
        """Return the position before a line that is shown."""
        position = self._top
        for line in self._rows:
            if line == row:
                break
            position = position.after(line)
        # Lines that a filter leaves out before it do not belong to this place.
        return position.before(row)

    def _step_down(self, current: PageLine) -> None:
        if self.is_following:
            return
        self._cursor = current
        first, lines = self.cursor_lines
        if first + lines > self.height:  # the rest of it, first
            self._move_down(1)
            return
        place = self._rows.index(current) + 1
        if place == len(self._rows):
            for row in self._behind(self._bottom, 1):
                self._rows.append(row)
                self._bottom = self._bottom.after(row)
        if place < len(self._rows):
            self._cursor = self._rows[place]
            self._scroll_to_cursor()
        first, lines = self.cursor_lines
        is_last = self.current == self._rows[-1] and first + lines <= self.height
        if is_last and not self._behind(self._bottom, 1):
            self.show_end()

    def _step_up(self, current: PageLine) -> None:
        self._cursor = current
        first, _ = self.cursor_lines
        if first < 0:  # the rest of it, first
            self._move_up(1)
            return
        place = self._rows.index(current)
        if place:
            self._put_cursor(self._rows[place - 1])
            first, lines = self.cursor_lines
            self._move_up(max(min(-first, self.height - first - lines), 0))
        else:
            for row in self._before(self._top, 1):
                self._cursor = row
                self._move_up(min(self._lines_of(row), self.height))

    def _scroll_to_cursor(self) -> None:
        """Scroll as little as shows the current line; of a long one, its beginning."""
        first, lines = self.cursor_lines
        if first < 0:
            self._move_up(-first)
        elif (excess := first + lines - self.height) > 0:
            self._move_down(min(excess, first))
