"""The widget that shows a log, on the line API: only lines that changed are drawn.

What is shown is a frame that a thread has made (see worker); here it is drawn, and keys
become what that thread is told. Runs in the dashboard's event loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from rich.color import ColorParseError
from rich.errors import StyleSyntaxError
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from odbctl.tui.keymap import identified
from odbctl.tui.logs.ansi import Run
from odbctl.tui.logs.frame import NOTHING, LogFrame
from odbctl.tui.logs.layout import LANE_COLOURS, LineStyle, ScreenLine
from odbctl.tui.logs.pager import LogPager
from odbctl.tui.logs.source import LogOpener
from odbctl.tui.logs.worker import Command, LogWorker
from odbctl.tui.text import visible

SHIFT_CELLS = 16
WHEEL_LINES = 3
CLOSE_SECONDS = 0.5
OPEN_SECONDS = 0.08
_STYLES = ("time", "muted", "warn", "bad", "found", "found-here", "placeholder", "bar")


class LogView(Widget, can_focus=True):
    """A log that follows its end, until somebody scrolls up."""

    DEFAULT_CSS = """
    LogView { height: 1fr; padding: 0 0 0 1; }
    LogView > .log--time { color: $secondary; }
    LogView > .log--muted { color: $secondary; }
    LogView > .log--placeholder { color: $secondary; }
    LogView > .log--bar { color: $secondary; }
    LogView > .log--warn { color: $text-warning; }
    LogView > .log--bad { color: $text-error; }
    LogView > .log--found { color: $text; background: $warning 40%; }
    LogView > .log--found-here { color: $background; background: $warning; text-style: bold; }
    LogView > .log--lane-0 { color: $text-primary; }
    LogView > .log--lane-1 { color: $text-success; }
    LogView > .log--lane-2 { color: $text-accent; }
    LogView > .log--lane-3 { color: $text-warning; }
    LogView > .log--lane-4 { color: $secondary; }
    LogView > .log--lane-5 { color: $text-error; }
    LogView > .log--lane-6 { color: $foreground; }
    LogView > .log--lane-7 { color: $text-secondary; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"log--{name}" for name in _STYLES),
        *(f"log--lane-{number}" for number in range(LANE_COLOURS)),
    }
    BINDINGS: ClassVar[list[BindingType]] = identified(
        [
            Binding("j,down", "move(1)", "Line down", show=False),
            Binding("k,up", "move(-1)", "Line up", show=False),
            Binding("ctrl+f,pagedown", "page(1)", "A page on", show=False),
            Binding("ctrl+b,pageup", "page(-1)", "A page back", show=False),
            Binding("g,home", "start", "First line", show=False),
            Binding("G,end", "end", "Last line, and follow", show=False),
            Binding("left", "shift(-1)", "Left, where lines are not wrapped", show=False),
            Binding("right", "shift(1)", "Right", show=False),
            Binding("n", "find(1)", "Next match", show=False),
            Binding("N", "find(-1)", "Match before", show=False),
            Binding("t", "times", "Times: of day, with date, age, none", show=False),
            Binding("w", "wrap", "Wrap long lines, or cut them", show=False),
        ]
    )

    class Changed(Message):
        """Something else is shown, or said."""

        def __init__(self, view: LogView, frame: LogFrame) -> None:
            super().__init__()
            self.view = view
            self.frame = frame

    class _Read(Message):
        def __init__(self, opening: int, frame: LogFrame) -> None:
            super().__init__()
            self.opening = opening
            self.frame = frame

    def __init__(
        self,
        opener: LogOpener | None = None,
        *,
        title: str = "",
        id: str | None = None,  # noqa: A002 - Textual's name for it
        is_passive: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Store what to show.

        Args:
            opener: Opens the logs, in the viewer's thread; None to show nothing yet.
            title: What stands in the border, with what the view has to say.
            id: Of the widget.
            is_passive: A pane to look at: it takes no keys, and just follows.
            clock: Seconds since the epoch.
        """
        super().__init__(id=id)
        self._opener = opener
        self._title = title
        self._clock = clock
        self._worker: LogWorker | None = None
        self._opening = 0  # frames of a log that was shown before are not for us
        self._styles: dict[str, Style] = {}
        self._title_shown = ""
        self._is_resting = False
        self.frame = NOTHING
        self.lines_rendered = 0
        self.can_focus = not is_passive

    def on_mount(self) -> None:
        """Start to read."""
        self._open()

    def on_unmount(self) -> None:
        """End the thread."""
        self._close(CLOSE_SECONDS)

    def show(self, opener: LogOpener | None, title: str = "") -> None:
        """Show another log, from its end; None shows nothing."""
        self._opener = opener
        self._title = title
        self._close()
        self._take(NOTHING)
        if self.is_mounted:
            # A cursor that runs over many services does not open the log of each.
            opening = self._opening
            self.set_timer(OPEN_SECONDS, lambda: self._open_if(opening))

    def rest(self, *, is_resting: bool) -> None:
        """Read nothing while nobody sees it."""
        self._is_resting = is_resting
        if self._worker is not None:
            self._worker.rest(is_resting=is_resting)

    def rest_behind(self) -> None:
        """Rest behind the screen that is in front now, unless that is a dialog."""
        front = self.app.screen_stack[-1]  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open
        self.rest(is_resting=not front.is_modal)

    def on_hide(self) -> None:
        """Rest while another tab is shown."""
        self.rest(is_resting=True)

    def on_show(self) -> None:
        """Go on."""
        self.rest(is_resting=False)

    def tell(self, command: Command) -> None:
        """Let the pager do something, in its thread."""
        if self._worker is not None:
            self._worker.tell(command)

    def cancel(self) -> None:
        """Stop a search that runs."""
        if self._worker is not None:
            self._worker.cancel()

    def on_resize(self, event: events.Resize) -> None:
        """Fit the lines to the room."""
        del event
        width, height = self._room
        self.tell(lambda pager: pager.resize(width, height))

    def notify_style_update(self) -> None:
        """Forget the styles of another theme."""
        super().notify_style_update()
        self._styles.clear()

    def on_log_view__read(self, message: _Read) -> None:
        """Draw what differs from what is drawn."""
        message.stop()
        if message.opening == self._opening:
            self._take(message.frame)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move down."""
        event.stop()
        self.tell(lambda pager: pager.move(WHEEL_LINES))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move up."""
        event.stop()
        self.tell(lambda pager: pager.move(-WHEEL_LINES))

    def action_move(self, step: int) -> None:
        """Move by lines."""
        self.tell(lambda pager: pager.move(step))

    def action_page(self, step: int) -> None:
        """Move by pages."""
        self.tell(lambda pager: pager.page(step))

    def action_start(self) -> None:
        """Show the first line, and stay there."""
        self.tell(LogPager.show_start)

    def action_end(self) -> None:
        """Show the end, and follow it."""
        self.tell(LogPager.show_end)

    def action_shift(self, step: int) -> None:
        """Move sideways."""
        self.tell(lambda pager: pager.shift(step * SHIFT_CELLS))

    def action_find(self, step: int) -> None:
        """Go to the next match, or the one before."""
        self.tell(lambda pager: pager.find_next(is_backward=step < 0))

    def action_times(self) -> None:
        """Show times another way."""
        self.tell(LogPager.next_times)

    def action_wrap(self) -> None:
        """Wrap, or cut."""
        self.tell(LogPager.toggle_wrap)

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        self.lines_rendered += 1
        width, height = self._room
        base = self.rich_style
        segments = [Segment(run.text, self._style(run.style, base)) for run in self._line(y)]
        strip = Strip(segments).adjust_cell_length(width, base)
        # Where in the log this is, instead of a scrollbar: nothing is counted for it.
        is_here = not self.frame.is_following and y == self._bar_line(self.frame, height)
        mark = Segment("\N{RIGHT HALF BLOCK}" if is_here else " ", self._style("bar", base))
        return Strip([*strip, mark], width + 1) if self.size.width > 1 else strip

    @property
    def _room(self) -> tuple[int, int]:
        return max(self.size.width - 1, 1), max(self.size.height, 1)

    def _line(self, y: int) -> ScreenLine:
        return _line_of(self.frame, y)

    @staticmethod
    def _bar_line(frame: LogFrame, height: int) -> int:
        return min(int(frame.fraction * height), height - 1)

    def _open(self) -> None:
        if self._opener is None:
            return
        opening = self._opening
        worker = LogWorker(
            self._opener,
            lambda frame: self._post(opening, frame),
            # A pane has few lines: of each it shows the beginning.
            style=LineStyle(is_wrapped=self.can_focus),
            clock=self._clock,
        )
        self._worker = worker
        worker.rest(is_resting=self._is_resting)
        width, height = self._room
        worker.tell(lambda pager: pager.resize(width, height))
        worker.start()

    def _open_if(self, opening: int) -> None:
        """Open what is still to be shown."""
        if opening == self._opening and self._worker is None:
            self._open()

    def _close(self, timeout_seconds: float = 0.0) -> None:
        worker, self._worker = self._worker, None
        self._opening += 1
        if worker is not None:
            worker.stop(timeout_seconds)

    def _post(self, opening: int, frame: LogFrame) -> None:
        """Post from the worker's thread; a widget that has gone hears nothing."""
        if self.is_running:
            self.post_message(self._Read(opening, frame))

    def _take(self, frame: LogFrame) -> None:
        """Show another frame; lines that are the same are not drawn again."""
        before, self.frame = self.frame, frame
        height = self.size.height
        bars = {self._bar_line(f, max(height, 1)) for f in (before, frame) if not f.is_following}
        if before.is_following == frame.is_following and len(bars) == 1:
            bars.clear()
        for y in range(height):
            if y in bars or _line_of(before, y) != _line_of(frame, y):
                self.refresh(Region(0, y, self.size.width, 1))
        if (title := f"{self._title}  {frame.note}".rstrip()) != self._title_shown:
            self._title_shown = title
            self.border_title = Content(title)
        self.post_message(self.Changed(self, frame))

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
