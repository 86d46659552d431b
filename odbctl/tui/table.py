"""A table that draws only the lines that changed.

Textual's line API: `render_line` is asked for visible lines alone, so its
cost does not grow with the rows. The cursor is the key of a row, never a
position: when rows come, go or move, it stays on the object that was chosen.
Runs in the dashboard's event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from odbctl.tui.arrange import Keyed
from odbctl.tui.columns import Column, ColumnSpec, columns_for
from odbctl.tui.drawn_table import DrawnTable, Line
from odbctl.tui.keymap import identified
from odbctl.tui.paint import NOTHING, Cell, Tone

Row = TypeVar("Row", bound=Keyed)


class RowTable(DrawnTable, Generic[Row], can_focus=True):
    """Rows under a header that stays; columns depend on the width only."""

    DEFAULT_CSS = """
    RowTable { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1;
        scrollbar-background: $background; scrollbar-color: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = identified(
        [
            Binding("j,down", "move(1)", "Next row", show=False),
            Binding("k,up", "move(-1)", "Previous row", show=False),
            Binding("ctrl+f,pagedown", "page(1)", "Page down", show=False),
            Binding("ctrl+b,pageup", "page(-1)", "Page up", show=False),
            Binding("g,home", "edge(-1)", "First row", show=False),
            Binding("G,end", "edge(1)", "Last row", show=False),
        ]
    )

    # Actions that only move the cursor: a burst of their keys is not drawn key by key.
    MOVEMENTS: ClassVar[frozenset[str]] = frozenset({"move", "page", "edge"})

    class Moved(Message):
        """The cursor is on another row."""

        def __init__(self, table: Widget, key: str | None) -> None:
            super().__init__()
            self.table = table
            self.key = key

    class Chosen(Message):
        """Enter was pressed on a row, or it was clicked while under the cursor."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(
        self,
        specs: tuple[ColumnSpec, ...],
        cells_of: Callable[[Row, float], Mapping[str, Cell]],
        *,
        id: str | None = None,  # noqa: A002 - Textual's name for it
        is_passive: bool = False,
    ) -> None:
        """Store how rows become cells.

        Args:
            specs: The columns.
            cells_of: Makes the cells of a row, by column, from the row and the time.
            id: Of the widget.
            is_passive: Without a cursor: a table to look at.
        """
        super().__init__(id=id)
        self._specs = specs
        self._cells_of = cells_of
        self._rows: tuple[Row, ...] = ()
        self._now = 0.0
        self._empty = ""
        self._cursor = 0
        self._columns: tuple[Column, ...] = ()
        self._columns_key = (-1, False, 0)
        self._marks: frozenset[str] = frozenset()
        self._is_wide = False
        self._skipped = 0
        self._painted: dict[int, Line] = {}
        self.lines_rendered = 0
        self._is_passive = is_passive
        self.can_focus = not is_passive

    @property
    def cursor_key(self) -> str | None:
        """The key of the row under the cursor."""
        return self._rows[self._cursor].key if self._rows else None

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows that are shown, in their order."""
        return self._rows

    @property
    def cursor_index(self) -> int:
        """The place of the row under the cursor, among those that are in sight too."""
        return self._cursor - int(self.scroll_offset.y)

    def painted_line(self, y: int) -> Line | None:
        """Return what was drawn last at a line of the table."""
        return self._painted.get(y)

    @property
    def cursor_row(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self._cursor] if self._rows else None

    def show_rows(self, rows: Sequence[Row], now: float, *, empty: str = "") -> None:
        """Show other rows, or the same at another time; what did not change is not drawn.

        Args:
            rows: In the order that they are shown in.
            now: Seconds since the epoch, for ages.
            empty: What to say when there are no rows.
        """
        before = self.cursor_key
        is_longer = len(rows) != len(self._rows)
        self._rows = tuple(rows)
        self._now = now
        self._empty = empty
        keys = [row.key for row in self._rows]
        if before in keys:
            self._cursor = keys.index(before)
        self._cursor = max(0, min(self._cursor, len(keys) - 1))
        if is_longer:
            self.virtual_size = Size(0, len(self._rows) + 1)
        self._refresh_changed()
        if self.cursor_key != before:
            self._tell_moved()

    def move_to(self, index: int) -> None:
        """Put the cursor on a row, and into sight."""
        if not self._rows or self._is_passive:
            return
        index = max(0, min(index, len(self._rows) - 1))
        if index != self._cursor:
            self._cursor = index
            self._tell_moved()
        self._scroll_to_cursor()
        self._refresh_changed()

    def action_move(self, step: int) -> None:
        """Move the cursor by rows."""
        self.move_to(self._cursor + step)

    def action_page(self, step: int) -> None:
        """Move the cursor by pages."""
        self.move_to(self._cursor + step * max(self.size.height - 2, 1))

    def action_edge(self, side: int) -> None:
        """Move the cursor to the first or the last row."""
        self.move_to(0 if side < 0 else len(self._rows) - 1)

    def action_choose(self) -> None:
        """Say that the row under the cursor was chosen."""
        if self.cursor_key is not None:
            self.post_message(self.Chosen(self.cursor_key))

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the row that was clicked; a second click chooses it."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y == 0 or self._is_passive:
            return
        index = offset.y - 1 + self.scroll_offset.y
        if index >= len(self._rows):
            return
        if index == self._cursor:
            self.action_choose()
        else:
            self.move_to(index)

    def on_resize(self) -> None:
        """Keep the cursor in sight when the table becomes smaller."""
        if self._rows and not self._is_passive:
            self._scroll_to_cursor()

    def render_line(self, y: int) -> Strip:
        """Draw one visible line."""
        line = self._line_at(y)
        self._painted[y] = line
        self.lines_rendered += 1
        return self.strip(line, self.columns)

    def _tell_moved(self) -> None:
        if not self._is_passive:
            self.post_message(self.Moved(self, self.cursor_key))

    def _scroll_to_cursor(self) -> None:
        visible_rows = max(self.size.height - 1, 1)
        top = self.scroll_offset.y
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False)
        elif self._cursor >= top + visible_rows:
            self.scroll_to(y=self._cursor - visible_rows + 1, animate=False)

    def header_cell(self, column: Column) -> Cell:
        """Return what the header says of a column."""
        return Cell(column.name)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns there is room for."""
        key = (self.line_width, self._is_wide, self._skipped)
        if key != self._columns_key:
            self._columns_key = key
            self._columns = columns_for(self._specs, *key)
        return self._columns

    def _refresh_changed(self) -> None:
        for y in range(self.size.height):
            if self._painted.get(y) != self._line_at(y):
                self.refresh_line(y + self.scroll_offset.y)

    def _line_at(self, y: int) -> Line:
        columns = self.columns
        if y == 0:
            return Line(tuple(map(self.header_cell, columns)), is_header=True)
        index = y - 1 + self.scroll_offset.y
        if index >= len(self._rows):
            is_first = index == 0 and self._empty
            return Line(
                (Cell(self._empty, Tone.MUTED),) if is_first else (), is_text=bool(is_first)
            )
        row = self._rows[index]
        cells = self._cells_of(row, self._now)
        return Line(
            tuple(cells.get(column.name, NOTHING) for column in columns),
            is_cursor=index == self._cursor and not self._is_passive,
            is_marked=row.key in self._marks,
        )
