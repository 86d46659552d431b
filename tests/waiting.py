"""Waiting for a condition, with a deadline: what tests do in place of sleeping."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

POLL_SECONDS = 0.005

Result = TypeVar("Result")


def eventually(condition: Callable[[], Result], timeout_seconds: float = 10) -> Result:
    """Return the first true value of `condition`.

    Raises:
        AssertionError: It was still false at the deadline; the message has its last value.
    """
    deadline = time.monotonic() + timeout_seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still {value!r} after {timeout_seconds} s: {condition}")
        time.sleep(POLL_SECONDS)
    return value
