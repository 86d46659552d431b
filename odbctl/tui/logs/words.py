"""What people type into the viewer's prompt. Pure."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta

from odbctl.engine.api.log_pages import LineFilter
from odbctl.engine.api.times import parse_duration, parse_since
from odbctl.errors import UsageError

LEVELS = (None, "DEBUG", "INFO", "WARNING", "ERROR")
MOST_AROUND = 50
_AROUND = re.compile(r"(.*\S)\s+\+(\d{1,2})$", re.DOTALL)
_CLOCK = re.compile(r"(\d\d?):(\d\d)(?::(\d\d))?")
_TIME_HINT = "write @14:05, @14:05:30, @-15m or @2026-11-25T14:05"


def pattern_of(text: str) -> re.Pattern[str]:
    """Return the pattern of a search: any case, unless an upper-case letter was typed.

    Raises:
        UsageError: It is no pattern.
    """
    flags = re.IGNORECASE if text == text.lower() else re.NOFLAG
    try:
        return re.compile(text, flags)
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(
            f"not a valid pattern: {error}", hint="write a Python regular expression"
        ) from error


def filter_of(text: str, *, level: str | None, around: int) -> LineFilter:
    """Return the filter of `re`, `!re`, or either with ` +3` for lines around.

    Args:
        text: What was typed; without a pattern nothing is filtered by one.
        level: The level in force.
        around: The lines around, where none are typed.

    Raises:
        UsageError: It is no pattern.
    """
    found = _AROUND.fullmatch(text)
    if found is not None:
        text, around = found[1], int(found[2])
    is_without = text.startswith("!")
    words = text.removeprefix("!")
    return LineFilter(
        pattern=pattern_of(words) if words else None,
        is_without=is_without,
        level=level,
        around=min(around, MOST_AROUND),
    )


def filter_text(only: LineFilter) -> str:
    """Say what a filter shows; empty for everything."""
    words: list[str] = []
    if only.pattern is not None:
        words.append(f"&{'!' if only.is_without else ''}{only.pattern.pattern}")
    if only.level is not None:
        words.append(f"{only.level.lower()} and up")
    if only.around and words:
        words.append(f"\N{PLUS-MINUS SIGN}{only.around} lines")
    return "  ".join(words)


def time_of(text: str, now: float) -> float:
    """Return the time that `14:05`, `-15m`, `15m` or an ISO time means, with or without `@`.

    A time of day that is still to come was yesterday's.

    Raises:
        UsageError: It is none of these.
    """
    words = text.strip().removeprefix("@").strip()
    if words.startswith("-"):
        try:
            return now - parse_duration(words[1:])
        except UsageError as error:
            raise UsageError(f"{text!r} is not a time", hint=_TIME_HINT) from error
    if (found := _CLOCK.fullmatch(words)) is not None:
        return _time_of_day(text, found, now)
    try:
        return parse_since(words, now)
    except UsageError as error:
        raise UsageError(f"{text!r} is not a time", hint=_TIME_HINT) from error


def _time_of_day(text: str, found: re.Match[str], now: float) -> float:
    local = datetime.fromtimestamp(now).astimezone()
    try:
        moment = local.replace(
            hour=int(found[1]), minute=int(found[2]), second=int(found[3] or 0), microsecond=0
        )
    except ValueError as error:
        raise UsageError(f"{text!r} is not a time of day", hint=_TIME_HINT) from error
    return (moment - timedelta(days=1) if moment.timestamp() > now else moment).timestamp()


def stamp(at: float) -> str:
    """Return a time in UTC, as it stands in the log."""
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(at))}.{int(at * 1000) % 1000:03}Z"
