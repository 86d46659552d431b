"""The reader of a detail: one thread, woken by changes of the home and by questions.

It rests while nothing is asked. What reads the same as before is not handed over.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from odbctl.tui.detail_reading import DetailBackend, DetailSource
from odbctl.tui.detail_rows import DetailFacts, Question
from odbctl.tui.reader import failure_text
from odbctl.tui.woken import WokenThread

# Figures announce nothing: they are looked at so often.
LOOK_SECONDS = 0.5
PAUSE_SECONDS = 0.1
# Pause so many times as long as the read took.
PAUSE_PER_READ = 9.0
RETRY_SECONDS = 1.0


class DetailReader(WokenThread):
    """Reads what is asked, until it is stopped. Both callbacks are called in its thread."""

    def __init__(
        self,
        backend: DetailBackend,
        *,
        on_facts: Callable[[DetailFacts], None],
        on_failure: Callable[[str], None],
    ) -> None:
        super().__init__("dashboard-detail")
        self._backend = backend
        self._on_facts = on_facts
        self._on_failure = on_failure
        self._question: Question | None = None
        self._last: DetailFacts | None = None

    def ask(self, question: Question | None) -> None:
        """Read this from now on, at once; None is nothing."""
        self._question = question
        self._wake()

    def _run(self) -> None:
        while not self._should_stop.is_set():
            try:
                with self._backend.open() as source:
                    self._serve(source)
            except Exception as error:  # noqa: BLE001 - the thread's boundary; it is shown
                self._last = None
                self._on_failure(failure_text(error))
                self._should_stop.wait(RETRY_SECONDS)

    def _serve(self, source: DetailSource) -> None:
        with self._sleeping_on(source):
            while not self._should_stop.is_set():
                self._nudge.clear()
                question = self._question
                if question is None:
                    self._nudge.wait()
                    continue
                began_at = time.monotonic()
                self._read(source, question)
                took_seconds = time.monotonic() - began_at
                if not self._nudge.wait(max(PAUSE_SECONDS, PAUSE_PER_READ * took_seconds)):
                    source.wait(LOOK_SECONDS)

    def _read(self, source: DetailSource, question: Question) -> None:
        facts = source.read(question)
        if facts != self._last:
            self._last = facts
            self._on_facts(facts)
