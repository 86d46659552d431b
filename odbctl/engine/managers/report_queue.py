"""Reports that wait to be written: most at once, starts a moment later.

That a process lives is soon followed by that it works; written together they
are one commit, and one wake-up of everybody, instead of two.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from odbctl.engine.managers.messages import Report, WorkerStarted, as_storable

START_DELAY_SECONDS = 0.02


class ReportQueue:
    """What was reported and is not in the database yet."""

    def __init__(self) -> None:
        self._reports: list[Report] = []
        self._is_urgent = False
        self._due_at = 0.0

    def add(self, *reports: Report) -> None:
        """Take reports; their texts are made storable."""
        if reports and not self._reports:
            self._due_at = time.monotonic() + START_DELAY_SECONDS
        self._reports += map(as_storable, reports)
        self._is_urgent = self._is_urgent or any(
            not isinstance(report, WorkerStarted) for report in reports
        )

    def put_back(self, reports: Sequence[Report]) -> None:
        """Take back what could not be written."""
        self._reports = [*reports, *self._reports]
        self._is_urgent = self._is_urgent or bool(reports)

    def is_due(self) -> bool:
        """Tell whether something is to be written now."""
        return self._is_urgent or bool(self._reports and time.monotonic() >= self._due_at)

    def due_seconds(self) -> float | None:
        """Return in how long something is to be written; None when there is nothing."""
        return max(0.0, self._due_at - time.monotonic()) if self._reports else None

    def take(self, *, everything: bool = False) -> Sequence[Report]:
        """Return what is to be written now, or everything; it is in the queue no longer."""
        if not everything and not self.is_due():
            return ()
        reports, self._reports = self._reports, []
        self._is_urgent = False
        return reports
