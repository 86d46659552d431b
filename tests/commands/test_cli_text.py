from __future__ import annotations

import pytest

from odbctl.commands.output.text import visible, visible_lines


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
