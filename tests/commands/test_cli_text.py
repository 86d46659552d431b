from __future__ import annotations

import pytest

from odbctl.commands._text import duration, size, visible, visible_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("naïve 漢字", "naïve 漢字"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\nlines", "two\\nlines"),
        ("\x9b2J", "\\x9b2J"),
        ("right\u202eleft", "right\\u202eleft"),
        ("no\u00a0break", "no\u00a0break"),
    ],
)
def test_control_characters_are_shown_as_escapes(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_lines_and_tabs_of_a_text_stay() -> None:
    assert visible_lines("a\tb\n\x07c") == "a\tb\n\\x07c"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59.9, "59s"), (192, "3m12s"), (3660, "1h01m"), (200_000, "2d07h"), (-5, "0s")],
)
def test_durations_have_at_most_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (12_500, "12.5 kB"), (3e12, "3000.0 GB")]
)
def test_sizes_are_rounded(count: float, text: str) -> None:
    assert size(count) == text
