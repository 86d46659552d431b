"""The pager: which lines of a log are on the screen, and what keys do to that.

It holds a screenful of lines and the positions before and behind them, nothing else, so
it takes the same memory whatever the log's size. It follows at the end only; elsewhere it
holds still and counts what comes. For the one thread that opened the source; a search or
a filter that finds nothing is stopped by `should_stop`, and then nothing has changed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from odbctl.engine.api.log_pages import (
    LineFilter,
    PageLine,
    Position,
    SearchStoppedError,
    never,
)
from odbctl.tui.logs.cursor import CursorLines
from odbctl.tui.logs.frame import LogFrame
from odbctl.tui.logs.layout import LineStyle, Times
from odbctl.tui.logs.source import Counter, LogSource
from odbctl.tui.logs.words import filter_text

NO_LINES = "No log lines yet"
NO_LINES_OF_FILTER = "No line matches the filter; esc shows all"
# Where on the screen a line is put that was searched for.
FOUND_AT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterPlace:
    """The place that a person looked at as a filter was set; kept until they move.

    Attributes:
        position: Before the current line.
        row: How many lines were above it on the screen.
        shown_top: The position before the first line that the filter shows.
        current: The line that the filter shows there.
    """

    position: Position
    row: int
    shown_top: Position
    current: PageLine | None


class LogPager(CursorLines):
    """One screen on a log."""

    def __init__(
        self,
        source: LogSource,
        *,
        style: LineStyle | None = None,
        height: int = 24,
        clock: Callable[[], float] = time.time,
        should_stop: Callable[[], bool] = never,
    ) -> None:
        """Store what is shown; `show_end` shows it.

        Args:
            source: The opened logs.
            style: How lines are shown.
            height: Lines of the screen.
            clock: Seconds since the epoch.
            should_stop: Tells a long search that nobody waits for it.
        """
        super().__init__(
            source, style or LineStyle(), height=max(height, 1), should_stop=should_stop
        )
        self._clock = clock
        self._match_at = Position()
        self._counter: Counter | None = None
        self._filter_place: FilterPlace | None = None

    # What keys do.

    def set_filter(self, only: LineFilter) -> None:
        """Show only some lines.

        Raises:
            SearchStoppedError: It was stopped; what was shown before stays.
        """
        before = (
            *(self.only, self._cursor, self._rows, self._top, self._bottom, self._skip),
            self.is_following,
        )
        place = self._filter_place
        if place is None or (place.shown_top, place.current) != (self._top, self.current):
            place = self._current_place()
        self.only = only
        try:
            self._show_again() if before[-1] else self._show_place(place)
        except SearchStoppedError:
            self.only, self._cursor, self._rows, self._top, self._bottom, self._skip = before[:-1]
            self.is_following = before[-1]
            raise
        self._filter_place = (
            None if self.is_following else replace(place, shown_top=self._top, current=self.current)
        )
        self._recount()

    def _current_place(self) -> FilterPlace:
        """Return where the current line is, and how far down the screen."""
        current = self.current
        return FilterPlace(
            position=self._top if current is None else self._position_of(current),
            row=0 if current is None else self._rows.index(current),
            shown_top=self._top,
            current=current,
        )

    def _show_place(self, place: FilterPlace) -> None:
        """Show a place where it was on the screen, and stay there, even at the end."""
        position = place.position
        for row in reversed(self._before(position, place.row)):
            position = position.before(row)
        self.show_from(position)
        self._pause()
        found = self._behind(place.position, 1)
        if self._rows:
            self._put_cursor(found[0] if found and found[0] in self._rows else self._rows[-1])

    def search(self, pattern: re.Pattern[str] | None) -> None:
        """Look for a pattern from the current line on, then above; None ends it.

        While the end is followed, the search begins at the top of the screen.

        Raises:
            SearchStoppedError: It was stopped.
        """
        self._match = None
        self.style = replace(self.style, pattern=pattern)
        self._recount()
        if pattern is not None:
            current = None if self.is_following else self.current
            start = self._top if current is None else self._position_of(current)
            self._find(start, pattern, is_backward=False)

    def find_next(self, *, is_backward: bool) -> None:
        """Go to the next match after the current line, or the one before it; around the end.

        Raises:
            SearchStoppedError: It was stopped.
        """
        if (pattern := self.style.pattern) is None:
            self.message = "nothing to search for: type /"
            return
        if (current := self.current) is None:
            start = self._top
        else:
            start = self._position_of(current)
            # In the place of a match that the filter hides, a match may stand itself.
            is_replaced = self._match is not None and not self.source.is_shown(
                self._match, self.only
            )
            if not is_backward and not is_replaced:
                start = start.after(current)
        self._find(start, pattern, is_backward=is_backward)

    # What comes by itself.

    def tick(self) -> bool:
        """Look for what is new; return whether anything is."""
        notices = self.source.notices
        look = self.source.refresh()
        if not look.is_changed:
            return notices != self.source.notices
        if self.is_following:
            self._read_on()
        elif self.only.is_all:
            self._new_lines += look.new_lines
            self._fill(is_only_below=True)
        else:
            self._count_new()
            self._fill(is_only_below=True)
        return True

    def count(self, should_stop: Callable[[], bool]) -> bool:
        """Go on counting what is searched for; return whether anything was new."""
        return self._counter is not None and self._counter.advance(should_stop)

    @property
    def is_counting(self) -> bool:
        """Whether there is more to count at once."""
        counter = self._counter
        return counter is not None and not counter.is_complete and not counter.is_full

    def frame(self) -> LogFrame:
        """Return what is to be drawn now."""
        self._bring_lanes_up_to_date()
        lines = [line for row in self._rows for line in self._laid_out(row)]
        placeholder = ""
        if not self._rows:
            placeholder = NO_LINES if self.only.is_all else NO_LINES_OF_FILTER
        return LogFrame(
            lines=tuple(lines[self._skip : self._skip + self.height]),
            is_following=self.is_following,
            new_lines=self._new_lines,
            fraction=self.source.fraction(self._bottom),
            search=self._search_text(),
            filtered=filter_text(self.only),
            times=self.style.times,
            is_wrapped=self.style.is_wrapped,
            notices=self.source.notices,
            message=self.message,
            placeholder=placeholder,
            current=self.current,
            cursor_lines=self.cursor_lines,
        )

    def whole_record(self, line: PageLine) -> str:
        """Return the text of a line; of a record of several lines, all of it."""
        first = line
        position = Position().before(line)
        if line.goes_on:
            for earlier in reversed(self._own(line, self.source.backward(position, 1000))):
                first = earlier
                if not earlier.goes_on:
                    break
        texts = [self.source.whole_text(first)]
        rest = self.source.forward(Position().after(first), 1000)
        for later in self._own(line, rest):
            if not later.goes_on:
                break
            texts.append(self.source.whole_text(later))
        return "\n".join(texts)

    def _own(self, line: PageLine, lines: list[PageLine]) -> list[PageLine]:
        return [other for other in lines if other.chain == line.chain]

    def _count_new(self) -> None:
        end = self.source.end
        lines = self.source.lines(self._counted, self.only, self._should_stop)
        self._new_lines += sum(1 for _ in lines)
        self._counted = end

    # Searching.

    def _find(self, start: Position, pattern: re.Pattern[str], *, is_backward: bool) -> None:
        found = self._found(start, pattern, is_backward=is_backward)
        self.message = ""
        if found is None:
            edge = self.source.end if is_backward else self.source.start
            found = self._found(edge, pattern, is_backward=is_backward)
            if found is not None:
                self.message = "continued at the end" if is_backward else "continued at the start"
        if found is None:
            self.message = f"not found: {pattern.pattern}"
            return
        self._match, self._match_at = found
        if self._match not in self._rows or self._is_hidden(self._match):
            above = self._before(self._match_at, self.height // FOUND_AT)
            position = self._match_at
            for row in reversed(above):
                position = position.before(row)
            self.show_from(position)
        self._pause()
        self._cursor = self._match
        self._scroll_to_cursor()
        self._pause()

    def _found(
        self, start: Position, pattern: re.Pattern[str], *, is_backward: bool
    ) -> tuple[PageLine, Position] | None:
        return self.source.find(
            start,
            pattern,
            is_backward=is_backward,
            only=self.only,
            should_stop=self._should_stop,
        )

    def _is_hidden(self, row: PageLine) -> bool:
        """Whether the first line of a row is above the screen."""
        return self._skip > 0 and bool(self._rows) and row == self._rows[0]

    def _recount(self) -> None:
        pattern = self.style.pattern
        self._counter = None if pattern is None else self.source.counter(pattern, self.only)

    def _search_text(self) -> str:
        if self.style.pattern is None or self._counter is None:
            return ""
        counter = self._counter
        more = "" if counter.is_complete and not counter.is_full else "+"
        place = ""
        if self._match is not None and self.source.is_shown(self._match, self.only):
            place = f"{counter.rank(self._match_at) + 1:,} of "
        return f"/{self.style.pattern.pattern}  {place}{counter.total:,}{more}"

    # Drawing.

    def _bring_lanes_up_to_date(self) -> None:
        now = self._clock() if self.style.times is Times.AGO else 0.0
        style = replace(self.style, lanes=self.source.lanes, now=now)
        if style != self.style:
            self.style = style
        if self.is_following and len(self._laid_with.lanes) != len(style.lanes):
            self._follow()
