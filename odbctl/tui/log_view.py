"""The lines of a log, the newest below, drawn only where visible.

It follows while it shows the end. Scrolled up it holds what it shows, and
counts what came since: nothing moves under the eyes of who reads. Runs in
the dashboard's event loop.
"""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from odbctl.tui.keymap import identified
from odbctl.tui.paint import LogText, Tone, log_texts, new_count
from odbctl.tui.snapshot import LogRow


class LogView(ScrollView, can_focus=True):
    """A log that follows its end."""

    DEFAULT_CSS = """
    LogView { height: 1fr; padding: 0 1; scrollbar-size: 1 1;
        scrollbar-background: $background; scrollbar-color: $panel; }
    LogView > .log--prefix { color: $secondary; }
    LogView > .log--muted { color: $secondary; }
    LogView > .log--warn { color: $text-warning; }
    LogView > .log--bad { color: $text-error; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"log--prefix", "log--muted", "log--warn", "log--bad"}
    BINDINGS: ClassVar[list[BindingType]] = identified(
        [
            Binding("j,down", "scroll_down", "Line down", show=False),
            Binding("k,up", "scroll_up", "Line up", show=False),
            Binding("ctrl+f,pagedown", "page_down", "A page on", show=False),
            Binding("ctrl+b,pageup", "page_up", "A page back", show=False),
            Binding("g,home", "top", "First line", show=False),
            Binding("G,end", "follow", "Last line, and follow", show=False),
        ]
    )

    def __init__(self, *, id: str | None = None, is_passive: bool = False) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._shown: tuple[LogRow, ...] = ()
        self._newest: tuple[LogRow, ...] = ()
        self._lines: tuple[LogText, ...] = ()
        self._title = ""
        self._is_following = True
        self.can_focus = not is_passive

    def show_logs(self, rows: tuple[LogRow, ...], title: str) -> None:
        """Take the newest records; they are shown while the log follows."""
        self._newest = rows
        self._title = title
        if self._is_following:
            if rows != self._shown:
                self._put(rows)
            self._scroll_to_end()
        self._update_title()

    def forget(self) -> None:
        """Follow from the start, as the log of something else."""
        self._is_following = True
        self.show_logs((), "")

    def action_follow(self) -> None:
        """Show the end, and follow it."""
        self._is_following = True
        self._put(self._newest)
        self._update_title()

    def action_top(self) -> None:
        """Show the first line, and stay there."""
        self._is_following = self.max_scroll_y == 0
        self.scroll_to(y=0, animate=False)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow at the end only."""
        super().watch_scroll_y(old_value, new_value)
        was_following = self._is_following
        # Only a move up is somebody's wish to stay; a view that grew is not.
        is_moved_up = new_value < old_value and new_value < self.max_scroll_y
        self._is_following = new_value >= self.max_scroll_y or (was_following and not is_moved_up)
        if self._is_following and not was_following:
            self._put(self._newest)
        self._update_title()

    def on_resize(self) -> None:
        """Keep the end in sight."""
        if self._is_following:
            self._scroll_to_end()

    def render_line(self, y: int) -> Strip:
        """Draw one visible line."""
        scroll_x, scroll_y = self.scroll_offset
        base = self.rich_style
        index = y + scroll_y
        if index >= len(self._lines):
            return Strip.blank(self.size.width, base)
        line = self._lines[index]
        prefix = base + self.get_component_rich_style("log--prefix", partial=True)
        style = base
        if line.tone is not Tone.PLAIN:
            style += self.get_component_rich_style(f"log--{line.tone}", partial=True)
        strip = Strip([Segment(line.prefix, prefix), Segment(line.text, style)])
        return strip.crop_extend(scroll_x, scroll_x + self.size.width, base)

    def _put(self, rows: tuple[LogRow, ...]) -> None:
        self._shown = rows
        self._lines = log_texts(rows)
        width = max((cell_len(line.prefix + line.text) for line in self._lines), default=0)
        self.virtual_size = Size(width, len(self._lines))
        self._scroll_to_end()
        self.refresh()

    def _scroll_to_end(self) -> None:
        if self.scroll_offset.y != self.max_scroll_y:
            # Forced, because a log that has just come into sight has no scrollbar yet.
            self.scroll_end(animate=False, x_axis=False, force=True)

    def _update_title(self) -> None:
        note = ""
        if not self._is_following:
            waiting = new_count(self._shown, self._newest)
            note = (
                f"  +{waiting:,} new \N{EM DASH} G" if waiting else "  paused \N{EM DASH} G follows"
            )
        self.border_title = Content(f"{self._title}{note}")
