"""The line in which a person types what to look for in a log, or where to save it."""

from __future__ import annotations

from enum import StrEnum

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static


class Prompt(StrEnum):
    """What the person is typing; the value stands before it."""

    SEARCH = "/"  # a pattern to go to
    FILTER = "&"  # a pattern that lines must have, or `!` and one that they must not
    TIME = "@"  # a time to go to
    SAVE = "save as "  # the name of a file


_HINTS = {
    Prompt.SEARCH: "text or regex; a capital letter makes it case-sensitive",
    Prompt.FILTER: "regex, !regex excludes, +3 adds context lines; empty shows all",
    Prompt.TIME: "14:05, -15m or 2026-11-25T14:05",
    Prompt.SAVE: "name of a file",
}


class AskLine(Horizontal):
    """A prompt and an input; its panel hears what was typed."""

    DEFAULT_CSS = """
    AskLine { display: none; height: 1; padding: 0 1; }
    AskLine > #log-asked { width: auto; height: 1; text-style: bold; }
    AskLine > #log-prompt { width: 1fr; border: none; padding: 0; height: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.prompt = Prompt.SEARCH
        self._asked = Static(id="log-asked", markup=False)
        self._input = Input(id="log-prompt", compact=True)

    def compose(self) -> ComposeResult:
        """Put the prompt before the input."""
        yield self._asked
        yield self._input

    def ask(self, prompt: Prompt, text: str) -> None:
        """Let the person type, with a text to begin with."""
        self.prompt = prompt
        self._input.value = text
        self._input.placeholder = _HINTS[prompt]
        self._asked.update(Content(prompt))
        self._input.cursor_position = len(text)
        self.screen.set_focus(self._input)  # at once: `focus()` only asks for it
