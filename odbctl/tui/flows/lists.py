"""A dialog with a table: choose one row, or none. Runs in the dashboard's event loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Generic

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from odbctl.tui.columns import ColumnSpec
from odbctl.tui.dialogs import DEAF_SECONDS, DIALOG_CSS, Answer, DeafDialog, room
from odbctl.tui.flows.work import Work, WorkDone, WorkTold
from odbctl.tui.paint import Cell
from odbctl.tui.table import Row, RowTable
from odbctl.tui.text import visible

LIST_CSS = (
    DIALOG_CSS
    + """
{name} > Vertical {{ width: 90%; max-width: 110; height: auto; max-height: 90%; }}
{name} RowTable {{ height: auto; background: $surface; }}
{name} #hint {{ width: 100%; color: $secondary; margin-top: 1; }}
{name} #title {{ text-style: bold; margin-bottom: 1; }}
"""
)


class ListDialog(DeafDialog[Answer], Generic[Row, Answer]):
    """Rows that are read in a thread, and a line below that says what is going on."""

    FIRST_FOCUS: ClassVar[str] = "RowTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "cancel", "Cancel", show=False),
        Binding("enter", "choose", "Choose", show=False, priority=True),
    ]

    def __init__(
        self,
        title: str,
        specs: tuple[ColumnSpec, ...],
        cells_of: Callable[[Row, float], Mapping[str, Cell]],
        *,
        now: float,
        deaf_seconds: float = DEAF_SECONDS,
    ) -> None:
        """Store the title and how rows become cells at a time."""
        super().__init__(deaf_seconds=deaf_seconds)
        self._title_text = title
        self._now = now
        self._rows: tuple[Row, ...] = ()
        self._work: Work | None = None
        self._hint_line = Static(id="hint", markup=False)
        self.table = RowTable[Row](specs, cells_of)

    def compose(self) -> ComposeResult:
        """Show the title, the table and the line below."""
        with Vertical():
            yield Static(Content(self._title_text), id="title", markup=False)
            yield from self.compose_head()
            yield self.table
            yield self._hint_line

    def compose_head(self) -> ComposeResult:
        """Make what stands above the table; the dialogs' own."""
        yield from ()

    def on_mount(self) -> None:
        """Begin to read."""
        super().on_mount()
        self.load()

    def on_resize(self) -> None:
        """Keep what stands below the table in sight."""
        self.table.styles.max_height = room(self.size.height, beside=6)

    def on_unmount(self) -> None:
        """Want nothing more of what is being read."""
        if self._work is not None:
            self._work.abandon()

    def load(self) -> None:
        """Read the rows, in a thread."""
        if self._work is not None:
            self._work.abandon()
        self.say("reading ... esc cancels")
        self._work = Work(self, self.read).start()

    def read(self, work: Work) -> object:
        """Read the rows; runs in a thread. The dialogs' own."""
        raise NotImplementedError

    def take(self, result: object) -> None:
        """Take what was read; the dialogs' own."""
        raise NotImplementedError

    def on_work_told(self, message: WorkTold) -> None:
        """Say what takes time."""
        if message.work is self._work:
            self.say(message.text)

    def on_work_done(self, message: WorkDone) -> None:
        """Show what was read, or why it could not be."""
        if message.work is not self._work:
            return
        if message.failure:
            self.say(f"✖ {message.failure}")
        else:
            self.take(message.result)

    def put(self, rows: Sequence[Row], *, empty: str = "") -> None:
        """Show rows."""
        self._rows = tuple(rows)
        self.table.styles.height = len(self._rows) + 1 if self._rows else 3
        self.table.show_rows(self._rows, self._now, empty=empty)

    def say(self, text: str) -> None:
        """Say something below the table."""
        self._hint_line.update(Content(visible(text)))

    def chosen(self) -> Row | None:
        """Return the row under the cursor."""
        key = self.table.cursor_key
        return next((row for row in self._rows if row.key == key), None)

    def action_choose(self) -> None:
        """Take the row under the cursor; the dialogs' own."""
        raise NotImplementedError

    def on_row_table_chosen(self, event: RowTable.Chosen) -> None:
        """Take the row that was clicked twice."""
        event.stop()
        if not self.is_deaf:
            self.action_choose()

    def on_row_table_moved(self, event: RowTable.Moved) -> None:
        """Do nothing more than the table does."""
        event.stop()

    def action_cancel(self) -> None:
        """Answer nothing."""
        self.dismiss(None)
