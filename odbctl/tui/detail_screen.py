"""One service, full screen: its instances, its log or its events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from odbctl.tui.backend import Request
from odbctl.tui.columns import EVENT_COLUMNS, INSTANCE_COLUMNS
from odbctl.tui.logs.panel import LogPanel
from odbctl.tui.logs.screen import LogScreen
from odbctl.tui.logs.source import LogRequest, OpenLogs
from odbctl.tui.paint import Cell, Tone, event_cells, instance_cells, state_cell
from odbctl.tui.service_screen import ACTIONS, ALWAYS, ServiceScreen, content_of
from odbctl.tui.snapshot import Detail, EventRow, InstanceRow, ServiceRow
from odbctl.tui.state import DashboardState
from odbctl.tui.table import RowTable
from odbctl.tui.text import visible

TABS = ("instances", "logs", "events")
EVENT_COUNT = 500


class DetailScreen(ServiceScreen, inherit_bindings=False):
    """A service's title line and three tabs."""

    DEFAULT_CSS = """
    DetailScreen #title { height: 1; padding: 0 1; }
    DetailScreen #tabs { height: 1; padding: 0 1; }
    DetailScreen ContentSwitcher { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back"),
        Binding("tab,right_square_bracket", "tab(1)", "Next tab", key_display="tab"),
        Binding("shift+tab,left_square_bracket", "tab(-1)", "Tab before", show=False),
        *ACTIONS,
        Binding("l", "logs", "Logs, of the selected instance", show=False),
        Binding("p", "logs(True)", "Logs of the run before", show=False),
        Binding("1", "show('instances')", "Instances", show=False),
        Binding("2", "show('logs')", "Logs", show=False),
        Binding("3", "show('events')", "Events", show=False),
        *ALWAYS,
    ]

    def __init__(self, state: DashboardState, service: str, open_logs: OpenLogs) -> None:
        super().__init__(state)
        self._service = service
        self._tab = TABS[0]
        self._title_line = Static(id="title", markup=False)
        self._tabs = Static(id="tabs", markup=False)
        self._switcher = ContentSwitcher(initial=TABS[0])
        self._instances = RowTable[InstanceRow](INSTANCE_COLUMNS, instance_cells, id="instances")
        self._open_logs = open_logs
        request = LogRequest(service=service)
        self._logs = LogPanel(lambda: open_logs(request), id="logs")
        self._events = RowTable[EventRow](EVENT_COLUMNS, event_cells, id="events")
        self._panes: dict[str, Widget] = {
            "instances": self._instances,
            "logs": self._logs.view,
            "events": self._events,
        }

    def compose_body(self) -> Iterable[Widget]:
        """Make the title, the names of the tabs and what is in them."""
        with self._body:
            yield self._title_line
            yield self._tabs
            with self._switcher:
                yield self._instances
                yield self._logs
                yield self._events

    @property
    def target(self) -> ServiceRow | None:
        """The service that the screen is about."""
        return self.state.snapshot.service(self._service) if self.state.snapshot else None

    @property
    def request(self) -> Request:
        """This service, with many events."""
        return Request(service=self._service, event_count=EVENT_COUNT)

    def show_body(self, state: DashboardState) -> None:
        """Draw what is known of the service."""
        detail = state.snapshot.detail if state.snapshot else None
        if detail is None or detail.service != self._service:
            detail = Detail(service=self._service)
        self._title_line.update(content_of(*self._title_cells()))
        self._tabs.update(content_of(*self._tab_cells(detail)))
        self._instances.show_rows(detail.instances, state.now)
        self._events.show_rows(detail.events, state.now)

    def on_mount(self) -> None:
        """Start with the tab that was asked for."""
        super().on_mount()
        self._show_tab()

    def action_tab(self, step: int) -> None:
        """Show the next tab, or the one before."""
        self.action_show(TABS[(TABS.index(self._tab) + step) % len(TABS)])

    def action_show(self, tab: str) -> None:
        """Show a tab."""
        self._tab = tab
        # A key may come before the tabs are there; they then start with this one.
        if self._switcher.is_mounted:
            self._show_tab()

    def action_logs(self, is_previous: bool = False) -> None:
        """Show the log of the selected instance full screen; of all, in another tab."""
        instance = self._instances.cursor_key if self._tab == TABS[0] else None
        request = LogRequest(service=self._service, instance=instance, is_previous=is_previous)
        self.put_in_front(LogScreen(self._open_logs, request))

    def on_screen_suspend(self) -> None:
        """Read no log while another screen is in front; a dialog leaves it in sight."""
        self._logs.view.rest_behind()

    def on_screen_resume(self) -> None:
        """Read on, in the tab that shows it."""
        super().on_screen_resume()
        self._logs.view.rest(is_resting=self._tab != "logs")

    def _show_tab(self) -> None:
        self._switcher.current = self._tab
        self._panes[self._tab].focus()
        self.show_state(self.state)

    def on_row_table_moved(self, event: RowTable.Moved) -> None:
        """Do nothing more than the table does."""
        event.stop()

    def on_row_table_chosen(self, event: RowTable.Chosen) -> None:
        """Do nothing more than the table does."""
        event.stop()

    def _title_cells(self) -> tuple[Cell, ...]:
        name = Cell(visible(self._service) + "  ", Tone.STRONG)
        if (service := self.target) is None:
            return (name, Cell("there is no such service any more", Tone.WARN))
        return (
            name,
            state_cell(service.state),
            Cell(f"  {service.ready_count}/{service.desired_count} ready  "),
            Cell(f"{visible(service.ref)}  ", Tone.MUTED),
            Cell(visible(service.reason), Tone.WARN),
        )

    def _tab_cells(self, detail: Detail) -> tuple[Cell, ...]:
        counts = {"instances": len(detail.instances), "events": len(detail.events)}
        cells: list[Cell] = []
        for place, tab in enumerate(TABS, 1):
            count = f" {counts[tab]}" if tab in counts else ""
            text = f"{place} {tab}{count}"
            is_shown = tab == self._tab
            cells += [Cell(f"[{text}]" if is_shown else f" {text} "), Cell(" ")]
            tone = Tone.STRONG if is_shown else Tone.MUTED
            cells[-2] = cells[-2]._replace(tone=tone)
        return tuple(cells)
