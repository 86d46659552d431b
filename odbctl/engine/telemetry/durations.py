"""Points in time as people type them: `10m`, `2h30m`, `2026-11-23T23:14`."""

from __future__ import annotations

import re
from datetime import datetime

from odbctl.errors import UsageError

UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
DURATION = re.compile(rf"(?:{PART.pattern})+")
HINT = "write 45s, 10m, 2h30m or 1d, or a time such as 2026-11-23T23:14"


def parse_duration(text: str) -> float:
    """Return the seconds of `45s`, `10m`, `2h30m` or `1d`.

    Raises:
        UsageError: It has not that form.
    """
    words = text.strip().lower()
    if not DURATION.fullmatch(words):
        raise UsageError(f"{text!r} is not a duration", hint=HINT)
    return sum(float(number) * UNIT_SECONDS[unit] for number, unit in PART.findall(words))


def parse_since(text: str, now: float) -> float:
    """Return the time that `--since` means.

    Args:
        text: A duration back from now, or an ISO time (local unless it names its zone).
        now: Seconds since the epoch.

    Raises:
        UsageError: It is neither.
    """
    words = text.strip()
    if DURATION.fullmatch(words.lower()):
        return now - parse_duration(words)
    try:
        return datetime.fromisoformat(words).timestamp()
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{text!r} is neither a duration nor a time", hint=HINT) from error
