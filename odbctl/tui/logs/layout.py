"""Lines of a log as lines of the screen: prefix, marks, wrapping. Pure.

Widths are terminal cells: a wide character takes two, and is never cut in half.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from rich.cells import cell_len, get_character_cell_size

from odbctl.engine.api.log_pages import PageLine
from odbctl.tui.logs.ansi import Run, runs_of
from odbctl.tui.text import visible
from odbctl.units import duration

LANE_COLOURS = 8
LONGEST_LANE_CELLS = 16
_LEVEL_STYLES = {"WARNING": "warn", "ERROR": "bad", "CRITICAL": "bad", "DEBUG": "muted"}
_LEVEL_LETTERS = {"CRITICAL": "C", "ERROR": "E", "WARNING": "W", "INFO": "I", "DEBUG": "D"}

ScreenLine = tuple[Run, ...]
BLANK: ScreenLine = ()


class Times(StrEnum):
    """How the time of a line is shown."""

    CLOCK = "time"  # of day, with milliseconds
    DATE = "date and time"  # the day before it
    AGO = "age"  # how long ago
    NONE = "no time"  # not at all

    @property
    def following(self) -> Times:
        """The next one."""
        every = list(Times)
        return every[(every.index(self) + 1) % len(every)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineStyle:
    """How every line is shown."""

    times: Times = Times.CLOCK
    is_wrapped: bool = True
    width: int = 80
    left: int = 0  # cells scrolled out of sight, when lines are not wrapped
    lanes: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    now: float = 0.0


def screen_lines(
    line: PageLine, lane: int, style: LineStyle, *, is_marked: bool = False
) -> tuple[ScreenLine, ...]:
    """Return what one line of a log takes on the screen, at least one line.

    Args:
        line: The line.
        lane: Whose it is, an index of the lanes.
        style: How lines are shown.
        is_marked: Whether it is the one that a search went to.
    """
    prefix = prefix_runs(line, lane, style)
    room = max(style.width - sum(cell_len(run.text) for run in prefix), 1)
    body = text_runs(line, style, is_marked=is_marked)
    if not style.is_wrapped:
        return ((*prefix, *cropped(body, style.left, room)),)
    rows = list(wrapped(body, room)) or [()]
    indent = Run(" " * (style.width - room)) if prefix else None
    return tuple(
        (*prefix, *row) if place == 0 else ((indent, *row) if indent else row)
        for place, row in enumerate(rows)
    )


def prefix_runs(line: PageLine, lane: int, style: LineStyle) -> tuple[Run, ...]:
    """Return time, level and lane; the lane only where there are several."""
    runs: list[Run] = []
    if style.times is not Times.NONE:
        text = time_text(line.at, style)
        runs.append(Run(f"{' ' * len(text) if line.goes_on else text} ", "time"))
    runs += level_runs(line)
    if len(style.lanes) > 1:
        width = min(max(map(cell_len, style.lanes)), LONGEST_LANE_CELLS)
        name = visible(style.lanes[lane]) if lane < len(style.lanes) else "?"
        runs.append(
            Run(f"{name[-width:]:<{width}}\N{BOX DRAWINGS LIGHT VERTICAL}", lane_style(lane))
        )
    # Never more than half of the line, however narrow the screen is.
    return tuple(cropped(runs, 0, style.width // 2)) if runs else ()


def level_runs(line: PageLine) -> tuple[Run, ...]:
    """Return the column of the level: its letter, so that no colour is needed to see it."""
    level = line.level
    letter = " " if line.goes_on else _LEVEL_LETTERS.get(level, level[:1].upper() or " ")
    return Run(letter, f"level-{_LEVEL_STYLES.get(level, 'muted')}"), Run(" ")


def lane_style(lane: int) -> str:
    """Return the colour of an instance, which it keeps."""
    return f"lane-{lane % LANE_COLOURS}"


def time_text(at: float, style: LineStyle) -> str:
    """Return a time as the style wants it, always of the same width."""
    if style.times is Times.AGO:
        return f"{duration(style.now - at):>7}"
    local = time.localtime(at)
    clock = f"{time.strftime('%H:%M:%S', local)}.{int(at * 1000) % 1000:03}"
    return clock if style.times is Times.CLOCK else f"{time.strftime('%Y-%m-%d', local)} {clock}"


def text_runs(line: PageLine, style: LineStyle, *, is_marked: bool) -> list[Run]:
    """Return the text in the tone of its level, with what is searched for made visible."""
    tone = _LEVEL_STYLES.get(line.level, "")
    runs = [Run(run.text, run.style or tone) for run in runs_of(line.text)]
    if style.pattern is not None:
        runs = _highlighted(runs, style.pattern, "found-here" if is_marked else "found")
    if line.size > len(line.raw):
        runs.append(Run(f" \N{HORIZONTAL ELLIPSIS} {line.size:,} bytes, enter shows all", "muted"))
    return runs


def _highlighted(runs: list[Run], pattern: re.Pattern[str], name: str) -> list[Run]:
    text = "".join(run.text for run in runs)
    spans = [found.span() for found in pattern.finditer(text) if found.end() > found.start()]
    made: list[Run] = []
    at = 0
    for run in runs:
        made += _with_spans(run, at, spans, name)
        at += len(run.text)
    return made


def _with_spans(run: Run, at: int, spans: list[tuple[int, int]], name: str) -> Iterator[Run]:
    done, end = at, at + len(run.text)
    for first, last in spans:
        start, stop = max(first, done), min(last, end)
        if start >= stop:
            continue
        if start > done:
            yield Run(run.text[done - at : start - at], run.style)
        yield Run(run.text[start - at : stop - at], name)
        done = stop
    if done < end:
        yield Run(run.text[done - at :], run.style)


def wrapped(runs: Iterable[Run], width: int) -> Iterator[ScreenLine]:
    """Yield runs as lines of at most so many cells."""
    row: list[Run] = []
    room = width
    for run in runs:
        text = run.text
        while text:
            head, cells = _fitting(text, room)
            if not head and not row:
                head, cells = text[0], room  # wider than the screen: it is cut there
            if head:
                row.append(Run(head, run.style))
                room -= cells
                text = text[len(head) :]
            if text:
                yield tuple(row)
                row, room = [], width
    if row:
        yield tuple(row)


def cropped(runs: Iterable[Run], left: int, width: int) -> list[Run]:
    """Return what of runs lies within so many cells, after the first `left`."""
    made: list[Run] = []
    for run in runs:
        text = run.text
        if left > 0:
            head, cells = _fitting(text, left)
            text = text[len(head) :]
            left -= cells
            if text and left > 0:  # half of a wide character is in sight
                text = " " + text[1:]
                left = 0
            if not text:
                continue
        head, cells = _fitting(text, width)
        if head:
            made.append(Run(head, run.style))
            width -= cells
        if width <= 0 or len(head) < len(text):
            break
    return made


def _fitting(text: str, width: int) -> tuple[str, int]:
    """Return the beginning of a text that fits, and its cells."""
    head = text[: max(width, 0)]
    if head.isascii():
        return head, len(head)
    # Characters without a width of their own go with the one before.
    used = 0
    for place, character in enumerate(text):
        cells = get_character_cell_size(character)
        if used + cells > width:
            return text[:place], used
        used += cells
    return text, used
