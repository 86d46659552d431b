"""RetryPause: growing pauses between tries to have something that keeps ending."""

from __future__ import annotations

import time

STABLE_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 60.0


class RetryPause:
    """When to try next: at once after a long life, else later each time. Times are monotonic."""

    def __init__(self) -> None:
        self._due_at = 0.0
        self._pause = 0.0

    def is_due(self) -> bool:
        """Tell whether a try may begin now."""
        return time.monotonic() >= self._due_at

    def due_seconds(self) -> float:
        """Return in how long a try may begin."""
        return max(0.0, self._due_at - time.monotonic())

    def begin(self) -> None:
        """Note that a try begins."""
        now = time.monotonic()
        if now - self._due_at >= STABLE_SECONDS:
            self._pause = 0.0
        self._due_at = now + self._pause
        self._pause = min(max(FIRST_PAUSE_SECONDS, 2 * self._pause), MAX_PAUSE_SECONDS)

    def put_off(self) -> None:
        """Let no try begin for a moment."""
        self._due_at = max(self._due_at, time.monotonic() + FIRST_PAUSE_SECONDS)
