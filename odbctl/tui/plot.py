"""Graphs in braille: a series over time, in so many cells. Pure.

A cell holds two by four dots, so a plot of N x M cells has 2N columns of 4M
dots. A column shows the span of the values that fall into it; columns are
joined unless there is a gap in the data, which stays empty. Whatever the
values and the size, as many lines come out as were asked for, each as wide.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from odbctl.tui.paint import Cell, Tone
from odbctl.tui.plot_axis import label_width, nice_top, number, time_line
from odbctl.tui.plot_canvas import Canvas, Line, Point

# A limit so many times above the peak would press the graph flat: it is only named.
_LIMIT_IN_SIGHT = 4.0
# Least cells that a graph needs for its own, beside axes and head.
_LEAST_WIDTH = 4


class Mark(NamedTuple):
    """Something that happened, as a letter below the graph."""

    at: float
    letter: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """What to draw: a series between two times.

    Points that are further apart than `gap_seconds` are not joined.
    """

    title: str
    points: tuple[Point, ...]
    since: float
    until: float
    gap_seconds: float
    limit: float | None = None
    marks: tuple[Mark, ...] = ()
    unit: Callable[[float], str] = number
    rounded: Callable[[float], float] = nice_top
    is_area: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The least, the mean, the greatest and the newest of a series."""

    least: float
    mean: float
    most: float
    last: float


def summary(points: Iterable[Point]) -> Summary | None:
    """Return what a series comes to; None without data."""
    values = [p.value for p in points if math.isfinite(p.value)]
    if not values:
        return None
    mean = math.fsum(value / len(values) for value in values)
    return Summary(least=min(values), mean=mean, most=max(values), last=values[-1])


def plot_lines(plot: Plot, width: int, height: int) -> tuple[Line, ...]:
    """Draw a plot: a head, the graph with its axis, the times, and the marks.

    Where there is no room for all, marks, times and head are left out, in this order.

    Returns:
        Exactly `height` lines of exactly `width` cells.
    """
    if width <= 0 or height <= 0:
        return ((),) * max(height, 0)
    points = _in_sight(plot)
    found = summary(points)
    has_head, has_times, has_marks = height >= 2, height >= 4, height >= 6 and bool(plot.marks)
    rows = height - has_head - has_times - has_marks
    top = _top(plot, found)
    left = label_width(plot.unit, top)
    if width - left - 1 < _LEAST_WIDTH:
        left = -1  # no room for an axis
    inner = width - left - 1
    lines = [_head(plot, found, width)] if has_head else []
    lines += _graph(plot, points, top, inner, rows, left)
    if has_times:
        lines.append(_shifted(time_line(plot.since, plot.until, inner), left))
    if has_marks:
        lines.append((*_shifted("", left), *_mark_cells(plot, inner)))
    return tuple(lines)


def _in_sight(plot: Plot) -> list[Point]:
    found = [p for p in plot.points if math.isfinite(p.at) and math.isfinite(p.value)]
    return sorted(p for p in found if plot.since <= p.at <= plot.until)


def _top(plot: Plot, found: Summary | None) -> float:
    most = max(found.most, 0.0) if found else 0.0
    if plot.limit is not None and _is_limit_shown(plot.limit, most):
        most = max(most, plot.limit)
    return plot.rounded(most)


def _is_limit_shown(limit: float, most: float) -> bool:
    return math.isfinite(limit) and 0 < limit <= most * _LIMIT_IN_SIGHT


def _head(plot: Plot, found: Summary | None, width: int) -> Line:
    cells = [Cell(plot.title, Tone.STRONG)]
    if found is None:
        cells.append(Cell("  no data", Tone.MUTED))
    else:
        cells.append(Cell(f"  {plot.unit(found.last)}", Tone.STRONG))
        parts = (("min", found.least), ("avg", found.mean), ("max", found.most))
        cells += [Cell(f"  {word} {plot.unit(value)}", Tone.MUTED) for word, value in parts]
    if plot.limit is not None and math.isfinite(plot.limit):
        is_reached = found is not None and found.most >= plot.limit
        cells.append(
            Cell(f"  limit {plot.unit(plot.limit)}", Tone.BAD if is_reached else Tone.WARN)
        )
    return _fitted(cells, width)


def _fitted(cells: Sequence[Cell], width: int) -> Line:
    """Cut or fill cells to exactly a width; what is cut ends with `…`."""
    from odbctl.tui.text import fit

    kept: list[Cell] = []
    left = width
    for cell in cells:
        text = fit(cell.text, min(len(cell.text), left))
        kept.append(cell._replace(text=text))
        left -= len(text)
    return (*(cell for cell in kept if cell.text), Cell(" " * left))


def _shifted(text: str, left: int) -> Line:
    """Return a line's beginning below the axis, and a text behind it."""
    return (Cell(" " * (left + 1)), Cell(text, Tone.MUTED))


def _graph(
    plot: Plot, points: Sequence[Point], top: float, width: int, rows: int, left: int
) -> list[Line]:
    canvas = Canvas(width, rows, is_area=plot.is_area)
    canvas.draw(points, since=plot.since, until=plot.until, top=top, gap_seconds=plot.gap_seconds)
    has_limit = plot.limit is not None and _is_limit_shown(plot.limit, top)
    limit_row = rows - 1 - _row_of(plot.limit or 0.0, top, rows) if has_limit else -1
    lines: list[Line] = []
    for row in range(rows):
        cells = canvas.cells(row, is_limit=row == limit_row)
        lines.append((*_axis(plot, top, row, rows, left), *cells))
    return lines


def _row_of(value: float, top: float, rows: int) -> int:
    """Return the row of a value, counted from below."""
    return max(0, min(rows - 1, int(value / top * rows)))


def _axis(plot: Plot, top: float, row: int, rows: int, left: int) -> Line:
    """Return what stands left of a row of the graph: labels above, amid and below."""
    if left < 0:
        return ()
    text = ""
    if row == 0:
        text = plot.unit(top)
    elif row == rows - 1:
        text = plot.unit(0.0)
    elif rows >= 7 and row == rows // 2:
        text = plot.unit(top * (rows - row - 0.5) / rows)
    return (Cell(text.rjust(left)[:left], Tone.MUTED), Cell("┤" if text else "│", Tone.MUTED))


def _mark_cells(plot: Plot, width: int) -> Line:
    cells = [Cell(" ")] * width
    span = plot.until - plot.since
    for mark in sorted(plot.marks, key=lambda m: (_RANKS[m.tone], m.at)):
        if span > 0 and plot.since <= mark.at <= plot.until:
            place = min(width - 1, int((mark.at - plot.since) / span * width))
            cells[place] = Cell(mark.letter[:1] or "?", mark.tone)
    return tuple(cells)


# Of marks in one cell the one that matters more is shown.
_RANKS = {tone: place for place, tone in enumerate(Tone)}
