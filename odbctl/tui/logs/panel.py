"""A log with everything that keys do to it: the view, its status line and its prompt.

Runs in the dashboard's event loop; what reads or writes files runs in threads.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual.actions import SkipAction
from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from odbctl.engine.api.log_pages import EVERYTHING, LineFilter, SearchStoppedError
from odbctl.errors import UsageError
from odbctl.tui.dialogs import ConfirmDialog
from odbctl.tui.key_queue import ScreenAwaited
from odbctl.tui.keymap import identified
from odbctl.tui.logs.ansi import plain
from odbctl.tui.logs.asking import AskLine, Prompt
from odbctl.tui.logs.export import default_name, saved_text, show_in_pager
from odbctl.tui.logs.frame import LogFrame, status_text
from odbctl.tui.logs.messages import LogCopied, LogRecordRead, LogTold
from odbctl.tui.logs.pager import LogPager
from odbctl.tui.logs.record import RecordDialog, pretty
from odbctl.tui.logs.source import LogOpener
from odbctl.tui.logs.view import LogView
from odbctl.tui.logs.words import LEVELS, filter_of, pattern_of, stamp, time_of
from odbctl.tui.reader import failure_text
from odbctl.tui.text import visible

# What was said stands for so long; what goes on stays.
SAID_SECONDS = 6.0
BUSY = "searching \N{HORIZONTAL ELLIPSIS} esc stops"


class LogPanel(Vertical):
    """The log of an opener, to move, search and filter in."""

    DEFAULT_CSS = """
    LogPanel { height: 1fr; }
    LogPanel > #log-status { height: 1; padding: 0 1; color: $secondary; }
    LogPanel.-asking > AskLine { display: block; }
    LogPanel.-asking > #log-status { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = identified(
        [
            Binding("slash", "ask('SEARCH')", "Search", key_display="/"),
            Binding("ampersand", "ask('FILTER')", "Filter", key_display="&"),
            Binding("at", "ask('TIME')", "Time", key_display="@"),
            Binding("L", "level", "Level"),
            Binding("plus", "around(1)", "More context lines around filtered lines", show=False),
            Binding("minus", "around(-1)", "Fewer", show=False),
            Binding("enter", "record", "Show the whole record, with JSON indented", show=False),
            Binding("c", "copy_line", "Copy the line", show=False),
            Binding("C", "copy", "Copy the whole screen", show=False),
            Binding("s", "ask('SAVE')", "Save to a file", show=False),
            Binding("P", "pager", "Show in $PAGER", show=False),
            Binding("escape", "leave", "Cancel: work, search, filter", show=False),
        ]
    )

    def __init__(
        self,
        opener: LogOpener | None = None,
        *,
        id: str | None = None,  # noqa: A002 - Textual's name for it
        clock: Callable[[], float] = time.time,
        folder: Path | None = None,
    ) -> None:
        """Store what to show.

        Args:
            opener: Opens the logs, in threads.
            id: Of the widget.
            clock: Seconds since the epoch.
            folder: Where a file is saved that is named without a folder; by default the
                working directory.
        """
        super().__init__(id=id)
        self._opener = opener
        self._clock = clock
        self._folder = folder
        self._is_busy = False
        self._said = ""
        self._heard = ""
        self._only = EVERYTHING
        self._has_left = threading.Event()
        self.view = LogView(opener, clock=clock)
        self._status = Static(id="log-status", markup=False)
        self._asking = AskLine()

    def compose(self) -> ComposeResult:
        """Put the status line below the log; the prompt takes its place."""
        yield self.view
        yield self._status
        yield self._asking

    def on_unmount(self) -> None:
        """Stop what writes a file."""
        self._has_left.set()

    def show(self, opener: LogOpener | None) -> None:
        """Show another log, from its end."""
        self._opener = opener
        self._only = EVERYTHING
        self._said = ""
        self.view.show(opener)

    def on_log_view_changed(self, event: LogView.Changed) -> None:
        """Say what the view has to say."""
        self._is_busy = False
        if event.frame.message and event.frame.message != self._heard:
            self._said = ""
        self._heard = event.frame.message
        self._show_status(event.frame)

    def action_ask(self, name: str) -> None:
        """Let the person type."""
        prompt = Prompt[name]
        self.add_class("-asking")
        self._asking.ask(prompt, default_name(self._clock()) if prompt is Prompt.SAVE else "")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do what was asked for."""
        event.stop()
        words = event.value
        self._end_asking()
        try:
            self._answer(words)
        except UsageError as error:
            self._say(failure_text(error))

    def action_level(self) -> None:
        """Show only what matters more; after errors, everything again."""
        level = LEVELS[(LEVELS.index(self._only.level) + 1) % len(LEVELS)]
        self._filter(replace(self._only, level=level))

    def action_around(self, step: int) -> None:
        """Show more lines around those that pass the filter, or fewer."""
        if self._only.is_all:
            self._say("+ and - set the context lines of a filter")
        else:
            self._filter(replace(self._only, around=max(self._only.around + step, 0)))

    def action_leave(self) -> None:
        """Stop a search that runs; else end the search, then the filter, then the screen."""
        if self.has_class("-asking"):
            self._end_asking()
        elif self._is_busy:
            self.view.cancel()
        elif self.view.frame.search:
            self.view.tell(lambda pager: pager.search(None))
        elif not self._only.is_all:
            self._filter(EVERYTHING)
        else:
            raise SkipAction

    def action_copy(self) -> None:
        """Copy the lines on the screen, whole."""

        def copy(pager: LogPager) -> None:
            texts = [plain(pager.source.whole_text(line)) for line in pager.shown]
            self._post(LogCopied("\n".join(texts)))

        self.view.tell(copy)

    def action_copy_line(self) -> None:
        """Copy the line under the cursor, whole."""

        def copy(pager: LogPager) -> None:
            if (line := pager.current) is not None:
                self._post(LogCopied(plain(pager.source.whole_text(line))))

        self.view.tell(copy)

    def action_record(self) -> None:
        """Show the record of the line under the cursor."""

        def read(pager: LogPager) -> None:
            if (line := pager.current) is not None:
                lane = pager.source.lanes[pager.source.lane_of(line)]
                title = f"{stamp(line.at)} {lane} {line.level} {line.stream}".replace("  ", " ")
                self._post(LogRecordRead(visible(title), pretty(pager.whole_record(line))))
            else:
                self._post(ScreenAwaited(is_over=True))

        self.post_message(ScreenAwaited())
        self.view.tell(read)

    def action_pager(self) -> None:
        """Leave the terminal to `$PAGER` for a while."""
        if self._opener is None:
            return
        try:
            with self.app.suspend():  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open
                failure = show_in_pager(self._opener, self._only, os.environ)
        except SuspendNotSupported:
            failure = "a pager cannot run in this terminal"
        self._say(failure)

    def on_log_told(self, message: LogTold) -> None:
        """Say it."""
        message.stop()
        self._say(message.text)

    def on_log_copied(self, message: LogCopied) -> None:
        """Copy it, by the terminal's own means."""
        message.stop()
        self.app.copy_to_clipboard(message.text)  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open
        count = message.text.count("\n") + 1
        self._say(f"copied {count} {'line' if count == 1 else 'lines'}")

    def on_log_record_read(self, message: LogRecordRead) -> None:
        """Show it."""
        message.stop()
        self.app.push_screen(RecordDialog(message.title, message.text))  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open

    def _answer(self, words: str) -> None:
        match self._asking.prompt:
            case Prompt.SEARCH:
                pattern = pattern_of(words) if words else None
                self._begin(lambda pager: pager.search(pattern))
            case Prompt.FILTER:
                around, level = self._only.around, self._only.level
                self._filter(filter_of(words, level=level, around=around))
            case Prompt.TIME:
                at = time_of(words, self._clock())
                self._begin(lambda pager: pager.go_to_time(at))
            case Prompt.SAVE:
                self._save(words, is_overwriting=False)

    def _filter(self, only: LineFilter) -> None:
        self._only = only

        def apply(pager: LogPager) -> None:
            try:
                pager.set_filter(only)
            except SearchStoppedError:
                self._only = pager.only
                raise

        self._begin(apply)

    def _begin(self, command: Callable[[LogPager], None]) -> None:
        """Tell the pager what may take a while."""
        self._said = ""
        self._is_busy = True
        self.view.tell(command)
        self._show_status(self.view.frame)

    def _end_asking(self) -> None:
        self.remove_class("-asking")
        self.screen.set_focus(self.view)

    def _save(self, name: str, *, is_overwriting: bool) -> None:
        if not name.strip() or self._opener is None:
            return
        path = (self._folder or Path.cwd()) / Path(name.strip()).expanduser()
        if path.exists() and not is_overwriting:

            def answer(is_confirmed: bool | None) -> None:
                if is_confirmed:
                    self._save(name, is_overwriting=True)

            question = f"{visible(str(path))} already exists.\nIts content would be lost."
            dialog = ConfirmDialog(question, f"Overwrite {visible(path.name)}")
            self.app.push_screen(dialog, answer)  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open
            return
        self._said = f"saving {path.name} \N{HORIZONTAL ELLIPSIS}"
        self._show_status(self.view.frame)
        threading.Thread(
            target=self._write, args=(self._opener, path, self._only, is_overwriting), daemon=True
        ).start()

    def _write(self, opener: LogOpener, path: Path, only: LineFilter, is_overwriting: bool) -> None:
        should_stop = self._has_left.is_set
        text = saved_text(
            opener, path, only, is_overwriting=is_overwriting, should_stop=should_stop
        )
        if text:
            self._post(LogTold(text))

    def _post(self, message: Message) -> None:
        """Post from another thread; a panel that has gone hears nothing."""
        if self.is_running:
            self.post_message(message)

    def _say(self, text: str) -> None:
        self._said = text
        self._show_status(self.view.frame)
        if text:
            self.set_timer(SAID_SECONDS, lambda: self._forget(text))

    def _forget(self, text: str) -> None:
        if self._said == text:
            self._say("")

    def _show_status(self, frame: LogFrame) -> None:
        text = BUSY if self._is_busy else status_text(frame, self._said)
        self._status.update(Content(text))
