"""Object numbers: unique without asking anybody, and growing with time.

Microseconds since 2026 in the upper bits, 12 random bits below, so that
processes do not collide; strictly growing within a process. Objects that are
created in one go have consecutive numbers, which SQLite finds without a
search, and which are short in the change log.
"""

from __future__ import annotations

import _thread  # `threading` would take 1 ms more
import os
import time

from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

_EPOCH_NS: Final = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z
_RANDOM_BITS: Final = 12
# After so long, or in another process, a number comes from the clock again.
LONGEST_RUN_MICROSECONDS: Final = 1000


class _Oids:
    def __init__(self) -> None:
        self._lock = _thread.allocate_lock()
        # A clock before 2026 gives negative numbers, which serve as well.
        self._last = -(2**62)
        self._state: list[int] = []  # one number; empty until it is seeded
        # A function written in C: one in Python would copy memory in every fork of a launcher.
        os.register_at_fork(after_in_child=self._state.clear)

    def next(self) -> int:
        microseconds = (time.time_ns() - _EPOCH_NS) // 1000
        with self._lock:
            is_near = microseconds - (self._last >> _RANDOM_BITS) < LONGEST_RUN_MICROSECONDS
            if is_near and self._state:
                self._last += 1
                return self._last
            if not self._state:
                self._state.append(int.from_bytes(os.urandom(4), "big"))
            # A linear congruential generator (constants: Numerical Recipes); its upper bits.
            state = self._state[0] = (self._state[0] * 1_664_525 + 1_013_904_223) & 0xFFFFFFFF
            candidate = (microseconds << _RANDOM_BITS) | (state >> (32 - _RANDOM_BITS))
            self._last = candidate if candidate > self._last else self._last + 1
            return self._last


new_oid = _Oids().next
