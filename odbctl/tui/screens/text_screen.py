"""A text to read: scrolled line by line, copied whole. Runs in the dashboard's event loop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from odbctl.tui.backend import Request
from odbctl.tui.frame_screen import ALWAYS, EVERYWHERE, FrameScreen
from odbctl.tui.messages import StatusChanged
from odbctl.tui.state import DashboardState, done
from odbctl.tui.text import visible
from odbctl.tui.views import View


class TextView(ScrollView, can_focus=True):
    """Lines of which only those in sight are drawn."""

    DEFAULT_CSS = """
    TextView { height: 1fr; padding: 0 1; scrollbar-size: 1 1;
        scrollbar-background: $background; scrollbar-color: $panel; }
    TextView > .text--key { color: $text-accent; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"text--key"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll_down", "Line down", show=False),
        Binding("k,up", "scroll_up", "Line up", show=False),
        Binding("ctrl+f,pagedown", "page_down", "Page down", show=False),
        Binding("ctrl+b,pageup", "page_up", "Page up", show=False),
        Binding("g,home", "scroll_home", "First line", show=False),
        Binding("G,end", "scroll_end", "Last line", show=False),
    ]

    def __init__(self, text: str, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._lines = [visible(line) for line in text.rstrip("\n").split("\n")]

    def on_mount(self) -> None:
        """Know how much there is to scroll."""
        width = max(map(cell_len, self._lines), default=0)
        self.virtual_size = Size(width, len(self._lines))

    def render_line(self, y: int) -> Strip:
        """Draw one visible line, its key in another colour."""
        scroll_x, scroll_y = self.scroll_offset
        base = self.rich_style
        if y + scroll_y >= len(self._lines):
            return Strip.blank(self.size.width, base)
        line = self._lines[y + scroll_y]
        key, colon, rest = line.partition(": ")
        if not colon and line.endswith(":"):
            key, rest = line, ""
        style = base + self.get_component_rich_style("text--key", partial=True)
        is_key = bool(colon) or line.endswith(":")
        strip = Strip([Segment(key, style if is_key else base), Segment(colon + rest, base)])
        return strip.crop_extend(scroll_x, scroll_x + self.size.width, base)


class TextScreen(FrameScreen, inherit_bindings=False):
    """One text, full screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "up", "Back"),
        Binding("c", "copy", "Copy"),
        *ALWAYS,
        *EVERYWHERE,
    ]
    AUTO_FOCUS = "#text"

    def __init__(self, state: DashboardState, title: str, text: str) -> None:
        super().__init__(state)
        self._heading = title
        self._text = text
        self._view = TextView(text, id="text")

    def compose_body(self) -> Iterable[Widget]:
        """Show the text."""
        with self._body:
            yield self._view

    @property
    def request(self) -> Request:
        """Nothing: the text stays as it was read."""
        return Request(view=View.AWS)

    @property
    def crumbs(self) -> tuple[str, ...]:
        """What the text is about."""
        return (*self._heading.split("\n"), "yaml")

    def show_body(self, state: DashboardState) -> None:
        """Do nothing: the text stays as it was read."""

    def focus_body(self) -> None:
        """Give the keys to the text."""
        self._view.focus()

    def action_up(self) -> None:
        """Dismiss a notice, else go back."""
        if not self.navigator.dismiss_notice():
            self.navigator.go_up()

    def action_copy(self) -> None:
        """Give the text to the terminal's clipboard (OSC 52)."""
        self.navigator.copy_to_clipboard(self._text)
        self.post_message(StatusChanged(done("copied the text")))
