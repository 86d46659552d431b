"""Pictures of graphs: exact, at every size, of every kind of data."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from odbctl.tui.paint import Tone
from odbctl.tui.plot import Mark, Plot, plot_lines, summary
from odbctl.tui.plot_axis import nice_top, number, size_top, time_line
from odbctl.tui.plot_canvas import Point
from odbctl.tui.text import percent
from odbctl.units import size


@pytest.fixture(autouse=True)
def utc() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def a_plot(points: tuple[Point, ...] = (), **fields: Any) -> Plot:
    base = Plot(title="CPU", points=points, since=0, until=3_600, gap_seconds=35, unit=percent)
    return replace(base, **fields)


def picture(plot: Plot, width: int, height: int) -> list[str]:
    return ["".join(cell.text for cell in line) for line in plot_lines(plot, width, height)]


RAMP = tuple(Point(10.0 * n, n / 3.6) for n in range(361))


def test_a_ramp_as_area() -> None:
    assert picture(a_plot(RAMP), 40, 7) == [
        "CPU  100%  min 0%  avg 50%  max 100%    ",
        " 100%┤                           ⢀⣀⣠⣤⣶⣶⣿",
        "     │                    ⢀⣀⣤⣤⣶⣾⣿⣿⣿⣿⣿⣿⣿⣿",
        "     │             ⢀⣀⣤⣤⣶⣾⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿",
        "     │      ⣀⣀⣤⣴⣶⣾⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿",
        "   0%┤⣠⣤⣴⣶⣾⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿",
        "      00:00          00:30         01:00",
    ]


def test_a_flat_line_a_gap_and_a_limit() -> None:
    points = tuple(Point(10.0 * n, 50.0) for n in range(361) if not 120 < n < 240)
    plot = a_plot(points, limit=100.0, is_area=False)
    assert picture(plot, 30, 5) == [
        "CPU  50%  min 50%  avg 50%  m…",
        " 100%┤╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌",
        "     │⠒⠒⠒⠒⠒⠒⠒⠒⠂       ⠒⠒⠒⠒⠒⠒⠒⠒",
        "   0%┤                        ",
        "      00:00              01:00",
    ]


def test_marks_stand_below_and_the_worse_one_wins() -> None:
    marks = (
        Mark(1_800, "C", Tone.BAD),
        Mark(1_801, "D", Tone.GOOD),
        Mark(0, "R", Tone.WARN),
        Mark(9_999, "S"),
    )
    last = picture(a_plot(RAMP, marks=marks), 30, 8)[-1]
    assert last == "      R           C           "


def test_one_point_is_one_dot() -> None:
    lines = picture(a_plot((Point(1_800.0, 5.0),), is_area=False), 30, 5)
    dots = [c for line in lines for c in line if 0x2800 < ord(c) <= 0x28FF]
    assert len(dots) == 1


def test_without_data_it_says_so() -> None:
    assert picture(a_plot(), 30, 4)[0] == "CPU  no data                  "


AWKWARD = [
    (),
    (Point(5, math.nan),),
    (Point(5, math.inf), Point(6, 1.0), Point(math.nan, 2.0)),
    (Point(7, 3.0),),
    tuple(Point(float(n), 5.0) for n in range(100)),
    tuple(Point(float(n), 0.0) for n in range(100)),
    (Point(1, -5.0), Point(2, 5.0)),
    (Point(1, 1e308), Point(2, 1e308)),
    (Point(1, 1e-320), Point(2, 5e-324)),
    RAMP,
]


@pytest.mark.parametrize("points", AWKWARD, ids=range(len(AWKWARD)))
@pytest.mark.parametrize("limit", [None, 0.0, 2.0, math.inf, math.nan])
def test_every_picture_has_exactly_its_size(points: tuple[Point, ...], limit: float | None) -> None:
    marks = (Mark(5, "C", Tone.BAD),)
    for until in (3_600.0, 0.0):
        plot = a_plot(points, limit=limit, marks=marks, until=until, unit=size, rounded=size_top)
        for width in (0, 1, 2, 5, 6, 9, 10, 11, 33, 80):
            for height in (0, 1, 2, 3, 4, 5, 6, 7, 20):
                lines = picture(plot, width, height)
                assert len(lines) == height
                assert {len(line) for line in lines} <= {width}


def test_a_limit_far_above_is_named_and_not_drawn() -> None:
    lines = picture(a_plot((Point(5, 1.0),), limit=1_000.0), 60, 5)
    assert "limit 1k%" in lines[0]
    assert not any("╌" in line for line in lines)


def test_a_reached_limit_is_bad() -> None:
    head = plot_lines(a_plot(RAMP, limit=90.0), 80, 5)[0]
    assert [cell.tone for cell in head if "limit" in cell.text] == [Tone.BAD]


def test_what_a_series_comes_to() -> None:
    found = summary((Point(1, 2.0), Point(2, math.nan), Point(3, 4.0)))
    assert found is not None
    assert (found.least, found.mean, found.most, found.last) == (2.0, 3.0, 4.0, 4.0)
    assert summary((Point(1, math.inf),)) is None


@pytest.mark.parametrize(
    ("most", "top"), [(0, 1), (0.7, 0.8), (1, 1), (11, 15), (99, 100), (math.nan, 1)]
)
def test_axes_end_with_round_numbers(most: float, top: float) -> None:
    assert nice_top(most) == pytest.approx(top)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0B"), (1_000, "1K"), (64 * 2**20, "64M"), (1.5 * 2**30, "1.5G")],
)
def test_sizes_are_short(value: float, text: str) -> None:
    assert size(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.25, "0.2"), (12.4, "12"), (3, "3"), (1e6, "1e+06")])
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text


def test_long_views_name_the_day() -> None:
    line = time_line(0, 7 * 86_400, 60)
    assert line.startswith("01 Jan 00:00")
    assert line.endswith("08 Jan 00:00")
    assert len(line) == 60
