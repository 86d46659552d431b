"""A table that a person can sort, filter, freeze, widen, mark and copy from.

Marks are keys of rows, as the cursor is: they stay on their objects whatever
the order, and only those count that are shown. Runs in the dashboard's event loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from odbctl.tui.arrange import Arrangement, Arranger, Keyed, Resource
from odbctl.tui.columns import Column, wide_order
from odbctl.tui.keymap import identified
from odbctl.tui.paint import NOTHING, Cell, Tone
from odbctl.tui.table import RowTable

Row = TypeVar("Row", bound=Keyed)
ASCENDING, DESCENDING = "▲", "▼"


class ResourceTable(RowTable[Row], Generic[Row]):
    """The rows of a resource, arranged as the person chose."""

    BINDINGS: ClassVar[list[BindingType]] = identified(
        [
            Binding("o", "sort", "Sort; arrows choose the column", show=False),
            Binding("Z", "freeze", "Freeze the order", show=False),
            Binding("exclamation_mark", "faults", "Faults only", show=False),
            Binding("w", "wide", "Wide: every column", show=False),
            Binding("right", "columns(1)", "Wide: columns to the right", show=False),
            Binding("left", "columns(-1)", "Wide: columns to the left", show=False),
            Binding("space", "mark", "Mark the row", show=False),
            Binding("c", "copy", "Copy the name; twice: the row", show=False),
        ]
    )

    class Arranged(Message):
        """What is shown, or how, was chosen anew."""

    class Copied(Message):
        """Something is to be copied to the clipboard."""

        def __init__(self, text: str, what: str) -> None:
            super().__init__()
            self.text = text
            self.what = what

    def __init__(self, resource: Resource[Row], *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(resource.specs, resource.cells_of, id=id)
        self._arranger = Arranger(resource)
        self._all: Sequence[Row] = ()
        self._is_choosing = False
        self._chosen_before = Arrangement()
        self._copied: str | None = None

    @property
    def arrangement(self) -> Arrangement:
        """What the person chose."""
        return self._arranger.chosen

    @property
    def problem(self) -> str:
        """Why the filter is not in force; empty when it is."""
        return self._arranger.problem

    @property
    def is_choosing(self) -> bool:
        """Whether arrow keys choose the column to sort by."""
        return self._is_choosing

    @property
    def all_count(self) -> int:
        """How many rows there are, shown or not."""
        return len(self._all)

    @property
    def marked(self) -> tuple[Row, ...]:
        """The marked rows that are shown, in their order."""
        return tuple(row for row in self.rows if row.key in self._marks)

    @property
    def targets(self) -> tuple[Row, ...]:
        """The rows that an action is about: the marked ones, else the one under the cursor."""
        row = self.cursor_row
        return self.marked or (() if row is None else (row,))

    def choose(self, arrangement: Arrangement) -> None:
        """Show the same rows in another way."""
        self._arranger.choose(arrangement)
        self._is_wide = arrangement.is_wide
        self._show_all()
        self.post_message(self.Arranged())

    def show_rows(self, rows: Sequence[Row], now: float, *, empty: str = "") -> None:
        """Show other rows, arranged as chosen."""
        self._all = rows
        self._now = now
        self._empty = empty
        self._show_all()

    def _show_all(self) -> None:
        super().show_rows(self._arranger.arrange(self._all), self._now, empty=self._empty)

    def clear(self) -> bool:
        """Undo the innermost of marks, filter and faults only; return whether there was any."""
        chosen = self.arrangement
        if self._is_choosing:
            self._end_choosing(keep=False)
        elif self._marks:
            self._marks = frozenset()
            self._refresh_changed()
            self.post_message(self.Arranged())
        elif chosen.filter_text:
            self.choose(replace(chosen, filter_text=""))
        elif chosen.has_faults_only:
            self.choose(replace(chosen, has_faults_only=False))
        else:
            return False
        return True

    def action_mark(self) -> None:
        """Mark the row under the cursor, or take its mark away, and go to the next."""
        if self.cursor_key is None:
            return
        self._marks ^= {self.cursor_key}
        self.move_to(self._cursor + 1)
        self._refresh_changed()
        self.post_message(self.Arranged())

    def action_faults(self) -> None:
        """Show only what is not as wanted, or all again."""
        chosen = self.arrangement
        self.choose(replace(chosen, has_faults_only=not chosen.has_faults_only))

    def action_wide(self) -> None:
        """Let every column be reached, or show the usual ones."""
        self._skipped = 0
        self.choose(replace(self.arrangement, is_wide=not self.arrangement.is_wide))

    def action_columns(self, step: int) -> None:
        """Scroll the columns of a wide table, beside the key columns, which stay."""
        if not self.arrangement.is_wide or (step > 0 and not self.hidden_columns):
            return
        self._skipped = max(self._skipped + step, 0)
        self._refresh_changed()
        self.post_message(self.Arranged())

    @property
    def hidden_columns(self) -> int:
        """How many columns of a wide table are still to come on the right."""
        shown = {column.name for column in self.columns}
        order = wide_order(self._specs)[self._skipped :]
        return sum(spec.name not in shown for spec in order) if self._is_wide else 0

    def action_freeze(self) -> None:
        """Keep every row where it is, or let them move again."""
        self.choose(replace(self.arrangement, is_frozen=not self.arrangement.is_frozen))

    def action_copy(self) -> None:
        """Copy the key of the row; asked again for the same row, all that it shows."""
        row = self.cursor_row
        if row is None:
            return
        cells = self._cells_of(row, self._now)
        texts = [cells.get(column.name, NOTHING).text.strip() for column in self.columns]
        if self._copied == row.key:
            self._copied = None
            self.post_message(self.Copied("\t".join(texts), "the row"))
        else:
            self._copied = row.key
            self.post_message(self.Copied(row.key, f"{row.key}; c again copies the row"))

    def action_sort(self) -> None:
        """Choose the column to sort by; asked again, turn the order round."""
        names = [column.name for column in self.columns]
        if not names:
            return
        chosen = self.arrangement
        if not self._is_choosing:
            self._chosen_before = chosen
            self._is_choosing = True
            column = chosen.sort_column if chosen.sort_column in names else names[0]
            self._sort_by(column, chosen.is_reversed and column == chosen.sort_column)
        else:
            self._sort_by(chosen.sort_column, not chosen.is_reversed)

    def _sort_by(self, column: str, is_reversed: bool) -> None:
        # Who sorts a frozen table wants another order, and keeps that.
        chosen = replace(self.arrangement, is_frozen=False)
        self._arranger.choose(chosen)
        self.choose(replace(chosen, sort_column=column, is_reversed=is_reversed))

    def _step_column(self, step: int) -> None:
        columns = self.columns
        names = [column.name for column in columns]
        current = self.arrangement.sort_column
        place = (names.index(current) + step) % len(names) if current in names else 0
        # Of numbers one looks for the largest first.
        self._sort_by(names[place], columns[place].is_right)

    def _end_choosing(self, *, keep: bool) -> None:
        self._is_choosing = False
        if not keep:
            self.choose(self._chosen_before)
        self._refresh_changed()
        self.post_message(self.Arranged())

    def on_key(self, event: events.Key) -> None:
        """Hear the arrows while a column is chosen; every other key keeps it."""
        if not self._is_choosing or event.key == "o":
            return
        steps = {"left": -1, "h": -1, "right": 1, "l": 1}
        if event.key in steps:
            self._step_column(steps[event.key])
        elif event.key in ("enter", "escape"):
            self._end_choosing(keep=event.key == "enter")
        else:
            self._end_choosing(keep=True)
            return
        event.stop()
        event.prevent_default()

    def on_blur(self) -> None:
        """Keep the column that was chosen when something else is typed into."""
        if self._is_choosing:
            self._end_choosing(keep=True)

    def header_cell(self, column: Column) -> Cell:
        """Return the name of a column, with the direction if rows are sorted by it."""
        chosen = self.arrangement
        if column.name != chosen.sort_column:
            return Cell(column.name)
        arrow = DESCENDING if chosen.is_reversed else ASCENDING
        name = column.name[: max(column.width - 1, 0)]
        return Cell(f"{name}{arrow}", Tone.STRONG if self._is_choosing else Tone.PLAIN)
