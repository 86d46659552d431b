from __future__ import annotations

from odbctl.commands.output.results import Document
from odbctl.commands.output.table import Column, display_width, table

COLUMNS = (Column("NAME", "name"), Column("STATE", "state", is_state=True), Column("TEXT", "a.b"))
LONG = "x" * 200


def test_off_a_terminal_nothing_is_cut_and_columns_align() -> None:
    documents: list[Document] = [
        {"name": "a", "state": "running", "a": {"b": LONG}},
        {"name": "longer", "state": "stopped"},
    ]
    lines = table(COLUMNS, documents, width=None, has_color=False)
    assert lines == [
        "NAME    STATE    TEXT",
        f"a       running  {LONG}",
        "longer  stopped  -",
    ]


def test_on_a_terminal_lines_fit_its_width() -> None:
    lines = table(
        COLUMNS, [{"name": "a", "state": "running", "a": {"b": LONG}}], width=40, has_color=False
    )
    assert max(map(display_width, lines)) == 40
    assert lines[1].endswith("…")


def test_states_are_coloured_and_nothing_else_is() -> None:
    lines = table(COLUMNS, [{"name": "failed", "state": "failed"}], width=80, has_color=True)
    assert "\x1b[31mfailed\x1b[0m" in lines[1]
    assert lines[1].startswith("failed")


def test_a_value_cannot_steer_the_terminal_or_break_the_line() -> None:
    lines = table(COLUMNS, [{"name": "a\x1b[2Jb\nc", "state": "x"}], width=None, has_color=False)
    assert lines[1].startswith("a\\x1b[2Jb\\nc")
    assert len(lines) == 2


def test_wide_characters_take_two_columns() -> None:
    lines = table(
        COLUMNS[:2],
        [{"name": "漢字", "state": "x"}, {"name": "abcd", "state": "y"}],
        width=None,
        has_color=False,
    )
    assert lines[1:] == ["漢字  x", "abcd  y"]
