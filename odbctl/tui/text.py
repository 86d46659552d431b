"""Text for a cell of the screen: made harmless, made to fit. Pure.

Nothing that a repository, a service or its author wrote may steer the
terminal or be taken for markup: what does not print is shown as its escape.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from textwrap import wrap

from rich.cells import cell_len, chop_cells, set_cell_size

# Within so long a time of day can be of one day only.
CLOCK_SECONDS = 20 * 3_600.0


def visible(text: str) -> str:
    """Return `text` on one line, with control characters as escapes."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def clip(text: str, width: int) -> str:
    """Return `text` in at most so many terminal cells; `…` says that some is missing."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1) + "…" if width > 0 else ""


def clip_left(text: str, width: int) -> str:
    """Return the end of `text` in at most so many cells, as suits a path."""
    if cell_len(text) <= width:
        return text
    kept = text
    while kept and cell_len(kept) > width - 1:
        kept = kept[1:]
    return "…" + kept if width > 0 else ""


def wrapped(text: str, width: int) -> list[str]:
    """Return `text` in lines of at most so many cells, broken at blanks where it can be."""
    if width <= 0 or cell_len(text) <= width:
        return [text]
    has_wide_characters = cell_len(text) != len(text)
    return chop_cells(text, width) if has_wide_characters else wrap(text, width)


def fit(text: str, width: int, *, is_right: bool = False) -> str:
    """Return `text` in exactly so many cells."""
    clipped = clip(text, width)
    padding = " " * (width - cell_len(clipped))
    return padding + clipped if is_right else clipped + padding


def clock(at: float) -> str:
    """Return a time of day in the local zone, as `23:14:05`."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def moment(at: float, now: float) -> str:
    """Return a time of the last hours as `23:14:05`, an earlier one as its day, `Nov 23`.

    A day ago it was as late as it is now: then a time of day alone would mislead.
    """
    if abs(now - at) < CLOCK_SECONDS:
        return clock(at)
    return time.strftime("%b %d", time.localtime(at))


def percent(value: float) -> str:
    """Return a share in at most four characters, as `0.4%`, `12%` or `400%`; `-` for no number."""
    if not math.isfinite(value):
        return "-"
    if value == 0:
        return "0%"
    if value < 9.95:
        return f"{value:.1f}%"
    return f"{value:.0f}%" if value < 999.5 else f"{value / 1000:.0f}k%"


def counted(count: int, noun: str) -> str:
    """Return `1 instance`, `4 instances`."""
    return f"{count} {plural(count, noun)}"


def plural(count: int, noun: str) -> str:
    """Return a noun in the number that goes with a count."""
    return noun if count == 1 else f"{noun}s"


def short_commit(commit: str) -> str:
    """Return the beginning of a hash, as git shows it."""
    return commit[:_HASH_CELLS]


def short_ref(ref: str, commit: str) -> str:
    """Return a ref with the short hash of what it resolved to."""
    return f"{ref}@{short_commit(commit)}"


_HASH_CELLS = 7
_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int, *, most: float) -> str:
    """Return the newest values as bars, the last on the right; `most` is a full bar."""
    shown = values[-width:] if width > 0 else ()
    top = len(_BARS) - 1
    bars = (min(top, max(0, round(top * value / most))) if most > 0 else 0 for value in shown)
    return "".join(_BARS[bar] for bar in bars).rjust(max(width, 0))
