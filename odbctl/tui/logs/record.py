"""One record, whole: pretty-printed where it is JSON. Pure text, and a dialog to read it in."""

from __future__ import annotations

import json
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from odbctl.tui.logs.ansi import plain

# More than this of one record is not for reading.
MOST_CHARACTERS = 200_000


def pretty(text: str) -> str:
    """Return a record for reading: JSON with an indent, anything else as it is."""
    words = text.strip()
    if words.startswith(("{", "[")):
        try:
            text = json.dumps(json.loads(words), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            pass  # it only looked like JSON
    cut = text[:MOST_CHARACTERS]
    shown = "\n".join(plain(line) for line in cut.split("\n"))
    more = len(text) - len(cut)
    return f"{shown}\n\N{HORIZONTAL ELLIPSIS} and {more:,} characters more" if more else shown


class RecordDialog(ModalScreen[None]):
    """Show a text to read."""

    DEFAULT_CSS = """
    RecordDialog { align: center middle; }
    RecordDialog > Vertical { width: 90%; height: auto; max-height: 90%; padding: 1 2;
        background: $surface; border: round $primary; }
    RecordDialog VerticalScroll { height: auto; max-height: 100%; }
    RecordDialog Static { width: 100%; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "close", "Close", show=False),
        Binding("c", "copy", "Copy", show=False),
        Binding("j,down", "scroll(1)", "Down", show=False),
        Binding("k,up", "scroll(-1)", "Up", show=False),
        Binding("ctrl+f,pagedown", "scroll(10)", "Page down", show=False),
        Binding("ctrl+b,pageup", "scroll(-10)", "Page up", show=False),
    ]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        """Show the text."""
        with Vertical() as box:
            box.border_title = Content(self._title)
            with VerticalScroll():
                yield Static(Content(self._text), markup=False)

    def action_close(self) -> None:
        """Leave."""
        self.dismiss(None)

    def action_copy(self) -> None:
        """Copy the text."""
        self.app.copy_to_clipboard(self._text)  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open
        self.notify("copied", markup=False)

    def action_scroll(self, step: int) -> None:
        """Scroll by lines."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)
