"""What a screen about services takes over to have flows: keys and their actions."""

from __future__ import annotations

from textual.binding import Binding, BindingType
from textual.screen import Screen

from odbctl.tui.flows.flow import Flows
from odbctl.tui.keymap import CHANGING_ACTIONS
from odbctl.tui.messages import StatusChanged
from odbctl.tui.snapshot import ServiceRow
from odbctl.tui.state import DashboardState, failed
from odbctl.tui.toolbox import app_of, toolbox_of

FLOW_ACTIONS: tuple[BindingType, ...] = (
    Binding("D", "deploy", "Deploy", show=False),
    Binding("B", "roll_back", "Roll back", show=False),
    Binding("a", "actions", "Every action", show=False),
)


class FlowActions(Screen[None]):
    """The actions of `FLOW_ACTIONS`, about the `target` of the screen."""

    state: DashboardState

    @property
    def target(self) -> ServiceRow | None:
        """The service that the screen is about."""
        raise NotImplementedError

    @property
    def flows(self) -> Flows | None:
        """What begins flows; None in an app without them."""
        found = toolbox_of(self)
        return Flows(app_of(self), found.flows, clock=found.clock) if found is not None else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer no change in a read-only dashboard."""
        if action in CHANGING_ACTIONS and action != "actions" and self.state.is_readonly:
            return False
        return super().check_action(action, parameters)

    def action_deploy(self) -> None:
        """Choose what the service is to run."""
        if (found := self._flow_target(self.state.refusal)) is not None:
            found[0].deploy(found[1])

    def action_roll_back(self) -> None:
        """Choose to what the service goes back."""
        if (found := self._flow_target(self.state.refusal)) is not None:
            found[0].roll_back(found[1])

    def action_actions(self) -> None:
        """Show everything that can be done to the service."""
        if (found := self._flow_target("")) is not None:
            found[0].service_actions(
                found[1], blocked=self.state.refusal, is_readonly=self.state.is_readonly
            )

    def _flow_target(self, refusal: str) -> tuple[Flows, str] | None:
        """Return what begins flows and the service; else say why there is none."""
        service, flows = self.target, self.flows
        problem = refusal or ("" if service is not None else "No service is selected")
        if service is None or flows is None or problem:
            self.post_message(StatusChanged(failed(problem or "Nothing can be changed here")))
            return None
        return flows, service.key
