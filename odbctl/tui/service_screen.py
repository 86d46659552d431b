"""What every screen about services shares: the actions on them.

An action is about the rows that are shown as marked or selected when its key
is pressed: their names are fixed then, whatever moves under the dialog.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding, BindingType

from odbctl.tui.flows.orders import Order, OrderVerb, names_text
from odbctl.tui.frame_screen import FrameScreen
from odbctl.tui.keymap import identified
from odbctl.tui.snapshot import ServiceRow
from odbctl.tui.text import visible

ACTIONS: tuple[BindingType, ...] = tuple(
    identified(
        [
            Binding("u", "start", "Start"),
            Binding("x", "stop", "Stop"),
            Binding("r", "restart", "Restart", show=False),
            Binding("equals_sign", "scale", "Scale", show=False, key_display="="),
        ]
    )
)
FLOW_ACTIONS: tuple[BindingType, ...] = (
    Binding("D", "deploy", "Deploy", show=False),
    Binding("B", "roll_back", "Roll back", show=False),
    Binding("a", "actions", "Every action", show=False),
)


class ServiceScreen(FrameScreen):
    """A screen with actions on services."""

    @property
    def target(self) -> ServiceRow | None:
        """The service that the screen is about: the one shown as selected."""
        raise NotImplementedError

    @property
    def targets(self) -> tuple[ServiceRow, ...]:
        """The services that orders are about: the marked ones, else the selected one."""
        return self._chosen

    @property
    def _chosen(self) -> tuple[ServiceRow, ...]:
        target = self.target
        return () if target is None else (target,)

    def action_start(self) -> None:
        """Want the services to run; asks nothing, for it harms nothing."""
        self._order(OrderVerb.START, self.state.start_refusal)

    def action_stop(self) -> None:
        """Stop the services, once confirmed."""
        self._order(OrderVerb.STOP, self.state.refusal)

    def action_restart(self) -> None:
        """Replace the services' instances, once confirmed."""
        self._order(OrderVerb.RESTART, self.state.refusal or restart_refusal(self.targets))

    def action_scale(self) -> None:
        """Ask how many instances are wanted."""
        services = self.targets
        if self.can_change(services, "service", self.state.refusal):
            names = tuple(service.key for service in services)
            self.navigator.flows.scale(names, services[0].desired_count)

    def action_deploy(self) -> None:
        """Choose what the services are to run."""
        if self.can_change(self.targets, "service", self.state.refusal):
            self.navigator.flows.deploy(*(service.key for service in self.targets))

    def action_roll_back(self) -> None:
        """Choose to what the services go back."""
        if self.can_change(self.targets, "service", self.state.refusal):
            self.navigator.flows.roll_back(*(service.key for service in self.targets))

    def action_actions(self) -> None:
        """Show everything that can be done to the services."""
        if self.can_change(self.targets, "service", ""):
            self.navigator.flows.service_actions(
                *(service.key for service in self.targets),
                blocked=self.state.refusal,
                is_readonly=self.state.is_readonly,
            )

    def _order(self, verb: OrderVerb, refusal: str) -> None:
        services = self.targets
        if self.can_change(services, "service", refusal):
            order = Order(verb=verb, targets=tuple(service.key for service in services))
            self.navigator.flows.order(order, {s.key: s.instance_count for s in services})


def restart_refusal(services: Sequence[ServiceRow]) -> str:
    """Return why none of some services can be restarted; empty when one can."""
    if any(service.is_wanted for service in services):
        return ""
    names = visible(names_text(tuple(service.key for service in services)))
    return f"{names} {'is' if len(services) == 1 else 'are'} stopped: nothing to restart"
