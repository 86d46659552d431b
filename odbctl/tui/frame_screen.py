"""The frame of every screen: header, crumbs, banner, body, prompt, status, footer.

Runs in the dashboard's event loop. A screen is given a `DashboardState` and
posts messages; it never reads or changes anything itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Static

from odbctl.tui.backend import Request
from odbctl.tui.drawing import content_line
from odbctl.tui.frame_paint import crumb_cells, header_cells
from odbctl.tui.keymap import CHANGING_ACTIONS, identified
from odbctl.tui.messages import CommandTyped, RequestChanged, StatusChanged
from odbctl.tui.navigator import Navigator
from odbctl.tui.paint import Cell, Tone
from odbctl.tui.prompt import Prompt, PromptKind
from odbctl.tui.state import DashboardState, failed
from odbctl.tui.table import RowTable
from odbctl.tui.text import visible

if TYPE_CHECKING:
    from odbctl.tui.help_text import HelpSection

ALWAYS: tuple[BindingType, ...] = tuple(
    identified(
        [
            Binding("question_mark", "help", "Help", key_display="?"),
            Binding("q", "app.quit", "Quit"),
        ]
    )
)
COMMANDS: tuple[BindingType, ...] = tuple(
    identified(
        [
            Binding("colon", "command", "Command", show=False, key_display=":"),
            Binding("ctrl+p", "app.command_palette", "Palette", show=False),
        ]
    )
)
# Where keys lead from every screen; the app itself does what they say.
EVERYWHERE: tuple[BindingType, ...] = (
    *identified(
        [
            Binding("1", "app.go('overview')", "Overview", show=False),
            Binding("2", "app.go('services')", "Services", show=False),
            Binding("3", "app.go('instances')", "Instances", show=False),
            Binding("4", "app.go('hosts')", "Hosts", show=False),
            Binding("5", "app.go('codebases')", "Codebases", show=False),
            Binding("6", "app.go('events')", "Events", show=False),
            Binding("7", "app.go('aws')", "AWS", show=False),
            Binding("8", "app.go('deploys')", "Deploys", show=False),
            Binding(
                "left_square_bracket",
                "app.history(-1)",
                "Previous view",
                show=False,
                key_display="[",
            ),
            Binding(
                "right_square_bracket", "app.history(1)", "Next view", show=False, key_display="]"
            ),
        ]
    ),
    *COMMANDS,
)
Answer = TypeVar("Answer")


class Line(Static):
    """A line of cells, drawn anew only when they are others."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, markup=False)
        self._cells: tuple[Cell, ...] = ()

    def show(self, *cells: Cell) -> None:
        """Show cells; the same ones again cost nothing."""
        if cells != self._cells:
            self._cells = cells
            is_ansi = self.app.native_ansi_color  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open
            self.update(content_line(cells, is_ansi=is_ansi))


class FrameScreen(Screen[None]):
    """A screen with the frame around a body of its own."""

    DEFAULT_CSS = """
    FrameScreen { layout: vertical; overflow: hidden; background: $background; }
    FrameScreen #header { height: 1; background: $panel; }
    FrameScreen #crumbs { height: 1; padding: 0 1; }
    FrameScreen #banner { height: auto; padding: 0 1; background: $warning 25%; display: none; }
    FrameScreen:ansi #banner { background: ansi_default; text-style: bold reverse; }
    FrameScreen #banner.-said { display: block; }
    FrameScreen #status { height: auto; max-height: 5; padding: 0 1; }
    FrameScreen.-short #status { max-height: 2; }
    FrameScreen.-high #status { max-height: 8; }
    FrameScreen #notice { display: none; height: auto; max-height: 10; padding: 0 1;
        background: $error 20%; color: $text-error; }
    FrameScreen:ansi #notice { background: ansi_default; text-style: bold reverse; }
    FrameScreen #notice.-said { display: block; }
    FrameScreen #prompt-line { display: none; height: 1; padding: 0 1; }
    FrameScreen #sign { width: 1; }
    FrameScreen.-prompting #prompt-line { display: block; }
    FrameScreen.-prompting #status { display: none; }
    FrameScreen #enlarge { display: none; width: 100%; text-align: center; }
    FrameScreen #body { height: 1fr; }
    FrameScreen .-stale { opacity: 70%; }
    FrameScreen .pane { border-top: solid $panel; border-title-color: $secondary;
        border-subtitle-color: $text-warning; }
    FrameScreen.-low > *, FrameScreen.-thin > *,
    FrameScreen.-low #banner.-said, FrameScreen.-thin #banner.-said,
    FrameScreen.-low #notice.-said, FrameScreen.-thin #notice.-said { display: none; }
    FrameScreen.-low #prompt-line, FrameScreen.-thin #prompt-line { display: none; }
    FrameScreen.-low #enlarge, FrameScreen.-thin #enlarge { display: block; }
    """
    HORIZONTAL_BREAKPOINTS = [
        (0, "-thin"),
        (61, "-narrow"),
        (110, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (16, "-short"), (22, "-middle"), (32, "-high")]
    CRUMB: ClassVar[str] = ""

    def __init__(self, state: DashboardState) -> None:
        super().__init__()
        self.state = state
        self._header = Line(id="header")
        self._crumbs = Line(id="crumbs")
        self._banner = Line(id="banner")
        self._notice = Line(id="notice")
        self._status = Line(id="status")
        self._body = Vertical(id="body")
        self._sign = Line(id="sign")
        self.prompt = Prompt()
        self._focus_before: Widget | None = None

    def compose(self) -> ComposeResult:
        """Put the frame around the body."""
        yield self._header
        yield self._crumbs
        yield self._banner
        yield Static("enlarge the terminal", id="enlarge", markup=False)
        yield from self.compose_body()
        with Horizontal(id="prompt-line"):
            yield self._sign
            yield self.prompt
        yield self._notice
        yield self._status
        yield Footer(show_command_palette=False)

    def compose_body(self) -> Iterable[Widget]:
        """Make what is between crumbs and status line; the screens' own."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Draw what is known already."""
        self.show_state(self.state)

    def on_resize(self) -> None:
        """Fit the frame to the width; the body loses the keys while it is too small."""
        if self.focused is None and self.is_mounted:
            self.focus_body()
        self._show_frame(self.state)

    @property
    def navigator(self) -> Navigator:
        """Who opens other screens: the app."""
        return cast("Navigator", self.app)  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer no change in a read-only dashboard; the menu says why nothing in it can be."""
        if self.state.is_readonly and action in CHANGING_ACTIONS and action != "actions":
            return False
        return super().check_action(action, parameters)

    def can_change(self, targets: Sequence[object], noun: str, refusal: str) -> bool:
        """Tell whether something can be ordered; else say why not.

        Args:
            targets: What it would be done to.
            noun: What that is.
            refusal: Why nothing can be changed now; empty when it can.
        """
        problem = refusal if targets else f"No {noun} is selected"
        if problem:
            self.post_message(StatusChanged(failed(problem)))
        return not problem

    @property
    def request(self) -> Request:
        """What this screen looks at."""
        raise NotImplementedError

    @property
    def crumbs(self) -> tuple[str, ...]:
        """Where this screen is."""
        return (self.CRUMB,)

    @property
    def notes(self) -> Sequence[Cell]:
        """What is done to what is shown: filter, order, marks."""
        return ()

    def show_state(self, state: DashboardState) -> None:
        """Draw another state."""
        self.state = state
        self.show_body(state)
        self._show_frame(state)

    def show_body(self, state: DashboardState) -> None:
        """Draw the body; the screens' own."""
        raise NotImplementedError

    def ask(self) -> None:
        """Tell what this screen looks at."""
        self.post_message(RequestChanged(self.request))

    def on_screen_resume(self) -> None:
        """Look at this screen's own things again."""
        self.ask()

    def action_command(self) -> None:
        """Let the person type where to go."""
        self.open_prompt(PromptKind.COMMAND)

    def open_prompt(self, kind: PromptKind, text: str = "") -> None:
        """Let the person type in the prompt line."""
        self._focus_before = self.focused
        self.add_class("-prompting")
        self._sign.show(Cell(kind.value, Tone.BUSY))
        self.prompt.open(kind, text)

    def close_prompt(self) -> None:
        """Give the keys back to the body."""
        self.remove_class("-prompting")
        self.prompt.close()
        self.focus_body()
        self._show_frame(self.state)

    def focus_body(self) -> None:
        """Give the keys back to the body: to what had them before the prompt."""
        self.set_focus(self._focus_before)

    def on_prompt_typed(self, event: Prompt.Typed) -> None:
        """Go where the person typed; a filter is the screens' own."""
        event.stop()
        if event.kind is PromptKind.FILTER:
            self.filter_typed(event.text, is_done=event.is_done)
        elif event.is_done:
            self.close_prompt()
            if event.text.strip():
                self.post_message(CommandTyped(event.text))

    def on_prompt_left(self, event: Prompt.Left) -> None:
        """Type no more."""
        event.stop()
        if event.kind is PromptKind.FILTER:
            self.filter_typed("", is_done=True)
        else:
            self.close_prompt()

    def filter_typed(self, text: str, *, is_done: bool) -> None:
        """Filter what is shown; for screens that can."""
        del text
        if is_done:
            self.close_prompt()

    def action_help(self) -> None:
        """Show every key."""
        from odbctl.tui.help_dialog import HelpDialog

        self.put_in_front(HelpDialog(self.help_groups(), self.help_sections()))

    def help_sections(self) -> Sequence[HelpSection]:
        """Return what the help explains beside keys."""
        from odbctl.tui.help_text import SYMBOLS

        return (SYMBOLS,)

    def help_groups(self) -> list[tuple[str, Iterable[BindingType]]]:
        """Return the bindings that work here, by title."""
        own = [b for b in type(self).BINDINGS if b not in EVERYWHERE and self.is_offered(b)]
        return [("This screen", own), ("Tables", RowTable.BINDINGS), ("Everywhere", EVERYWHERE)]

    def is_offered(self, binding: BindingType) -> bool:
        """Tell whether a binding does anything now."""
        return not isinstance(binding, Binding) or self.check_action(binding.action, ()) is True

    def put_in_front(
        self, screen: Screen[Answer], answer: Callable[[Answer | None], None] | None = None
    ) -> None:
        """Put a screen in front, and hear what it answers."""
        self.app.push_screen(screen, answer)  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open

    def show_frame(self) -> None:
        """Draw the frame again."""
        self._show_frame(self.state)

    def _show_frame(self, state: DashboardState) -> None:
        width = self.size.width
        if state.snapshot is not None:
            header = header_cells(
                state.snapshot,
                width,
                age_seconds=state.age_seconds,
                is_readonly=state.is_readonly,
            )
            self._header.show(*header)
        self._crumbs.show(*crumb_cells(self.crumbs, self.notes, width))
        self._banner.show(Cell(visible(state.banner)))
        self._banner.set_class(bool(state.banner), "-said")
        self._body.set_class(bool(state.banner), "-stale")
        self._notice.show(Cell(state.notice))
        self._notice.set_class(bool(state.notice), "-said")
        self._status.show(self.status_cell(state))

    def status_cell(self, state: DashboardState) -> Cell:
        """Return the status line."""
        return Cell(visible(state.status.text), state.status.tone)
