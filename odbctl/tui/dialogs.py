"""Dialogs: confirm, type a name, ask for a count. Each returns a value, and does nothing.

A dialog that asks for confirmation ignores keys for a moment after it opens: what was
typed ahead was meant for something else. It takes no letters, only enter on the focused
button, tab, arrows and esc, so that the rest of a word never confirms anything.
"""

from __future__ import annotations

import time
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

DEAF_SECONDS = 0.15
MAX_COUNT = 10_000
Answer = TypeVar("Answer")
DIALOG_CSS = """
{name} {{ align: center middle; }}
{name} > Vertical {{
    width: auto; max-width: 90%; min-width: 40; height: auto; max-height: 90%;
    padding: 1 2; background: $surface; border: round $primary;
}}
{name} Static {{ width: auto; max-width: 100%; height: auto; }}
{name} Horizontal {{ width: auto; height: auto; margin-top: 1; }}
{name} Button {{ margin-right: 2; }}
"""


def room(height: int, *, beside: int) -> int:
    """Return the lines that a dialog has for its list or text.

    Args:
        height: Of the terminal.
        beside: What else stands in the dialog; border and padding come on top.
    """
    return max(int(height * 0.9) - 4 - beside, 1)


class DeafDialog(ModalScreen[Answer]):
    """A dialog that ignores keys until it has been seen; then `FIRST_FOCUS` has the focus.

    With `TAKES_TYPEAHEAD` it ignores none: keys typed before it was shown are typed into it.
    """

    AUTO_FOCUS = ""
    FIRST_FOCUS: ClassVar[str] = "#cancel"
    TAKES_TYPEAHEAD: ClassVar[bool] = False
    # In place of Textual's own, which a deaf dialog would hear.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "step(1)", "Next", show=False),
        Binding("shift+tab", "step(-1)", "Before", show=False),
    ]

    def __init__(self, *, deaf_seconds: float = DEAF_SECONDS) -> None:
        super().__init__()
        self._deaf_seconds = deaf_seconds
        self._heard_from = 0.0
        self.is_deaf = True

    def on_mount(self) -> None:
        """Ignore keys for a moment."""
        if self.TAKES_TYPEAHEAD:
            self.listen()
        else:
            self.set_timer(self._deaf_seconds, self.listen)

    def listen(self) -> None:
        """Take keys from now on."""
        if not self.is_deaf:
            return
        self.is_deaf = False
        self._heard_from = 0.0 if self.TAKES_TYPEAHEAD else time.monotonic()
        self.refresh_bindings()
        for widget in self.query(self.FIRST_FOCUS):
            self.set_focus(widget)
        self.on_listening()

    def hears(self, *, typed_at: float) -> bool:
        """Return whether a key counts that was typed at a time of the monotonic clock."""
        return not self.is_deaf and typed_at >= self._heard_from

    def on_listening(self) -> None:
        """Make ready for keys; the dialogs' own."""

    def action_step(self, step: int) -> None:
        """Move the focus."""
        if step > 0:
            self.focus_next()
        else:
            self.focus_previous()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let no key of the dialog do anything while it is deaf."""
        return not self.is_deaf and super().check_action(action, parameters)


class ConfirmDialog(DeafDialog[bool]):
    """Ask before something is done; Cancel has the focus, and letters do nothing."""

    DEFAULT_CSS = DIALOG_CSS.format(name="ConfirmDialog")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "answer(False)", "Cancel", show=False),
        Binding("left,up", "step(-1)", "Previous button", show=False),
        Binding("right,down", "step(1)", "Next button", show=False),
    ]

    def __init__(self, question: str, verb: str, *, deaf_seconds: float = DEAF_SECONDS) -> None:
        """Store what to ask and what the button says, as `Stop api: 4 instances`."""
        super().__init__(deaf_seconds=deaf_seconds)
        self._question = question
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

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        self.dismiss(event.button.id == "confirm")

    def action_answer(self, answer: bool) -> None:
        """Answer by key."""
        self.dismiss(answer)

    def on_listening(self) -> None:
        """Let it be confirmed."""
        self._confirm.disabled = False


class TypedDialog(DeafDialog[bool]):
    """Ask for a word to be typed before something that cannot be undone is done."""

    DEFAULT_CSS = DIALOG_CSS.format(name="TypedDialog") + "TypedDialog Input { width: 40; }"
    FIRST_FOCUS: ClassVar[str] = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False),
    ]

    def __init__(
        self, question: str, verb: str, word: str, *, deaf_seconds: float = DEAF_SECONDS
    ) -> None:
        """Store what to ask, what enter then does, and the word to type."""
        super().__init__(deaf_seconds=deaf_seconds)
        self._question = question
        self._verb = verb
        self._word = word
        self._hint = Static(id="hint", markup=False)

    def compose(self) -> ComposeResult:
        """Show the question, what to type, and where."""
        with Vertical():
            yield Static(Content(self._question), markup=False)
            yield Static(Content(f"\nType {self._word} to confirm:"), markup=False)
            yield Input(compact=True)
            yield self._hint

    def on_mount(self) -> None:
        """Say what enter does."""
        super().on_mount()
        self._hint.update(Content("esc cancels"))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what enter would do now."""
        is_right = event.value == self._word
        self._hint.update(Content(f"enter: {self._verb}" if is_right else "esc cancels"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer when the word is right; else say that it is not."""
        if event.value == self._word:
            self.dismiss(True)
        else:
            self._hint.update(Content(f"that is not {self._word}; esc cancels"))

    def action_cancel(self) -> None:
        """Answer no."""
        self.dismiss(False)


class CountDialog(ModalScreen[int | None]):
    """Ask for a number of instances."""

    DEFAULT_CSS = DIALOG_CSS.format(name="CountDialog") + "CountDialog Input { width: 20; }"
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
