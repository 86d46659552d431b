"""The current instances of all services."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from odbctl.tui.backend import Action, Verb
from odbctl.tui.dialogs import ConfirmDialog
from odbctl.tui.messages import ActionWanted, StatusChanged
from odbctl.tui.resources import INSTANCES
from odbctl.tui.screens.resource_screen import FILTER, ROW_KEYS, ResourceScreen
from odbctl.tui.service_screen import ALWAYS, CHANGING, EVERYWHERE, counted, named
from odbctl.tui.snapshot import DashboardSnapshot, InstanceRow
from odbctl.tui.state import failed
from odbctl.tui.text import visible


class InstancesScreen(ResourceScreen[InstanceRow], inherit_bindings=False):
    """Instances, with what ends them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,d", "open", "Service", key_display="enter"),
        Binding("l", "logs", "Logs"),
        Binding("x", "stop", "Stop"),
        FILTER,
        Binding("p", "logs_before", "Logs of the run before", show=False),
        Binding("a", "kill", "Kill (SIGKILL)", show=False),
        *ROW_KEYS,
        *ALWAYS,
        *EVERYWHERE,
    ]
    RESOURCE = INSTANCES

    @property
    def what_to_type(self) -> str:
        """How to come to an instance."""
        return "Nothing runs and nothing is wanted.  2 shows the services; u starts one."

    def rows_of(self, snapshot: DashboardSnapshot) -> tuple[InstanceRow, ...]:
        """Return the instances."""
        return snapshot.instances

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer no change in a read-only dashboard."""
        if self.state.is_readonly and action in CHANGING:
            return False
        return super().check_action(action, parameters)

    def action_open(self) -> None:
        """Open the service of the instance."""
        if (row := self.table.cursor_row) is not None:
            self.navigator.open_detail(row.service)

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

    def action_kill(self) -> None:
        """Send the instances SIGKILL, once confirmed."""
        meaning = "SIGKILL to its whole process group: nothing is saved or cleaned up."
        self._confirm(Verb.KILL_INSTANCE, "Kill", meaning)

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
