"""Pace: at once when little happens, batched when much does."""

from __future__ import annotations

import time

BURST_PASSES = 24
INTERVAL_SECONDS = 0.01


class Pace:
    """Lets some passes go at once, and then one now and then.

    A single start needs a handful of passes, none of which should wait; a
    hundred starts would need hundreds, which would take the processor from
    the workers that start.
    """

    def __init__(self) -> None:
        self._credit = float(BURST_PASSES)
        self._at = time.monotonic()

    def keep(self) -> None:
        """Sleep if too many passes came in a short time."""
        now = time.monotonic()
        self._credit = min(BURST_PASSES, self._credit + (now - self._at) / INTERVAL_SECONDS) - 1.0
        self._at = now
        if self._credit < 0:
            time.sleep(2 * INTERVAL_SECONDS)
