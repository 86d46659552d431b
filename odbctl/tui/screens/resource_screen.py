"""A screen that is one table: filter, notes on how it is arranged, YAML, copying.

Runs in the dashboard's event loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from odbctl.tui.arrange import Keyed, Resource
from odbctl.tui.backend import Request
from odbctl.tui.frame_screen import ALWAYS, EVERYWHERE, FrameScreen, Line
from odbctl.tui.keymap import identified
from odbctl.tui.messages import DescriptionWanted, StatusChanged
from odbctl.tui.paint import Cell, Tone
from odbctl.tui.prompt import PromptKind
from odbctl.tui.resource_table import ResourceTable
from odbctl.tui.snapshot import DashboardSnapshot
from odbctl.tui.state import DashboardState, done
from odbctl.tui.table import RowTable
from odbctl.tui.text import plural, visible
from odbctl.tui.views import View

if TYPE_CHECKING:
    from odbctl.tui.help_text import HelpSection

Row = TypeVar("Row", bound=Keyed)
FILTER = Binding("slash", "filter", "Filter", key_display="/")
ROW_KEYS: tuple[BindingType, ...] = (
    Binding("y", "describe", "YAML of the object", show=False),
    Binding("escape", "up", "Up: marks, filter, faults, then back", show=False),
)
NO_MATCH = "nothing matches; esc shows all"


class ResourceScreen(FrameScreen, Generic[Row]):
    """A table of one resource, full screen."""

    DEFAULT_CSS = """
    ResourceScreen #empty { display: none; padding: 1 2; height: 1fr; }
    ResourceScreen.-empty #body { display: none; }
    ResourceScreen.-empty #empty { display: block; }
    ResourceScreen.-thin #empty, ResourceScreen.-low #empty { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = identified([FILTER, *ROW_KEYS, *ALWAYS, *EVERYWHERE])
    RESOURCE: ClassVar[Resource[Row]]  # pyright: ignore[reportGeneralTypeIssues] - one for each class, whatever its rows
    AUTO_FOCUS = "#table"

    def __init__(self, state: DashboardState) -> None:
        super().__init__(state)
        self._empty = Line(id="empty")
        self.table: ResourceTable[Row] = ResourceTable(self.RESOURCE, id="table")

    def compose_body(self) -> Iterable[Widget]:
        """Make the table, and what is said in its place."""
        yield self._empty
        with self._body:
            yield self.table

    @property
    def view(self) -> View:
        """Which screen this is."""
        return self.RESOURCE.view

    @property
    def request(self) -> Request:
        """The rows of this screen, and nothing of any service."""
        return Request(view=self.view)

    @property
    def crumbs(self) -> tuple[str, ...]:
        """The name of the screen."""
        return (self.view.value,)

    @property
    def notes(self) -> Sequence[Cell]:
        """How many rows are shown, and why not all, or not in the usual order."""
        table, chosen = self.table, self.table.arrangement
        shown, total = len(table.rows), table.all_count
        notes = [Cell(f"{shown:,}" if shown == total else f"{shown:,} of {total:,}", Tone.MUTED)]
        if table.problem:
            notes.append(Cell(f"✖ {visible(table.problem)}", Tone.BAD))
        if table.is_choosing:
            notes.append(Cell("sort: arrows choose, o reverses, enter keeps", Tone.BUSY))
        if marks := len(table.marked):
            notes.append(Cell(f"{marks} marked", Tone.BUSY))
        if chosen.filter_text:
            notes.append(Cell(f"/{visible(chosen.filter_text)}", Tone.BUSY))
        words = ((chosen.has_faults_only, "!faults"), (chosen.is_frozen, "frozen"))
        notes += [Cell(word, Tone.BUSY) for is_set, word in words if is_set]
        if chosen.is_wide:
            notes.append(Cell(_wide_note(table.hidden_columns), Tone.BUSY))
        return notes

    def rows_of(self, snapshot: DashboardSnapshot) -> Sequence[Row]:
        """Return the rows that a snapshot has of this resource; the screens' own."""
        raise NotImplementedError

    def empty_text(self, state: DashboardState) -> str:
        """Say what to do when there is nothing to show; empty when there is something."""
        if state.snapshot is None:
            return "" if state.failure else "Reading ..."
        return "" if self.rows_of(state.snapshot) else self.what_to_type

    @property
    def what_to_type(self) -> str:
        """What to say of a home that has nothing of this."""
        return f"No {self.view.value} yet."

    @property
    def no_match_text(self) -> str:
        """What to say when no row is shown."""
        return NO_MATCH

    def show_body(self, state: DashboardState) -> None:
        """Draw the rows; those of another screen's snapshot are none of this one's."""
        snapshot = state.snapshot
        if snapshot is not None and not self.is_about(snapshot):
            return
        text = self.empty_text(state)
        self.set_class(bool(text), "-empty")
        self._empty.show(Cell(text))
        rows = self.rows_of(snapshot) if snapshot is not None else ()
        self.table.show_rows(rows, state.now, empty=self.no_match_text)

    def is_about(self, snapshot: DashboardSnapshot) -> bool:
        """Tell whether a snapshot has the rows of this screen."""
        return snapshot.view is self.view

    def status_cell(self, state: DashboardState) -> Cell:
        """Return the status line; without news, why the selected row is as it is."""
        row = self.table.cursor_row
        reason = self.reason_of(row) if row is not None else ""
        if state.status.text or row is None or not reason:
            return super().status_cell(state)
        return Cell(f"{visible(row.key)}: {visible(reason)}", Tone.WARN)

    def reason_of(self, row: Row) -> str:
        """Return why a row is as it is, which narrow tables cut off; the screens' own."""
        del row
        return ""

    def help_groups(self) -> list[tuple[str, Iterable[BindingType]]]:
        """Return the bindings that work here, with those of the table."""
        own, tables, everywhere = super().help_groups()
        return [own, (tables[0], [*ResourceTable.BINDINGS, *tables[1]]), everywhere]

    def help_sections(self) -> Sequence[HelpSection]:
        """Return the symbols, and the columns of this table."""
        from odbctl.tui.help_text import SYMBOLS, column_section

        return (column_section(self.RESOURCE.view, self.RESOURCE.specs), SYMBOLS)

    def focus_body(self) -> None:
        """Give the keys to the table."""
        self.table.focus()

    def action_filter(self) -> None:
        """Let the person type a filter."""
        self.open_prompt(PromptKind.FILTER, self.table.arrangement.filter_text)

    def filter_typed(self, text: str, *, is_done: bool) -> None:
        """Filter while the person types; enter keeps it."""
        self.set_filter(text)
        self.prompt.set_class(bool(self.table.problem), "-broken")
        if is_done:
            self.close_prompt()

    def set_filter(self, text: str) -> None:
        """Show the rows that match; all for an empty text."""
        self.table.choose(replace(self.table.arrangement, filter_text=text))

    def action_up(self) -> None:
        """Dismiss a notice, else undo what was chosen last, else go back."""
        if not self.navigator.dismiss_notice() and not self.table.clear():
            self.navigator.go_up()

    def action_describe(self) -> None:
        """Show the object under the cursor as YAML."""
        if (key := self.table.cursor_key) is not None:
            self.post_message(DescriptionWanted(self.view, key))

    def on_resource_table_arranged(self, event: ResourceTable.Arranged) -> None:
        """Say how the rows are arranged now."""
        event.stop()
        self.show_frame()

    def on_resource_table_copied(self, event: ResourceTable.Copied) -> None:
        """Give a text to the terminal's clipboard (OSC 52)."""
        event.stop()
        self.navigator.copy_to_clipboard(event.text)
        self.post_message(StatusChanged(done(f"copied {event.what}")))

    def on_row_table_moved(self, event: RowTable.Moved) -> None:
        """Look at what is selected now."""
        event.stop()
        self.show_frame()

    def on_row_table_chosen(self, event: RowTable.Chosen) -> None:
        """Open what was clicked twice."""
        event.stop()
        self.action_open()

    def action_open(self) -> None:
        """Open the row under the cursor: as YAML, where there is no better."""
        self.action_describe()


def _wide_note(hidden: int) -> str:
    return f"wide: {hidden} more {plural(hidden, 'column')}, arrows" if hidden else "wide"
