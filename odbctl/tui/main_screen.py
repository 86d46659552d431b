"""The first screen: all services, and below what the selected one does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from odbctl.tui.backend import Request
from odbctl.tui.columns import EVENT_COLUMNS, INSTANCE_COLUMNS, SERVICE_COLUMNS
from odbctl.tui.detail_screen import DetailScreen
from odbctl.tui.filters import filter_services
from odbctl.tui.flows.actions import FLOW_ACTIONS
from odbctl.tui.keymap import identified
from odbctl.tui.log_view import LogView
from odbctl.tui.paint import Cell, Tone, event_cells, instance_cells, service_cells
from odbctl.tui.service_screen import ACTIONS, ALWAYS, ServiceScreen
from odbctl.tui.snapshot import Detail, EventRow, InstanceRow, ServiceRow
from odbctl.tui.state import DashboardState
from odbctl.tui.table import RowTable
from odbctl.tui.text import visible

NO_MATCH = "no service matches the filter; esc clears it"
NO_INSTANCES = "nothing runs; u starts it"


class MainScreen(ServiceScreen, inherit_bindings=False):
    """Services above; instances, log and events of the selected one below."""

    DEFAULT_CSS = """
    MainScreen #services { height: 8fr; }
    MainScreen #instances { height: 5fr; }
    MainScreen #bottom { height: 8fr; layout: vertical; }
    MainScreen #logs { height: 5fr; overflow-x: hidden; }
    MainScreen #events { height: 3fr; }
    MainScreen.-wide #bottom { layout: horizontal; }
    MainScreen.-wide #logs, MainScreen.-wide #events { height: 1fr; width: 1fr; }
    MainScreen.-wide #events { margin-left: 1; }
    MainScreen #empty { display: none; padding: 1 2; height: 1fr; }
    MainScreen.-empty #body { display: none; }
    MainScreen.-empty.-high #empty { display: block; }
    MainScreen.-thin #empty { display: none; }
    MainScreen #filter { display: none; border: none; padding: 0 1; height: 1; }
    MainScreen.-filtering #filter { display: block; }
    MainScreen.-filtering #status { display: none; }
    MainScreen.-thin #filter, MainScreen.-low #filter { display: none; }
    """
    AUTO_FOCUS = "#services"
    BINDINGS: ClassVar[list[BindingType]] = identified(
        [
            Binding("enter", "open", "Detail", key_display="enter"),
            *ACTIONS,
            *FLOW_ACTIONS,
            Binding("slash", "filter", "Filter", key_display="/"),
            Binding("escape", "clear_filter", "Clear the filter", show=False),
            *ALWAYS,
        ]
    )

    def __init__(self, state: DashboardState) -> None:
        super().__init__(state)
        self._filter = ""
        self._empty = Static(id="empty", markup=False)
        self._prompt = Input(
            placeholder="words, !without, state=running; enter keeps it, esc clears it",
            id="filter",
            compact=True,
        )
        self.services = RowTable[ServiceRow](SERVICE_COLUMNS, service_cells, id="services")
        self._instances = RowTable[InstanceRow](
            INSTANCE_COLUMNS, instance_cells, id="instances", is_passive=True
        )
        self._logs = LogView(id="logs", is_passive=True)
        self._events = RowTable[EventRow](EVENT_COLUMNS, event_cells, id="events", is_passive=True)
        for pane in (self._instances, self._logs, self._events):
            pane.add_class("pane")

    def compose_body(self) -> Iterable[Widget]:
        """Make the four panes, and the line to type a filter in."""
        yield self._empty
        with self._body:
            yield self.services
            yield self._instances
            with Container(id="bottom"):
                yield self._logs
                yield self._events
        yield self._prompt

    @property
    def target(self) -> ServiceRow | None:
        """The service under the cursor."""
        snapshot = self.state.snapshot
        return snapshot.service(self.services.cursor_key) if snapshot else None

    @property
    def request(self) -> Request:
        """The selected service, with as much log as a pane may show."""
        return Request(service=self.services.cursor_key)

    def show_body(self, state: DashboardState) -> None:
        """Draw services, and what is known of the selected one."""
        self.set_class(bool(state.empty_text), "-empty")
        self._empty.update(Content(state.empty_text))
        services = state.snapshot.services if state.snapshot else ()
        self.services.show_rows(filter_services(services, self._filter), state.now, empty=NO_MATCH)
        self._show_selected(state)

    def status_cell(self, state: DashboardState) -> Cell:
        """Return the status line; without news, the filter in force or the selected's reason."""
        if state.status.text:
            return super().status_cell(state)
        if self._filter:
            return Cell(f"filter: {visible(self._filter)}   esc clears it", Tone.BUSY)
        service = state.snapshot.service(self.services.cursor_key) if state.snapshot else None
        if service is None or not service.reason:
            return Cell("")
        return Cell(f"{visible(service.key)}: {visible(service.reason)}", Tone.WARN)

    def on_row_table_moved(self, event: RowTable.Moved) -> None:
        """Look at the service that is selected now."""
        event.stop()
        self._logs.forget()
        self._show_selected(self.state)
        self.ask()

    def on_row_table_chosen(self, event: RowTable.Chosen) -> None:
        """Open a service's own screen."""
        event.stop()
        self.put_in_front(DetailScreen(self.state, event.key))

    def action_open(self) -> None:
        """Open the selected service, at once: the next key is meant for its screen."""
        if (key := self.services.cursor_key) is not None:
            self.put_in_front(DetailScreen(self.state, key))

    def action_filter(self) -> None:
        """Let the person type a filter."""
        self.add_class("-filtering")
        self._prompt.focus()

    def action_clear_filter(self) -> None:
        """Show all services again."""
        self._prompt.value = ""
        self._end_filtering()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while typing."""
        self._filter = event.value
        self.show_state(self.state)

    def on_input_submitted(self) -> None:
        """Keep the filter, and go back to the table."""
        self._end_filtering()

    def _end_filtering(self) -> None:
        self.remove_class("-filtering")
        self.services.focus()
        self.show_state(self.state)

    def _show_selected(self, state: DashboardState) -> None:
        key = self.services.cursor_key
        detail = state.snapshot.detail if state.snapshot else None
        is_known = detail is not None and detail.service == key
        if detail is None or not is_known:
            detail = Detail(service=key or "")
        name = visible(detail.service)
        current = [row for row in detail.instances if row.is_current]
        self._instances.show_rows(current, state.now, empty=NO_INSTANCES if is_known else "")
        self._instances.border_title = Content(f"{name} instances")
        self._logs.show_logs(detail.logs, f"{name} log")
        self._events.show_rows(detail.events, state.now)
        self._events.border_title = Content(f"{name} events")
