"""All services, and below, where there is room, what the selected one does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.widget import Widget

from odbctl.tui.backend import Request
from odbctl.tui.columns import EVENT_COLUMNS, INSTANCE_COLUMNS
from odbctl.tui.frame_screen import ALWAYS, EVERYWHERE
from odbctl.tui.keymap import identified
from odbctl.tui.logs.source import LogRequest
from odbctl.tui.logs.view import LogView
from odbctl.tui.paint import event_cells, instance_cells
from odbctl.tui.resources import SERVICES
from odbctl.tui.screens.resource_screen import FILTER, ROW_KEYS, ResourceScreen
from odbctl.tui.service_screen import ACTIONS, FLOW_ACTIONS, ServiceScreen
from odbctl.tui.snapshot import DashboardSnapshot, Detail, EventRow, InstanceRow, ServiceRow
from odbctl.tui.state import NO_SERVICES, DashboardState
from odbctl.tui.table import RowTable
from odbctl.tui.text import visible

NO_INSTANCES = "no instances; u starts it"


class ServicesScreen(ResourceScreen[ServiceRow], ServiceScreen, inherit_bindings=False):
    """Services above; instances, log and events of the selected one below."""

    DEFAULT_CSS = """
    ServicesScreen #table { max-height: 45%; }
    ServicesScreen #instances { max-height: 30%; }
    ServicesScreen.-middle #table { max-height: 70%; }
    ServicesScreen.-middle #instances { max-height: 100%; }
    ServicesScreen.-middle #bottom { display: none; }
    ServicesScreen.-short #table { max-height: 100%; }
    ServicesScreen.-short #instances, ServicesScreen.-short #bottom { display: none; }
    ServicesScreen #bottom { height: 1fr; layout: vertical; }
    ServicesScreen #logs { height: 5fr; overflow-x: hidden; }
    ServicesScreen #events { height: 3fr; }
    ServicesScreen.-wide #bottom { layout: horizontal; }
    ServicesScreen.-wide #logs, ServicesScreen.-wide #events { height: 1fr; width: 1fr; }
    ServicesScreen.-wide #events { margin-left: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = identified(
        [
            Binding("enter,d", "open", "Detail", key_display="enter"),
            *ACTIONS,
            FILTER,
            Binding("l", "logs", "Logs", show=False),
            Binding("p", "logs_before", "Logs of the previous run", show=False),
            *FLOW_ACTIONS,
            *ROW_KEYS,
            *ALWAYS,
            *EVERYWHERE,
        ]
    )
    RESOURCE = SERVICES

    def __init__(self, state: DashboardState) -> None:
        super().__init__(state)
        self._log_is_of: str | None = None
        self._instances = RowTable[InstanceRow](
            INSTANCE_COLUMNS, instance_cells, id="instances", is_passive=True
        )
        self._logs = LogView(id="logs", is_passive=True)
        self._events = RowTable[EventRow](EVENT_COLUMNS, event_cells, id="events", is_passive=True)
        for pane in (self._instances, self._logs, self._events):
            pane.add_class("pane")

    def compose_body(self) -> Iterable[Widget]:
        """Make the four panes."""
        yield self._empty
        with self._body:
            yield self.table
            yield self._instances
            with Container(id="bottom"):
                yield self._logs
                yield self._events

    @property
    def target(self) -> ServiceRow | None:
        """The service under the cursor."""
        return self.table.cursor_row

    @property
    def targets(self) -> tuple[ServiceRow, ...]:
        """The marked services, else the one under the cursor."""
        return self.table.targets

    @property
    def request(self) -> Request:
        """The selected service."""
        return Request(view=self.view, service=self.table.cursor_key)

    @property
    def what_to_type(self) -> str:
        """How to come to a service."""
        return "\n".join(NO_SERVICES)

    def rows_of(self, snapshot: DashboardSnapshot) -> tuple[ServiceRow, ...]:
        """Return all services."""
        return snapshot.services

    def is_about(self, snapshot: DashboardSnapshot) -> bool:
        """Tell that services are in every snapshot."""
        return True

    def show_body(self, state: DashboardState) -> None:
        """Draw services, and what is known of the selected one."""
        super().show_body(state)
        self._show_selected(state)

    def on_resize(self) -> None:
        """Fit frame and panes to the size; its classes are there after the next refresh."""
        super().on_resize()
        self.call_after_refresh(self._show_selected, self.state)

    def _fit_panes(self) -> None:
        """Give the panes what the table does not need; CSS limits how much it may have."""
        # Filtered rows count too, so that a filter moves no pane while it is typed.
        table_lines = max(self.table.all_count, 1) + 1
        # The pane's border, its header, and at least one line.
        pane_lines = max(len(self._instances.rows), 1) + 2
        self.table.styles.height = "1fr" if self.has_class("-short") else table_lines
        self._instances.styles.height = pane_lines if self.has_class("-high") else "1fr"

    def reason_of(self, row: ServiceRow) -> str:
        """Return why a service is as it is."""
        return row.full_reason

    def on_row_table_moved(self, event: RowTable.Moved) -> None:
        """Look at the service that is selected now."""
        event.stop()
        self._show_selected(self.state)
        self.show_frame()
        self.ask()

    def on_screen_suspend(self) -> None:
        """Read no log while another screen is in front; a dialog leaves it in sight."""
        self._logs.rest_behind()

    def on_screen_resume(self) -> None:
        """Read on."""
        super().on_screen_resume()
        self._logs.rest(is_resting=False)

    def action_open(self) -> None:
        """Open the selected service, at once: the next key is meant for its screen."""
        if (key := self.table.cursor_key) is not None:
            self.navigator.open_detail(key)

    def action_logs(self) -> None:
        """Open the log of the marked services, or of the selected one."""
        self._open_logs(is_previous=False)

    def action_logs_before(self) -> None:
        """Open the log of the run before of the marked services, or of the selected one."""
        self._open_logs(is_previous=True)

    def _open_logs(self, *, is_previous: bool) -> None:
        if names := tuple(row.key for row in self.targets):
            self.navigator.open_logs(names[0], also=names[1:], is_previous=is_previous)

    def _show_selected(self, state: DashboardState) -> None:
        key = self.table.cursor_key
        detail = state.snapshot.detail if state.snapshot else None
        is_known = detail is not None and detail.service == key
        if detail is None or not is_known:
            detail = Detail(service=key or "")
        name = visible(detail.service)
        current = [row for row in detail.instances if row.is_current]
        self._instances.show_rows(current, state.now, empty=NO_INSTANCES if is_known else "")
        self._show_log(key if self.has_class("-high") else None)
        self._events.show_rows(detail.events, state.now)
        self._fit_panes()
        for pane, what in ((self._instances, "instances"), (self._events, "events")):
            title = Content(f"{name} {what}")
            if pane.border_title != title:
                pane.border_title = title

    def _show_log(self, key: str | None) -> None:
        """Show the log of another service, when it is another."""
        if key == self._log_is_of:
            return
        self._log_is_of = key
        if key is None:
            self._logs.show(None)
            return
        request = LogRequest(service=key)
        self._logs.show(lambda: self.navigator.log_source(request), f"{visible(key)} log")
