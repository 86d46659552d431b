"""The prompt line: a filter that works while it is typed, or a command after a colon.

Runs in the dashboard's event loop.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Input

from odbctl.tui.views import OTHER_WORDS, WORDS


class PromptKind(StrEnum):
    """What is being typed."""

    FILTER = "/"  # which rows to show
    COMMAND = ":"  # where to go


_HINTS = {
    PromptKind.FILTER: "pattern, !without, ~fuzzy, status=failed; enter keeps it, esc clears it",
    PromptKind.COMMAND: "svc in ho cb ev aws dp ov, help, quit; tab completes",
}


class Prompt(Input):
    """One line to type into; it is there while it is open only."""

    DEFAULT_CSS = """
    Prompt { display: none; border: none; padding: 0; height: 1; width: 1fr; }
    Prompt.-open { display: block; }
    Prompt.-broken { color: $text-error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=False),
        Binding("tab", "complete", "Complete", show=False),
    ]

    class Typed(Message):
        """The text of a prompt changed; `is_done` when enter was pressed."""

        def __init__(self, kind: PromptKind, text: str, *, is_done: bool) -> None:
            super().__init__()
            self.kind = kind
            self.text = text
            self.is_done = is_done

    class Left(Message):
        """The prompt was left without enter."""

        def __init__(self, kind: PromptKind) -> None:
            super().__init__()
            self.kind = kind

    def __init__(self) -> None:
        super().__init__(id="prompt", compact=True, select_on_focus=False)
        self.kind = PromptKind.FILTER

    @property
    def is_open(self) -> bool:
        """Whether somebody types."""
        return self.has_class("-open")

    def open(self, kind: PromptKind, text: str = "") -> None:
        """Let the person type, beginning with a text."""
        self.kind = kind
        self.placeholder = _HINTS[kind]
        is_command = kind is PromptKind.COMMAND
        self.suggester = SuggestFromList(WORDS + OTHER_WORDS) if is_command else None
        with self.prevent(Input.Changed):
            self.value = text
        self.cursor_position = len(text)
        self.remove_class("-broken")
        self.add_class("-open")
        self.screen.set_focus(self)  # at once: `focus()` only asks for it

    def close(self) -> None:
        """Be out of sight."""
        self.remove_class("-open")

    def action_complete(self) -> None:
        """Take the word that is suggested."""
        self.action_cursor_right()

    def action_leave(self) -> None:
        """Type no more."""
        self.post_message(self.Left(self.kind))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Pass on what was typed."""
        event.stop()
        self.post_message(self.Typed(self.kind, event.value, is_done=False))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Pass on what was typed, for good."""
        event.stop()
        self.post_message(self.Typed(self.kind, event.value, is_done=True))
