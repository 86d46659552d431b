"""Drawing a frame of a log, on the line API: only lines that changed are drawn.

Runs in the dashboard's event loop.
"""

from __future__ import annotations

from typing import ClassVar

from rich.color import ColorParseError
from rich.errors import StyleSyntaxError
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from odbctl.tui.logs.ansi import Run
from odbctl.tui.logs.frame import NOTHING, LogFrame
from odbctl.tui.logs.layout import ScreenLine
from odbctl.tui.text import visible
from odbctl.tui.theme import lane_colours

_STYLES = (
    "time",
    "muted",
    "warn",
    "bad",
    "level-muted",
    "level-warn",
    "level-bad",
    "found",
    "found-here",
    "placeholder",
    "bar",
    "cursor",
)
# They keep their colours on the line under the cursor; all else has the cursor's there.
_FOUND_STYLES = frozenset({"found", "found-here"})


class LogLines(Widget):
    """A frame, drawn."""

    DEFAULT_CSS = """
    LogLines { height: 1fr; padding: 0 0 0 1; }
    LogLines > .log--time { color: $secondary; }
    LogLines > .log--muted { color: $secondary; }
    LogLines > .log--placeholder { color: $secondary; }
    LogLines > .log--bar { color: $secondary; }
    LogLines > .log--warn { color: $text-warning; }
    LogLines > .log--bad { color: $text-error; }
    LogLines > .log--level-muted { color: $secondary; }
    LogLines > .log--level-warn { color: $text-warning; text-style: bold; }
    LogLines > .log--level-bad { color: $text-error; text-style: bold; }
    LogLines > .log--found { color: $foreground; background: $warning-muted; }
    LogLines > .log--found-here { color: $background; background: $warning; text-style: bold; }
    LogLines > .log--cursor { color: $foreground; background: $primary 35%; }
    LogLines:ansi > .log--cursor {
        color: ansi_default; background: ansi_default; text-style: reverse;
    }
    LogLines:ansi > .log--warn { text-style: bold; }
    LogLines:ansi > .log--bad { text-style: bold; }
    LogLines:ansi > .log--level-bad { text-style: bold reverse; }
    LogLines:ansi > .log--found { background: ansi_default; text-style: reverse; }
    LogLines:ansi > .log--found-here {
        color: ansi_default; background: ansi_default; text-style: bold reverse underline;
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"log--{name}" for name in _STYLES}

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self.frame = NOTHING
        self.lines_rendered = 0
        self._styles: dict[str, Style] = {}

    @property
    def room(self) -> tuple[int, int]:
        """The cells and lines there are for the log."""
        return max(self.size.width - 1, 1), max(self.size.height, 1)

    def draw(self, frame: LogFrame) -> None:
        """Draw another frame; lines that are the same are not drawn again."""
        before, self.frame = self.frame, frame
        height = self.size.height
        bars = {self._bar_line(f, max(height, 1)) for f in (before, frame) if not f.is_following}
        if before.is_following == frame.is_following and len(bars) == 1:
            bars.clear()
        for y in range(height):
            is_moved = self.can_focus and before.is_current(y) != frame.is_current(y)
            if y in bars or is_moved or _line_of(before, y) != _line_of(frame, y):
                self.refresh(Region(0, y, self.size.width, 1))

    def notify_style_update(self) -> None:
        """Forget the styles of another theme."""
        super().notify_style_update()
        self._styles.clear()

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        self.lines_rendered += 1
        width, height = self.room
        base = ground = self.rich_style
        if self.can_focus and self.frame.is_current(y):  # a pane has no cursor
            ground = self._style("cursor", base)
        segments = [
            Segment(
                run.text, self._on_ground(self._style(run.style, base), run.style, ground, base)
            )
            for run in self._line(y)
        ]
        strip = Strip(segments).adjust_cell_length(width, ground)
        # Where in the log this is, instead of a scrollbar: nothing is counted for it.
        is_here = not self.frame.is_following and y == self._bar_line(self.frame, height)
        mark = Segment("\N{RIGHT HALF BLOCK}" if is_here else " ", self._style("bar", base))
        return Strip([*strip, mark], width + 1) if self.size.width > 1 else strip

    def _line(self, y: int) -> ScreenLine:
        return _line_of(self.frame, y)

    @staticmethod
    def _bar_line(frame: LogFrame, height: int) -> int:
        return min(int(frame.fraction * height), height - 1)

    @staticmethod
    def _on_ground(style: Style, name: str, ground: Style, base: Style) -> Style:
        """Return a style as it is on the line under the cursor: with the colours of that."""
        if ground is base or name in _FOUND_STYLES:
            return style
        return ground + Style(bold=style.bold, italic=style.italic, underline=style.underline)

    def _style(self, name: str, base: Style) -> Style:
        if not name:
            return base
        if (style := self._styles.get(name)) is None:
            style = base + self._made_style(name)
            if len(self._styles) > 1000:
                self._styles.clear()
            self._styles[name] = style
        return style

    def _made_style(self, name: str) -> Style:
        if name.startswith("lane-"):
            theme = self.app.theme  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open
            return Style.parse(lane_colours(theme)[int(name.removeprefix("lane-"))])
        if name == "cursor":  # its background is mixed with that of the log
            return self.get_component_rich_style("log--cursor")
        if not name.startswith("ansi:"):
            return self.get_component_rich_style(f"log--{name}", partial=True)
        try:
            return Style.parse(name.removeprefix("ansi:"))
        except (StyleSyntaxError, ColorParseError):
            return Style.null()


def _line_of(frame: LogFrame, y: int) -> ScreenLine:
    if y < len(frame.lines):
        return frame.lines[y]
    if y == 0 and frame.placeholder:
        return (Run(visible(frame.placeholder), "placeholder"),)
    return ()
