"""The current instances of all services."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from odbctl.tui.flows.orders import Order, OrderVerb
from odbctl.tui.frame_screen import ALWAYS, EVERYWHERE
from odbctl.tui.keymap import identified
from odbctl.tui.resources import INSTANCES
from odbctl.tui.screens.resource_screen import FILTER, ROW_KEYS, ResourceScreen
from odbctl.tui.snapshot import DashboardSnapshot, InstanceRow


class InstancesScreen(ResourceScreen[InstanceRow], inherit_bindings=False):
    """Instances, with what ends them."""

    BINDINGS: ClassVar[list[BindingType]] = identified(
        [
            Binding("enter,d", "open", "Detail", key_display="enter"),
            Binding("l", "logs", "Logs"),
            Binding("x", "stop", "Stop"),
            FILTER,
            Binding("p", "logs_before", "Logs of the previous run", show=False),
            Binding("a", "actions", "Every action", show=False),
            *ROW_KEYS,
            *ALWAYS,
            *EVERYWHERE,
        ]
    )
    RESOURCE = INSTANCES

    @property
    def what_to_type(self) -> str:
        """How to come to an instance."""
        return "No instances.  2 shows the services; u starts one."

    def rows_of(self, snapshot: DashboardSnapshot) -> tuple[InstanceRow, ...]:
        """Return the instances."""
        return snapshot.instances

    def reason_of(self, row: InstanceRow) -> str:
        """Return why an instance is as it is."""
        return row.reason

    def action_open(self) -> None:
        """Open the instance's own screen."""
        if (row := self.table.cursor_row) is not None:
            self.navigator.open_detail(row.service, instance=row.key)

    def action_logs(self) -> None:
        """Open the log of the marked instances, or of the selected one."""
        self._open_logs(is_previous=False)

    def action_logs_before(self) -> None:
        """Open the log of the run before of the marked instances, or of the selected one."""
        self._open_logs(is_previous=True)

    def _open_logs(self, *, is_previous: bool) -> None:
        if rows := self.table.targets:
            also = tuple(row.key for row in rows[1:])
            self.navigator.open_logs(
                rows[0].service, instance=rows[0].key, also=also, is_previous=is_previous
            )

    def action_stop(self) -> None:
        """Stop the instances, once confirmed."""
        rows = self.table.targets
        if self.can_change(rows, "instance", self.state.refusal):
            ids = tuple(row.key for row in rows)
            self.navigator.flows.order(Order(verb=OrderVerb.STOP_INSTANCE, targets=ids), {})

    def action_actions(self) -> None:
        """Show every action on the marked instances, or on the selected one."""
        if ids := tuple(row.key for row in self.table.targets):
            self.navigator.flows.instance_actions(
                *ids, blocked=self.state.refusal, is_readonly=self.state.is_readonly
            )
