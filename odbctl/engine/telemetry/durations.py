"""Points in time as people type them: `10m` ago, or `2026-11-23T23:14`."""

from __future__ import annotations

import contextlib
from datetime import datetime

from odbctl.errors import UsageError
from odbctl.units import has_units, parse_duration

HINT = "write 10 (seconds), 45s, 10m, 2h30m or 1d, or a time such as 2026-11-23T23:14"


def parse_since(text: str, now: float) -> float:
    """Return the time that `--since` means.

    Args:
        text: A duration back from now, or an ISO time (local unless it names its zone).
        now: Seconds since the epoch.

    Raises:
        UsageError: It is neither.
    """
    words = text.strip()
    if has_units(words):
        return now - parse_duration(words)
    with contextlib.suppress(ValueError, OverflowError):
        return datetime.fromisoformat(words).timestamp()
    try:
        return now - parse_duration(words)  # a number of seconds, as everywhere
    except UsageError as error:
        raise UsageError(f"{text!r} is neither a duration nor a time", hint=HINT) from error
