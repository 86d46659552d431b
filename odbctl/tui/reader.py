"""The reader: one thread that turns changes of the home into snapshots.

It sleeps on the database's change signal. A single commit is read at once; a
stream of them becomes some fifteen snapshots a second, fewer where reading takes long,
and a snapshot that says the same is not posted. It looks again twice a second even so,
because figures announce nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from odbctl.errors import OdbctlError
from odbctl.tui.backend import Backend, Request, Source
from odbctl.tui.snapshot import DashboardSnapshot
from odbctl.tui.woken import WokenThread

SHORTEST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.06
# Pause so many times as long as the read took: a tenth of a core, however large the home.
PAUSE_PER_READ = 9.0
LOOK_SECONDS = 0.5
FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 15.0


class Reader(WokenThread):
    """Reads a backend in a thread of its own and hands over what it read.

    `on_snapshot` and `on_failure` are called in that thread.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        on_snapshot: Callable[[DashboardSnapshot], None],
        on_failure: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__("dashboard-reader")
        self._backend = backend
        self._on_snapshot = on_snapshot
        self._on_failure = on_failure
        self._clock = clock
        # When the last read ended, whether or not it brought anything new.
        self.read_at: float | None = None
        self._pause_seconds = SHORTEST_PAUSE_SECONDS
        self._request = Request()
        self._last: DashboardSnapshot | None = None

    def ask(self, request: Request) -> None:
        """Read this from now on, at once."""
        if request != self._request:
            self._request = request
            self._wake()

    def _run(self) -> None:
        retry_seconds = FIRST_RETRY_SECONDS
        while not self._should_stop.is_set():
            try:
                with self._backend.open() as source:
                    self._serve(source)
                return
            except Exception as error:  # noqa: BLE001 - the thread's boundary; it is shown
                self._on_failure(failure_text(error))
            if self._last is not None:
                retry_seconds = FIRST_RETRY_SECONDS
            self._last = None
            self._should_stop.wait(retry_seconds)
            retry_seconds = min(2 * retry_seconds, LONGEST_RETRY_SECONDS)

    def _serve(self, source: Source) -> None:
        with self._sleeping_on(source):
            while not self._should_stop.is_set():
                self._nudge.clear()
                began_at = time.monotonic()
                self._read(source)
                took_seconds = time.monotonic() - began_at
                pause_seconds = max(self._pause_seconds, PAUSE_PER_READ * took_seconds)
                # A person who asked for another service does not wait for the pause.
                if not self._nudge.wait(pause_seconds):
                    self._sleep(source)

    def _sleep(self, source: Source) -> None:
        """Sleep until there is something to read; what comes in a stream is read less often."""
        slept_at = time.monotonic()
        source.wait(LOOK_SECONDS)
        is_stream = time.monotonic() - slept_at < self._pause_seconds
        longer = min(1.5 * self._pause_seconds, LONGEST_PAUSE_SECONDS)
        self._pause_seconds = longer if is_stream else SHORTEST_PAUSE_SECONDS

    def _read(self, source: Source) -> None:
        snapshot = source.read(self._request)
        self.read_at = self._clock()
        if snapshot != self._last:
            self._last = snapshot
            self._on_snapshot(snapshot)


def failure_text(error: Exception) -> str:
    """Say an error in one line, with its hint."""
    if not isinstance(error, OdbctlError):
        return f"{type(error).__name__}: {error}"
    return f"{error} - {error.hint}" if error.hint else str(error)
