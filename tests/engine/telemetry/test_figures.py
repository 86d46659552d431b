"""Figures: bounded, down-sampled, and never of somebody else."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest

from odbctl.engine.telemetry.figures import (
    Latest,
    Sample,
    append_sample,
    read_board,
    read_points,
    read_sample,
    write_board,
)
from odbctl.engine.worker.identity import identify

START = 1_795_500_000.0


def test_a_sample_is_of_that_very_process() -> None:
    me = identify()
    assert me is not None
    sample = read_sample(me.pid, START, start_ticks=me.start_ticks)
    assert sample is not None
    assert sample.rss_bytes > 2**20
    assert sample.threads >= 1
    assert sample.open_files >= 3
    assert read_sample(me.pid, START, start_ticks=me.start_ticks + 1) is None


def test_a_week_is_kept_in_bounded_space_ever_more_coarsely(tmp_path: Path) -> None:
    path = str(tmp_path / "svc" / "svc-1.fig")
    for step in range(8 * 8640):  # every 10 s for eight days, a tenth of a core
        at = START + step * 10.0
        append_sample(path, Sample(at, step * 1.0, 1024 * step, 5, 2))
    assert os.path.getsize(path) < 100_000
    end = START + 8 * 86_400
    points = read_points(path, since=0.0)
    assert all(point.cpu_percent == pytest.approx(10.0) for point in points)
    assert end - points[0].at > 6.9 * 86_400
    gaps = [b.at - a.at for a, b in pairwise(points)]
    assert (max(gaps), min(gaps)) == (600.0, 10.0)
    assert len(read_points(path, since=end - 600)) == pytest.approx(59, abs=2)


def test_a_torn_record_is_left_out(tmp_path: Path) -> None:
    path = str(tmp_path / "svc-1.fig")
    for step in range(6):
        append_sample(path, Sample(START + step * 10.0, step * 1.0, 1024, 5, 2))
    data = bytearray(Path(path).read_bytes())
    place = (int(START // 10) + 3) % 360 * 32
    data[place + 8] ^= 0xFF
    Path(path).write_bytes(data)
    found = [point.at - START for point in read_points(path, since=0.0)]
    assert found == [10.0, 20.0, 40.0, 50.0]


def test_the_board_has_the_newest_of_all(tmp_path: Path) -> None:
    path = str(tmp_path / "local.now")
    first = Latest(Sample(START, 1.0, 4096, 5, 2), None)
    second = Latest(Sample(START, 2.0, 2**40, 70_000, 3), 12.5)
    write_board(path, [(7, first), (8, second)])
    found = read_board(path)
    assert found[7] == first
    assert (found[8].cpu_percent, found[8].sample.open_files) == (12.5, 65_535)
    assert read_board(str(tmp_path / "none")) == {}
