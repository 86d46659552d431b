"""Trying again after a conflict: what every optimistic transaction needs."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from odbctl.engine.odb.current import open_view
from odbctl.errors import RevisionConflictError

P = ParamSpec("P")
T = TypeVar("T")

MOST_TRIES: Final = 20
FIRST_BACK_OFF_SECONDS: Final = 0.0005
LONGEST_BACK_OFF_SECONDS: Final = 0.05


def retry_on_conflict(function: Callable[P, T]) -> Callable[P, T]:
    """Make a function run again when its transaction conflicts.

    The function opens its transaction itself. Inside an open transaction it
    is simply called: only the outermost can be run again.

    Raises:
        RevisionConflictError: It conflicted 20 times.
    """

    @functools.wraps(function)
    def retrying(*arguments: P.args, **named: P.kwargs) -> T:
        for tries in range(1, MOST_TRIES):
            try:
                return function(*arguments, **named)
            except RevisionConflictError:
                if open_view() is not None:
                    raise
            time.sleep(back_off_seconds(tries))
        return function(*arguments, **named)

    return retrying


def back_off_seconds(tries: int) -> float:
    """Draw a pause: longer at most after each try, and never the same for two rivals."""
    longest: float = min(FIRST_BACK_OFF_SECONDS * 2**tries, LONGEST_BACK_OFF_SECONDS)
    return longest * int.from_bytes(os.urandom(2), "big") / 0xFFFF
