"""Dialogs: confirm, ask for a count, help. Each returns a value and does nothing itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

# Keys typed ahead must not confirm what was not yet read.
DEAF_SECONDS = 0.15
MAX_COUNT = 10_000
_DIALOG_CSS = """
{name} {{ align: center middle; }}
{name} > Vertical {{
    width: auto; max-width: 90%; min-width: 40; height: auto; max-height: 90%;
    padding: 1 2; background: $surface; border: round $primary;
}}
{name} Static {{ width: auto; max-width: 100%; height: auto; }}
{name} Horizontal {{ width: auto; height: auto; margin-top: 1; }}
{name} Button {{ margin-right: 2; }}
"""


class ConfirmDialog(ModalScreen[bool]):
    """Ask before something is done; Cancel has the focus."""

    DEFAULT_CSS = _DIALOG_CSS.format(name="ConfirmDialog")
    AUTO_FOCUS = "#cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "answer(False)", "Cancel", show=False),
        Binding("left,h", "app.focus_previous", "Button before", show=False),
        Binding("right,l", "app.focus_next", "Next button", show=False),
    ]

    def __init__(self, question: str, verb: str, *, deaf_seconds: float = DEAF_SECONDS) -> None:
        """Store what to ask and what the button says, as `Stop api: 4 instances`."""
        super().__init__()
        self._question = question
        self._deaf_seconds = deaf_seconds
        self._confirm = Button(
            Content(verb), id="confirm", variant="error", compact=True, disabled=True
        )

    def compose(self) -> ComposeResult:
        """Show the question and two buttons."""
        with Vertical():
            yield Static(Content(self._question), markup=False)
            with Horizontal():
                yield Button("Cancel", id="cancel", compact=True)
                yield self._confirm

    def on_mount(self) -> None:
        """Be deaf for a moment; the focus is on the harmless button."""
        self.set_timer(self._deaf_seconds, self._listen)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        self.dismiss(event.button.id == "confirm")

    def action_answer(self, answer: bool) -> None:
        """Answer by key."""
        self.dismiss(answer)

    def _listen(self) -> None:
        self._confirm.disabled = False


class CountDialog(ModalScreen[int | None]):
    """Ask for a number of instances."""

    DEFAULT_CSS = _DIALOG_CSS.format(name="CountDialog") + "CountDialog Input { width: 20; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", show=False)]

    def __init__(self, question: str, count: int) -> None:
        super().__init__()
        self._question = question
        self._count = count

    def compose(self) -> ComposeResult:
        """Show the question and a small input."""
        with Vertical():
            yield Static(Content(self._question), markup=False)
            yield Input(str(self._count), type="integer", compact=True, max_length=5)
            yield Static("enter sets it, esc cancels", id="hint", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer with a number in range, or say the range."""
        count = int(event.value) if event.value.isdecimal() else -1
        if 0 <= count <= MAX_COUNT:
            self.dismiss(count)
        else:
            self.query_one("#hint", Static).update(f"a number from 0 to {MAX_COUNT}")

    def action_cancel(self) -> None:
        """Answer nothing."""
        self.dismiss(None)


class HelpDialog(ModalScreen[None]):
    """Every key and what it does, from the bindings themselves."""

    DEFAULT_CSS = (
        _DIALOG_CSS.format(name="HelpDialog") + "HelpDialog VerticalScroll { height: auto; "
        "width: auto; max-height: 100%; }"
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "close", "Close", show=False),
        Binding("j", "scroll(1)", "Down", show=False),
        Binding("k", "scroll(-1)", "Up", show=False),
    ]

    def __init__(self, groups: Sequence[tuple[str, Iterable[BindingType]]]) -> None:
        super().__init__()
        self._lines = help_lines(groups)

    def compose(self) -> ComposeResult:
        """Show the lines."""
        with Vertical(), VerticalScroll():
            yield Static(Content("\n".join(self._lines)), markup=False)

    def action_close(self) -> None:
        """Leave."""
        self.dismiss(None)

    def action_scroll(self, step: int) -> None:
        """Scroll by lines."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)


_KEY_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "equals_sign": "=",
    "exclamation_mark": "!",
    "colon": ":",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "escape": "esc",
}


def help_lines(groups: Sequence[tuple[str, Iterable[BindingType]]]) -> list[str]:
    """Return one line per binding, under its group's title."""
    lines: list[str] = []
    for title, bindings in groups:
        lines += ["", title] if lines else [title]
        for binding in bindings:
            if isinstance(binding, Binding) and binding.description:
                keys = " ".join(_KEY_NAMES.get(key, key) for key in binding.key.split(","))
                lines.append(f"  {keys:<18}{binding.description}")
    return lines
