"""A thread that sleeps on a source and can be woken: what the readers share."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from odbctl.tui.source import WokenSource


class WokenThread:
    """Runs `_run` until it is stopped; whoever asks for something wakes it."""

    def __init__(self, name: str) -> None:
        self._source: WokenSource | None = None
        self._lock = threading.Lock()
        self._nudge = threading.Event()
        self._should_stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout_seconds: float = 2.0) -> None:
        """Stop; a read that hangs is left behind."""
        self._should_stop.set()
        self._wake()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def _run(self) -> None:
        raise NotImplementedError

    def _wake(self) -> None:
        self._nudge.set()
        with self._lock:
            if self._source is not None:
                self._source.wake()

    @contextmanager
    def _sleeping_on(self, source: WokenSource) -> Generator[None]:
        """Let `_wake` end the sleep on this source."""
        self._use(source)
        try:
            yield
        finally:
            self._use(None)

    def _use(self, source: WokenSource | None) -> None:
        with self._lock:
            self._source = source
