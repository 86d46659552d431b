"""Durations and sizes, as odbctl reads and writes them everywhere.

A duration is `45s`, `10m`, `1h30m` or `2d`, a size is `512M` or `1.5G` (powers of
1024). What a command prints can be typed into another one. Pure; used by every layer.
"""

from __future__ import annotations

from odbctl.errors import UsageError, shown

UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = r"(\d+(?:\.\d+)?)(ms|[smhdw])"
_SIZE_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
DURATION_HINT = "write 10 (seconds), 45s, 10m, 1h30m or 2d"
SIZE_HINT = "for example 512M or 1.5G; or none"
LONGEST_SECONDS = 100 * 366 * 86400.0


def duration(seconds: float) -> str:
    """Return an age or a time to wait, rounded down, in at most two units: `3m12s`."""
    whole = max(0, int(seconds))
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if minutes == 0:
        return f"{second}s"
    if hours == 0:
        return f"{minutes}m{second:02}s"
    if days < 2:
        return f"{hours}h{minute:02}m"
    return f"{days}d{hour:02}h"


def exact_duration(seconds: float) -> str:
    """Return a limit or a setting without rounding: `3s`, `0.5s`, `10m`, `1h30m`."""
    if not 60 <= seconds < LONGEST_SECONDS or seconds != int(seconds):
        return f"{seconds:.10g}s"
    rest = int(seconds)
    text = ""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, length)
        text += f"{count}{unit}" if count else ""
    return text


def has_units(text: str) -> bool:
    """Return whether a text is a duration with its units, as `10m` and not `10`."""
    import re

    return re.fullmatch(rf"(?:{_PART})+", text.strip().lower()) is not None


def parse_duration(text: str) -> float:
    """Return the seconds of `10`, `45s`, `10m`, `2h30m` or `1d`.

    Raises:
        UsageError: It is not a duration.
    """
    import re

    words = text.strip().lower()
    if has_units(words):
        seconds = sum(
            float(number) * UNIT_SECONDS[unit] for number, unit in re.findall(_PART, words)
        )
    elif re.fullmatch(r"\d+(?:\.\d+)?|\.\d+", words):
        seconds = float(words)
    else:
        raise UsageError(f"{shown(text)} is not a duration", hint=DURATION_HINT)
    if seconds > LONGEST_SECONDS:
        raise UsageError(f"{shown(text)} is longer than 100 years", hint=DURATION_HINT)
    return seconds


def size(count: float) -> str:
    """Return bytes in at most four characters: `512B`, `12K`, `1.2G`."""
    if count < 999.5:
        return f"{max(0, count):.0f}B"
    value = count / 1024
    for unit in "KMGT":
        if value < 999.5 or unit == "T":
            return f"{value:.1f}{unit}" if value < 9.95 and unit != "K" else f"{value:.0f}{unit}"
        value /= 1024
    return ""


def parse_size(text: str) -> int | None:
    """Return the bytes of `512M`, `1.5G` or `10000`; None for "none".

    Raises:
        UsageError: It is not a size.
    """
    words = text.strip().lower()
    if words == "none":
        return None
    words = words.removesuffix("b").removesuffix("i")
    number, unit = (words[:-1], words[-1]) if words[-1:].isalpha() else (words, "")
    try:
        count = float(number) * _SIZE_UNITS[unit]
    except (ValueError, KeyError):
        raise UsageError(f"{shown(text)} is not a size", hint=SIZE_HINT) from None
    if not count > 0:
        raise UsageError(f"size must be positive, not {shown(text)}", hint=SIZE_HINT)
    if not count < 2**62:
        raise UsageError(f"{shown(text)} is too large", hint=SIZE_HINT)
    return int(count)
