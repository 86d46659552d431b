"""The widget that shows a log.

What is shown is a frame that a thread has made (see worker); here keys become what that
thread is told. Runs in the dashboard's event loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from odbctl.tui.keymap import identified
from odbctl.tui.logs.frame import NOTHING, LogFrame
from odbctl.tui.logs.layout import LineStyle
from odbctl.tui.logs.lines import LogLines
from odbctl.tui.logs.pager import LogPager
from odbctl.tui.logs.source import LogOpener
from odbctl.tui.logs.worker import Command, LogWorker

SHIFT_CELLS = 16
WHEEL_LINES = 3
CLOSE_SECONDS = 0.5
OPEN_SECONDS = 0.08


class LogView(LogLines, can_focus=True):
    """A log that follows its end, until somebody scrolls up."""

    BINDINGS: ClassVar[list[BindingType]] = identified(
        [
            Binding("j,down", "move(1)", "Line down", show=False),
            Binding("k,up", "move(-1)", "Line up", show=False),
            Binding("ctrl+f,pagedown", "page(1)", "Page down", show=False),
            Binding("ctrl+b,pageup", "page(-1)", "Page up", show=False),
            Binding("g,home", "start", "First line", show=False),
            Binding("G,end", "end", "Last line, and follow", show=False),
            Binding("left", "shift(-1)", "Left, where lines are not wrapped", show=False),
            Binding("right", "shift(1)", "Right", show=False),
            Binding("n", "find(1)", "Next match", show=False),
            Binding("N", "find(-1)", "Previous match", show=False),
            Binding("t", "times", "Times: of day, with date, age, none", show=False),
            Binding("w", "wrap", "Wrap long lines, or cut them", show=False),
        ]
    )

    # Actions that only move the cursor: a burst of their keys is not drawn key by key.
    MOVEMENTS: ClassVar[frozenset[str]] = frozenset({"move", "page", "start", "end"})

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
        self._early: list[Command] = []  # typed before the log was opened
        self._opening = 0  # frames of a log that was shown before are not for us
        self._title_shown = ""
        self._is_resting = False
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
        """Run a command in the pager's thread; before the log is open it waits for that."""
        if self._worker is not None:
            self._worker.tell(command)
        elif self._opener is not None:
            self._early.append(command)

    def cancel(self) -> None:
        """Stop a search that runs."""
        if self._worker is not None:
            self._worker.cancel()

    def on_resize(self, event: events.Resize) -> None:
        """Fit the lines to the room."""
        del event
        width, height = self.room
        self.tell(lambda pager: pager.resize(width, height))

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
        """Move the cursor by lines."""
        self.tell(lambda pager: pager.step(step))

    def action_page(self, step: int) -> None:
        """Move by pages."""
        self.tell(lambda pager: pager.page(step))

    def action_start(self) -> None:
        """Put the cursor on the first line."""
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
        width, height = self.room
        worker.tell(lambda pager: pager.resize(width, height))
        early, self._early = self._early, []
        for command in early:
            worker.tell(command)
        worker.start()

    def _open_if(self, opening: int) -> None:
        """Open what is still to be shown."""
        if opening == self._opening and self._worker is None:
            self._open()

    def _close(self, timeout_seconds: float = 0.0) -> None:
        worker, self._worker = self._worker, None
        self._early.clear()
        self._opening += 1
        if worker is not None:
            worker.stop(timeout_seconds)

    def _post(self, opening: int, frame: LogFrame) -> None:
        """Post from the worker's thread; a widget that has gone hears nothing."""
        if self.is_running:
            self.post_message(self._Read(opening, frame))

    def _take(self, frame: LogFrame) -> None:
        """Show another frame, and say so."""
        self.draw(frame)
        if (title := f"{self._title}  {frame.note}".rstrip()) != self._title_shown:
            self._title_shown = title
            self.border_title = Content(title)
        self.post_message(self.Changed(self, frame))
