"""What every screen about services shares: the actions on them.

An action is about the rows that are shown as marked or selected when its key
is pressed: their names are fixed then, whatever moves under the dialog.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding, BindingType

from odbctl.tui.backend import Action, Verb
from odbctl.tui.dialogs import ConfirmDialog, CountDialog
from odbctl.tui.flows.actions import FlowActions
from odbctl.tui.frame_screen import ALWAYS, EVERYWHERE, FrameScreen
from odbctl.tui.keymap import identified
from odbctl.tui.messages import ActionWanted, StatusChanged
from odbctl.tui.snapshot import ServiceRow
from odbctl.tui.state import failed
from odbctl.tui.text import visible

__all__ = ["ACTIONS", "ALWAYS", "EVERYWHERE", "ServiceScreen"]

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
NAMES_SHOWN = 5


def named(names: Sequence[str]) -> str:
    """Return names for a question, some of them if there are many."""
    shown = ", ".join(visible(name) for name in names[:NAMES_SHOWN])
    more = len(names) - NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def counted(count: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


class ServiceScreen(FrameScreen, FlowActions):
    """A screen with actions on services."""

    @property
    def target(self) -> ServiceRow | None:
        """The service that the screen is about: the one shown as selected."""
        raise NotImplementedError

    @property
    def targets(self) -> tuple[ServiceRow, ...]:
        """The services that actions are about: the marked ones, else the selected one."""
        target = self.target
        return () if target is None else (target,)

    def action_start(self) -> None:
        """Want the services to run; asks nothing, for it harms nothing."""
        services = self._changeable(self.state.start_refusal)
        if services:
            self.post_message(
                ActionWanted(*(Action(verb=Verb.START, service=s.key) for s in services))
            )

    def action_stop(self) -> None:
        """Stop the services, once confirmed."""
        self._confirm(Verb.STOP, "Stop", "Nothing of it runs until it is started.")

    def action_restart(self) -> None:
        """Replace the services' instances, once confirmed."""
        self._confirm(Verb.RESTART, "Restart", "New instances take over one by one.")

    def action_scale(self) -> None:
        """Ask how many instances are wanted."""
        services = self._changeable(self.state.refusal)
        if not services:
            return
        names = tuple(service.key for service in services)

        def answer(count: int | None) -> None:
            if count is not None:
                actions = (Action(verb=Verb.SCALE, service=n, count=count) for n in names)
                self.post_message(ActionWanted(*actions))

        each = "" if len(names) == 1 else "each of "
        question = f"How many instances of {each}{named(names)}?"
        self.put_in_front(CountDialog(question, services[0].desired_count), answer)

    def _confirm(self, verb: Verb, word: str, meaning: str) -> None:
        services = self._changeable(self.state.refusal)
        if not services:
            return
        # What was shown when the person chose; the cursor may move below the dialog.
        actions = tuple(Action(verb=verb, service=service.key) for service in services)
        names = tuple(service.key for service in services)

        def answer(is_confirmed: bool | None) -> None:
            if is_confirmed:
                self.post_message(ActionWanted(*actions))

        instances = counted(sum(s.instance_count for s in services), "instance")
        is_one = len(names) == 1
        what = visible(names[0]) if is_one else counted(len(names), "service")
        noun = "service" if is_one else "services"
        question = f"{word} {noun} {named(names)}?\n{meaning}"
        self.put_in_front(ConfirmDialog(question, f"{word} {what}: {instances}"), answer)

    def _changeable(self, refusal: str) -> tuple[ServiceRow, ...]:
        """Return the targets if they can be changed now; else say why not."""
        targets = self.targets
        if not targets:
            self.post_message(StatusChanged(failed("No service is selected")))
        elif refusal:
            self.post_message(StatusChanged(failed(refusal)))
        else:
            return targets
        return ()
