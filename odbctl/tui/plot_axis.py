"""Numbers and times along the edges of a graph. Pure."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

_STEPS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_DAY_SECONDS = 86_400.0


def nice_top(most: float) -> float:
    """Return a round number that is not less than `most`, to be the top of an axis."""
    if not math.isfinite(most) or most <= 0:
        return 1.0
    scale = 10.0 ** math.floor(math.log10(most))
    # A scale that is no number of its own: the least ones there are.
    return next((s * scale for s in _STEPS if s * scale >= most), most) if scale else most


def number(value: float) -> str:
    """Return a number as short as it can be told."""
    if not math.isfinite(value):
        return "-"
    if abs(value) >= 1000:
        return f"{value:.3g}"
    return f"{value:.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.1f}"


def size_top(most: float) -> float:
    """Return a round number of bytes that is not less than `most`."""
    if not math.isfinite(most) or most <= 0:
        return 1.0
    scale = 1024.0 ** math.floor(math.log(most, 1024)) if most >= 1 else 1.0
    return nice_top(most / scale) * scale


def label_width(unit: Callable[[float], str], top: float) -> int:
    """Return the cells that the labels of an axis need: fixed, so that graphs align."""
    return max(5, len(unit(top)), len(unit(0.0)))


def time_line(since: float, until: float, width: int) -> str:
    """Return the times below a graph: at its ends, and amid where there is room."""
    span = until - since
    if width <= 0 or not (math.isfinite(since) and math.isfinite(until)) or span <= 0:
        return " " * max(width, 0)
    count = max(1, min(4, (width + 6) // 18))
    line = [" "] * width
    for place in range(count + 1):
        text = moment(since + span * place / count, is_long=span > _DAY_SECONDS)
        if place == 0:
            start = 0
        elif place == count:
            start = width - len(text)
        else:
            start = width * place // count - len(text) // 2
        if start < 0 or (start > 0 and line[start - 1] != " ") or len(text) > width - start:
            continue
        line[start : start + len(text)] = text
    return "".join(line)


def moment(at: float, *, is_long: bool) -> str:
    """Return a time of day in the local zone; with the day where a view is long."""
    return time.strftime("%d %b %H:%M" if is_long else "%H:%M", time.localtime(at))


def date(at: float) -> str:
    """Return a time with its date, in the local zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
