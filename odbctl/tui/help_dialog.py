"""The help: every key, symbol and column of the screen in front; typing searches it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from odbctl.tui.drawing import content_lines
from odbctl.tui.help_text import HelpSection, found_in, key_sections, laid_out
from odbctl.tui.paint import Cell, Tone
from odbctl.tui.toolbox import keymap_of

# Border, padding and scrollbar beside the text.
BESIDE_CELLS = 8
SHARE_OF_WIDTH = 0.95


class HelpDialog(ModalScreen[None]):
    """The help of a screen, in columns where there is room."""

    DEFAULT_CSS = """
    HelpDialog { align: center middle; }
    HelpDialog > Vertical { width: 95%; height: auto; max-height: 95%; padding: 0 2;
        background: $surface; border: round $primary; }
    HelpDialog Input { width: 1fr; margin-bottom: 1; }
    HelpDialog VerticalScroll { height: auto; max-height: 100%; scrollbar-size-vertical: 1; }
    HelpDialog Static { width: auto; height: auto; }
    """
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Clear the search, then close", show=False),
        Binding("enter", "close", "Close", show=False),
        Binding("down", "scroll(1)", "Down", show=False),
        Binding("up", "scroll(-1)", "Up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False, priority=True),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False, priority=True),
    ]

    def __init__(
        self,
        groups: Iterable[tuple[str, Iterable[BindingType]]],
        sections: Sequence[HelpSection] = (),
    ) -> None:
        """Store what to show.

        Args:
            groups: Titles and bindings.
            sections: What else is explained, below the keys.
        """
        super().__init__()
        self._groups = tuple(groups)
        self._more = tuple(sections)
        self._input = Input(placeholder="type to search, esc closes", compact=True)
        self._text = Static(markup=False)

    def compose(self) -> ComposeResult:
        """Show where to type, and the text."""
        with Vertical():
            yield self._input
            with VerticalScroll(can_focus=False):
                yield self._text

    def on_resize(self) -> None:
        """Lay the text out for the width."""
        self._show()

    def _show(self) -> None:
        sections = (*key_sections(self._groups, keymap_of(self)), *self._more)
        width = int(self.size.width * SHARE_OF_WIDTH) - BESIDE_CELLS
        if found := found_in(sections, self._input.value):
            self._text.update(content_lines(laid_out(found, max(width, 20))))
        else:
            self._text.update(content_lines([(Cell("nothing matches", Tone.MUTED),)]))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what matches; the key that opened the help closes it."""
        event.stop()
        if event.value == "?":
            self.dismiss(None)
        else:
            self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Leave."""
        event.stop()
        self.dismiss(None)

    def action_leave(self) -> None:
        """End the search, or leave when nothing is searched for."""
        if self._input.value:
            self._input.value = ""
        else:
            self.dismiss(None)

    def action_close(self) -> None:
        """Leave."""
        self.dismiss(None)

    def action_scroll(self, step: int) -> None:
        """Scroll by lines."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)

    def action_page(self, step: int) -> None:
        """Scroll by pages."""
        pane = self.query_one(VerticalScroll)
        pane.scroll_relative(y=step * max(pane.size.height - 1, 1), animate=False)
