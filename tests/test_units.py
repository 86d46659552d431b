"""Durations and sizes read and written in one style."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odbctl.errors import UsageError
from odbctl.units import duration, exact_duration, parse_duration, parse_size, size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10", 10.0),
        ("0", 0.0),
        ("1.5", 1.5),
        (" 45S ", 45.0),
        ("250ms", 0.25),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("1d", 86400.0),
    ],
)
def test_durations_are_read_with_and_without_units(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "soon", "-1", "nan", "inf", "1e3", "5 m", "5x", "1h-3m", "9" * 40]
)
def test_what_is_not_a_duration_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_duration(text)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.5, "0.5s"),
        (3.0, "3s"),
        (90, "1m30s"),
        (600, "10m"),
        (5400, "1h30m"),
        (86400, "1d"),
    ],
)
def test_settings_are_written_without_rounding(seconds: float, text: str) -> None:
    assert exact_duration(seconds) == text


@given(st.integers(0, 10**8))
def test_a_written_duration_can_be_typed(seconds: int) -> None:
    assert parse_duration(exact_duration(float(seconds))) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59.9, "59s"), (192, "3m12s"), (3660, "1h01m"), (200_000, "2d07h"), (-5, "0s")],
)
def test_ages_have_at_most_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0B"), (512, "512B"), (12_288, "12K"), (512 * 2**20, "512M"), (1.5 * 2**30, "1.5G")],
)
def test_sizes_are_written_as_they_are_typed(count: float, text: str) -> None:
    assert size(count) == text
    assert parse_size(text.replace("0B", "1B")) == (count or 1)


@pytest.mark.parametrize("text", ["", "x", "-1", "0", "1e300", "nan", "5 parsecs"])
def test_what_is_not_a_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_size(text)
