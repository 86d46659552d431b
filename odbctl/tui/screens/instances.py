"""The current instances of all services."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from odbctl.tui.backend import Action, Verb
from odbctl.tui.dialogs import ConfirmDialog
from odbctl.tui.keymap import CHANGING_ACTIONS, identified
from odbctl.tui.messages import ActionWanted, StatusChanged
from odbctl.tui.resources import INSTANCES
from odbctl.tui.screens.resource_screen import FILTER, ROW_KEYS, ResourceScreen
from odbctl.tui.service_screen import ALWAYS, EVERYWHERE, counted, named
from odbctl.tui.snapshot import DashboardSnapshot, InstanceRow
from odbctl.tui.state import failed
from odbctl.tui.text import visible


class InstancesScreen(ResourceScreen[InstanceRow], inherit_bindings=False):
    """Instances, with what ends them."""

    BINDINGS: ClassVar[list[BindingType]] = identified(
        [
            Binding("enter,d", "open", "Detail", key_display="enter"),
            Binding("l", "logs", "Logs"),
            Binding("x", "stop", "Stop"),
            FILTER,
            Binding("p", "logs_before", "Logs of the run before", show=False),
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
        return "Nothing runs and nothing is wanted.  2 shows the services; u starts one."

    def rows_of(self, snapshot: DashboardSnapshot) -> tuple[InstanceRow, ...]:
        """Return the instances."""
        return snapshot.instances

    def reason_of(self, row: InstanceRow) -> str:
        """Return why an instance is as it is."""
        return row.reason

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer no change in a read-only dashboard."""
        if self.state.is_readonly and action in CHANGING_ACTIONS and action != "actions":
            return False
        return super().check_action(action, parameters)

    def action_open(self) -> None:
        """Open the instance's own screen."""
        if (row := self.table.cursor_row) is not None:
            self.navigator.open_detail(row.service, instance=row.key)

    def action_logs(self) -> None:
        """Open the log of the instance."""
        if (row := self.table.cursor_row) is not None:
            self.navigator.open_logs(row.service, instance=row.key)

    def action_logs_before(self) -> None:
        """Open the log of the run before."""
        if (row := self.table.cursor_row) is not None:
            self.navigator.open_logs(row.service, instance=row.key, is_previous=True)

    def action_stop(self) -> None:
        """Stop the instances, once confirmed."""
        meaning = "While it is wanted, another one takes its place."
        self._confirm(Verb.STOP_INSTANCE, "Stop", meaning)

    def action_actions(self) -> None:
        """Show every action on the marked instances, or on the selected one."""
        if keys := tuple(row.key for row in self.table.targets):
            self.navigator.open_actions(self.view, keys)

    def _confirm(self, verb: Verb, word: str, meaning: str) -> None:
        rows = self.table.targets
        if refusal := "No instance is selected" if not rows else self.state.refusal:
            self.post_message(StatusChanged(failed(refusal)))
            return
        # What was shown when the person chose; the cursor may move below the dialog.
        actions = tuple(Action(verb=verb, service=row.service, instance=row.key) for row in rows)
        names = tuple(row.key for row in rows)

        def answer(is_confirmed: bool | None) -> None:
            if is_confirmed:
                self.post_message(ActionWanted(*actions))

        what = visible(names[0]) if len(names) == 1 else counted(len(names), "instance")
        question = f"{word} {named(names)}?\n{meaning}"
        self.put_in_front(ConfirmDialog(question, f"{word} {what}"), answer)
