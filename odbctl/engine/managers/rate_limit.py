"""RateLimit: how often one manager repeats itself about the same problem."""

from __future__ import annotations

import time
from collections.abc import Hashable

REPEAT_SECONDS = 60.0
_MAX_KEYS = 1000


class RateLimit:
    """Allows each key once in a while. Times are monotonic."""

    def __init__(self, seconds: float = REPEAT_SECONDS) -> None:
        self._seconds = seconds
        self._allowed_at: dict[Hashable, float] = {}

    def allows(self, key: Hashable) -> bool:
        """Tell whether a key may be used now; if so, it may not be used again for a while."""
        now = time.monotonic()
        if now < self._allowed_at.get(key, 0.0):
            return False
        if len(self._allowed_at) >= _MAX_KEYS:
            self._allowed_at.clear()
        self._allowed_at[key] = now + self._seconds
        return True
