"""What every screen about services shares: frame, actions on a service, help.

Runs in the dashboard's event loop. A screen is given a `DashboardState` and
posts messages; it never reads or changes anything itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Static

from odbctl.tui.backend import Action, Request, Verb
from odbctl.tui.dialogs import ConfirmDialog, CountDialog, HelpDialog
from odbctl.tui.flows.actions import FlowActions
from odbctl.tui.keymap import identified
from odbctl.tui.log_view import LogView
from odbctl.tui.messages import ActionWanted, RequestChanged, StatusChanged
from odbctl.tui.paint import Cell, Tone, header_cells
from odbctl.tui.snapshot import ServiceRow
from odbctl.tui.state import DashboardState, failed
from odbctl.tui.table import RowTable
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
ALWAYS: tuple[BindingType, ...] = tuple(
    identified(
        [
            Binding("question_mark", "help", "Help", key_display="?"),
            Binding("q", "app.quit", "Quit"),
        ]
    )
)
Answer = TypeVar("Answer")
_STYLES = {
    Tone.PLAIN: "$foreground",
    Tone.STRONG: "bold $foreground",
    Tone.MUTED: "$secondary",
    Tone.GOOD: "$text-success",
    Tone.BUSY: "$text-accent",
    Tone.WARN: "$text-warning",
    Tone.BAD: "bold $text-error",
}


def content_of(*cells: Cell) -> Content:
    """Return cells as one line; nothing in them is taken for markup."""
    return Content.assemble(*((cell.text, _STYLES[cell.tone]) for cell in cells))


class ServiceScreen(FlowActions):
    """A header, a banner, a body of its own, a status line and a footer."""

    DEFAULT_CSS = """
    ServiceScreen { layout: vertical; background: $background; }
    ServiceScreen #header { height: 1; background: $panel; }
    ServiceScreen #banner { height: auto; padding: 0 1; background: $warning 25%; display: none; }
    ServiceScreen #banner.-said { display: block; }
    ServiceScreen #status { height: 1; padding: 0 1; }
    ServiceScreen #enlarge { display: none; width: 100%; text-align: center; }
    ServiceScreen #body { height: 1fr; }
    ServiceScreen .-stale { opacity: 70%; }
    ServiceScreen .pane { border-top: solid $panel; border-title-color: $secondary;
        border-subtitle-color: $text-warning; }
    ServiceScreen.-low > *, ServiceScreen.-thin > * { display: none; }
    ServiceScreen.-low #enlarge, ServiceScreen.-thin #enlarge { display: block; }
    """
    HORIZONTAL_BREAKPOINTS = [
        (0, "-thin"),
        (61, "-narrow"),
        (110, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (16, "-high")]

    def __init__(self, state: DashboardState) -> None:
        super().__init__()
        self.state = state
        self._header = Static(id="header", markup=False)
        self._banner = Static(id="banner", markup=False)
        self._status = Static(id="status", markup=False)
        self._body = Vertical(id="body")

    def compose(self) -> ComposeResult:
        """Put the frame around the body."""
        yield self._header
        yield self._banner
        yield Static("enlarge the terminal", id="enlarge", markup=False)
        yield from self.compose_body()
        yield self._status
        yield Footer(show_command_palette=False)

    def compose_body(self) -> Iterable[Widget]:
        """Make what is between header and status line; the screens' own."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Draw what is known already."""
        self.show_state(self.state)

    def on_resize(self) -> None:
        """Fit the header to the width."""
        self._show_frame(self.state)

    @property
    def target(self) -> ServiceRow | None:
        """The service that actions are about: the one shown as selected."""
        raise NotImplementedError

    @property
    def request(self) -> Request:
        """What this screen looks at."""
        raise NotImplementedError

    def show_state(self, state: DashboardState) -> None:
        """Draw another state."""
        self.state = state
        self._show_frame(state)
        self.show_body(state)

    def show_body(self, state: DashboardState) -> None:
        """Draw the body; the screens' own."""
        raise NotImplementedError

    def ask(self) -> None:
        """Tell what this screen looks at."""
        self.post_message(RequestChanged(self.request))

    def on_screen_resume(self) -> None:
        """Look at this screen's own things again."""
        self.ask()

    def action_start(self) -> None:
        """Want the service to run; asks nothing, for it harms nothing."""
        if (service := self.target) is None:
            self._say_nothing_selected()
        elif self.state.failure:
            self.post_message(StatusChanged(failed(self.state.refusal)))
        else:
            self.post_message(ActionWanted(Action(verb=Verb.START, service=service.key)))

    def action_stop(self) -> None:
        """Stop the service, once confirmed."""
        for service in self._changeable():
            self._confirm(Verb.STOP, service, "Stop", "Nothing of it runs until it is started.")

    def action_restart(self) -> None:
        """Replace the service's instances, once confirmed."""
        for service in self._changeable():
            self._confirm(Verb.RESTART, service, "Restart", "New instances take over one by one.")

    def action_scale(self) -> None:
        """Ask how many instances are wanted."""
        for service in self._changeable():
            name = service.key

            def answer(count: int | None, name: str = name) -> None:
                if count is not None:
                    action = Action(verb=Verb.SCALE, service=name, count=count)
                    self.post_message(ActionWanted(action))

            question = f"How many instances of {visible(name)}?"
            self.put_in_front(CountDialog(question, service.desired_count), answer)

    def action_help(self) -> None:
        """Show every key."""
        groups = [
            ("This screen", type(self).BINDINGS),
            ("Tables", RowTable.BINDINGS),
            ("Logs", LogView.BINDINGS),
        ]
        self.put_in_front(HelpDialog(groups))

    def put_in_front(
        self, screen: Screen[Answer], answer: Callable[[Answer | None], None] | None = None
    ) -> None:
        """Put a screen in front, and hear what it answers."""
        self.app.push_screen(screen, answer)  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open

    def _confirm(self, verb: Verb, service: ServiceRow, word: str, meaning: str) -> None:
        # What was shown when the person chose; the cursor may move below the dialog.
        action = Action(verb=verb, service=service.key)
        name, count = visible(service.key), service.instance_count
        instances = f"{count} instance" + ("" if count == 1 else "s")

        def answer(is_confirmed: bool | None) -> None:
            if is_confirmed:
                self.post_message(ActionWanted(action))

        question = f"{word} service {name}?\n{meaning}"
        self.put_in_front(ConfirmDialog(question, f"{word} {name}: {instances}"), answer)

    def _changeable(self) -> Iterator[ServiceRow]:
        """Yield the target if it can be changed now; else say why not."""
        if (service := self.target) is None:
            self._say_nothing_selected()
        elif refusal := self.state.refusal:
            self.post_message(StatusChanged(failed(refusal)))
        else:
            yield service

    def _say_nothing_selected(self) -> None:
        self.post_message(StatusChanged(failed("No service is selected")))

    def _show_frame(self, state: DashboardState) -> None:
        if state.snapshot is not None:
            self._header.update(content_of(*header_cells(state.snapshot, self.size.width)))
        self._banner.update(Content(visible(state.banner)))
        self._banner.set_class(bool(state.banner), "-said")
        self._body.set_class(bool(state.banner), "-stale")
        self._status.update(content_of(self.status_cell(state)))

    def status_cell(self, state: DashboardState) -> Cell:
        """Return the status line."""
        return Cell(visible(state.status.text), state.status.tone)
