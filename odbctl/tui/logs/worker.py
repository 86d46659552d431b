"""The viewer's reader: one thread that owns a pager, does what keys say, and follows.

Commands come through a queue; after them, and ten times a second where something has
changed, one frame is handed over. A command that ends others makes a search that runs
stop. Opening is retried, so a log that cannot be read yet is shown once it can.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

from odbctl.engine.api.log_pages import SearchStoppedError
from odbctl.tui.logs.frame import LogFrame
from odbctl.tui.logs.layout import LineStyle
from odbctl.tui.logs.pager import LogPager
from odbctl.tui.logs.source import LogOpener
from odbctl.tui.reader import failure_text

TICK_SECONDS = 0.125
# Of a tick so much is spent on counting what is searched for; keys wait for no more.
COUNT_SECONDS = 0.05
RETRY_SECONDS = 2.0
RESTING_SECONDS = 60.0

Command = Callable[[LogPager], None]


class LogWorker:
    """Runs a pager in a thread; `on_frame` is called there."""

    def __init__(
        self,
        opener: LogOpener,
        on_frame: Callable[[LogFrame], None],
        *,
        style: LineStyle | None = None,
        clock: Callable[[], float] = time.time,
        tick_seconds: float = TICK_SECONDS,
    ) -> None:
        """Store what to read.

        Args:
            opener: Opens the logs, in the thread.
            on_frame: Is given each frame that differs from the last, or answers a command.
            style: How lines are shown at first.
            clock: Seconds since the epoch.
            tick_seconds: How often to look for what is new.
        """
        self._opener = opener
        self._on_frame = on_frame
        self._clock = clock
        self._tick_seconds = tick_seconds
        self._commands: SimpleQueue[Command | None] = SimpleQueue()
        self._should_end = threading.Event()
        self._should_cancel = threading.Event()
        self._is_resting = False
        self._last = LogFrame()
        self._style = style or LineStyle()
        self._thread = threading.Thread(target=self._run, name="log-viewer", daemon=True)

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def stop(self, timeout_seconds: float = 2.0) -> None:
        """End the thread; a read that hangs is left behind."""
        self._should_end.set()
        self._commands.put(None)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout_seconds)

    def tell(self, command: Command) -> None:
        """Let the pager do something, after what it was told before."""
        self._commands.put(command)

    def cancel(self) -> None:
        """Stop the search that runs, if one does."""
        self._should_cancel.set()

    def rest(self, *, is_resting: bool) -> None:
        """Look for nothing while nobody sees it; what has come is read afterwards."""
        if is_resting != self._is_resting:
            self._is_resting = is_resting
            self.tell(_look_again)

    def _run(self) -> None:
        while not self._should_end.is_set():
            try:
                with self._opener() as source:
                    pager = LogPager(
                        source,
                        style=self._style,
                        clock=self._clock,
                        should_stop=self._should_stop,
                    )
                    self._serve(pager)
                return
            except Exception as error:  # noqa: BLE001 - the thread's boundary; it is shown
                self._hand_over(LogFrame(placeholder=failure_text(error)))
            self._should_end.wait(RETRY_SECONDS)

    def _should_stop(self) -> bool:
        return self._should_end.is_set() or self._should_cancel.is_set()

    def _serve(self, pager: LogPager) -> None:
        self._do(pager, LogPager.show_end)
        self._hand_over(pager.frame())
        tick_at = time.monotonic() + self._tick_seconds
        while not self._should_end.is_set():
            if self._is_resting:
                if self._obey(pager, RESTING_SECONDS):
                    self._hand_over(pager.frame(), is_answer=True)
                continue
            pause = 0.0 if pager.is_counting else max(tick_at - time.monotonic(), 0.0)
            was_told, is_changed = self._obey(pager, pause), False
            if time.monotonic() >= tick_at:
                is_changed = self._tick(pager)
                # A tick that took long is no reason to tick at once again.
                tick_at = time.monotonic() + self._tick_seconds
            elif pager.is_counting:
                is_changed = self._count(pager)
            if is_changed or was_told:
                self._hand_over(pager.frame(), is_answer=was_told)

    def _obey(self, pager: LogPager, pause: float) -> bool:
        """Do all that was told; wait a while for the first of it."""
        was_told = False
        try:
            command = self._commands.get(timeout=pause) if pause else self._commands.get_nowait()
            while command is not None:
                if not was_told:
                    pager.message = ""
                was_told = True
                self._should_cancel.clear()
                self._do(pager, command)
                command = self._commands.get_nowait()
        except Empty:
            pass
        return was_told

    def _do(self, pager: LogPager, command: Command) -> None:
        try:
            command(pager)
        except SearchStoppedError:
            pager.message = "stopped"

    def _tick(self, pager: LogPager) -> bool:
        try:
            is_changed = pager.tick() or bool(pager.style.now)
        except SearchStoppedError:
            self._should_cancel.clear()
            return False
        return self._count(pager) or is_changed

    def _count(self, pager: LogPager) -> bool:
        until = time.monotonic() + COUNT_SECONDS
        return pager.count(lambda: time.monotonic() >= until or not self._commands.empty())

    def _hand_over(self, frame: LogFrame, *, is_answer: bool = False) -> None:
        if (is_answer or frame != self._last) and not self._should_end.is_set():
            self._last = frame
            self._on_frame(frame)


def _look_again(pager: LogPager) -> None:
    """Do nothing: that it was told ends a wait."""
    del pager
