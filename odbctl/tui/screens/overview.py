"""What needs attention, what the machine does, and what happened last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from odbctl.tui.columns import EVENT_COLUMNS
from odbctl.tui.frame_screen import ALWAYS, EVERYWHERE, Line
from odbctl.tui.keymap import identified
from odbctl.tui.paint import Cell, Tone, event_cells
from odbctl.tui.resource_table import ResourceTable
from odbctl.tui.resources import ATTENTION, AttentionRow, attention_rows
from odbctl.tui.screens.resource_screen import FILTER, ROW_KEYS, ResourceScreen
from odbctl.tui.snapshot import DashboardSnapshot, EventRow
from odbctl.tui.state import NO_SERVICES, DashboardState
from odbctl.tui.table import RowTable
from odbctl.tui.text import percent, sparkline
from odbctl.tui.views import View
from odbctl.units import size

ALL_WELL = "● everything is as desired"
_GRAPH_MOST = 100.0


class OverviewScreen(ResourceScreen[AttentionRow], inherit_bindings=False):
    """Faults above, the machine's curves, the last events below."""

    DEFAULT_CSS = """
    OverviewScreen #table { height: auto; max-height: 50%; }
    OverviewScreen .curve { height: 1; padding: 0 1; }
    OverviewScreen #events { height: 1fr; }
    OverviewScreen.-short #events { display: none; }
    OverviewScreen.-short #table { max-height: 100%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = identified(
        [
            Binding("enter,d", "open", "Detail", key_display="enter"),
            Binding("l", "logs", "Logs"),
            FILTER,
            *ROW_KEYS,
            *ALWAYS,
            *EVERYWHERE,
        ]
    )
    RESOURCE = ATTENTION

    def __init__(self, state: DashboardState) -> None:
        super().__init__(state)
        self._cpu, self._ram = Line(id="cpu"), Line(id="ram")
        for line in (self._cpu, self._ram):
            line.add_class("curve")
        self._events = RowTable[EventRow](EVENT_COLUMNS, event_cells, id="events", is_passive=True)
        self._events.add_class("pane")
        self._events.border_title = Content("last events")

    def compose_body(self) -> Iterable[Widget]:
        """Make faults, curves and events."""
        yield self._empty
        with self._body:
            yield self._cpu
            yield self._ram
            yield self.table
            yield self._events

    @property
    def what_to_type(self) -> str:
        """How to come to a service."""
        return "\n".join(NO_SERVICES)

    def rows_of(self, snapshot: DashboardSnapshot) -> Sequence[AttentionRow]:
        """Return what is not as wanted."""
        return attention_rows(snapshot)

    def reason_of(self, row: AttentionRow) -> str:
        """Return why it is not as wanted."""
        return row.reason

    def empty_text(self, state: DashboardState) -> str:
        """Say what to do in a home without services."""
        return state.empty_text

    @property
    def no_match_text(self) -> str:
        """What to say when nothing needs attention, or when a filter leaves it out."""
        return super().no_match_text if self.table.arrangement.filter_text else ALL_WELL

    def show_body(self, state: DashboardState) -> None:
        """Draw faults, curves and events."""
        super().show_body(state)
        self._fit_table()
        snapshot = state.snapshot
        if snapshot is None or not self.is_about(snapshot):
            return
        self._events.show_rows(snapshot.events, state.now)
        self._show_machine(snapshot)

    def on_resource_table_arranged(self, event: ResourceTable.Arranged) -> None:
        """Give the table as much room as the rows need that are left."""
        super().on_resource_table_arranged(event)
        self._fit_table()

    def _fit_table(self) -> None:
        # The events have what the table does not need; CSS says how much it may have at most.
        self.table.styles.height = max(len(self.table.rows), 1) + 1

    def _show_machine(self, snapshot: DashboardSnapshot) -> None:
        machine = snapshot.machine
        if machine is None:
            return
        cpu, ram = machine.cpu_percents, machine.ram_percents
        self._cpu.show(*_curve("CPU", cpu, f"of {snapshot.host}", self._curve_width))
        of_all = f"of {size(machine.ram_bytes)}"
        self._ram.show(*_curve("RAM", ram, of_all, self._curve_width))

    @property
    def _curve_width(self) -> int:
        return max(self.size.width - 34, 10)

    def action_open(self) -> None:
        """Open the service that is not as wanted, or show the hosts."""
        if (row := self.table.cursor_row) is None:
            return
        if row.service:
            self.navigator.open_detail(row.service)
        else:
            self.navigator.go_to(View.HOSTS)

    def action_logs(self) -> None:
        """Open the log of the service that is not as wanted."""
        row = self.table.cursor_row
        if row is not None and row.service:
            self.navigator.open_logs(row.service)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer no YAML: what needs attention is no object."""
        return action != "describe" and super().check_action(action, parameters)


def _curve(name: str, values: Sequence[float], note: str, width: int) -> tuple[Cell, ...]:
    """Return a line with a name, bars and the newest value, as a share of all there is."""
    if not values:
        return (Cell(f"{name}  ", Tone.MUTED), Cell("measuring", Tone.MUTED))
    newest = values[-1]
    tone = Tone.BAD if newest >= 95 else Tone.WARN if newest >= 80 else Tone.GOOD
    return (
        Cell(f"{name}  ", Tone.MUTED),
        Cell(sparkline(values, width, most=_GRAPH_MOST), tone),
        Cell(f"  {percent(newest):>4}", Tone.STRONG),
        Cell(f"  {note}", Tone.MUTED),
    )
