"""The viewer's pure parts: colours, widths, wrapping, what is typed, records, export."""

from __future__ import annotations

import io
import random
import re
import time
from dataclasses import replace

import pytest
from fakes.logs import BEGAN_AT, FakeLogs
from rich.cells import cell_len

from odbctl.engine.api.log_pages import EVERYTHING, LineFilter
from odbctl.errors import UsageError
from odbctl.tui.logs.ansi import Run, plain, runs_of
from odbctl.tui.logs.export import text_of, write_lines
from odbctl.tui.logs.layout import LineStyle, Times, cropped, screen_lines, wrapped
from odbctl.tui.logs.record import MOST_CHARACTERS, pretty
from odbctl.tui.logs.words import filter_of, filter_text, pattern_of, time_of

PIECES = [
    "a",
    "漢",
    "😀",
    " ",
    "é",
    "\t",
    "\x1b[31m",
    "\x1b[0m",
    "\x07",
    "x" * 30,
    "[b]",
    "e\u0301",
]


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("plain", [Run("plain")]),
        ("", []),
        ("\x1b[31mred\x1b[0m no", [Run("red", "ansi:red"), Run(" no")]),
        ("\x1b[1;44mx", [Run("x", "ansi:bold on blue")]),
        ("\x1b[91mx\x1b[39my", [Run("x", "ansi:bright_red"), Run("y")]),
        ("\x1b[38;5;200mx", [Run("x", "ansi:color(200)")]),
        ("\x1b[48;2;255;0;300mx", [Run("x", "ansi:on #ff00ff")]),
        ("\x1b[38;5mx", [Run("x")]),
        ("\x1b[1mb\x1b[22mn", [Run("b", "ansi:bold"), Run("n")]),
        ("a\x1b[2J\x1b]0;title\x07b", [Run("a"), Run("b")]),
        ("a\x1b]52;c;AAAA", [Run("a")]),
        ("a\tb", [Run("a       b")]),
        ("漢\tb", [Run("漢      b")]),
        ("1%\r2%\r", [Run("2%")]),
        ("1%\rdone", [Run("done")]),
        ("bell\x07 \u202e", [Run("bell\\x07 \\u202e")]),
    ],
)
def test_only_colours_are_kept_of_what_steers(text: str, runs: list[Run]) -> None:
    assert runs_of(text) == runs


@pytest.mark.parametrize("seed", range(50))
def test_lines_of_any_text_fit_any_width(seed: int) -> None:
    chance = random.Random(seed)
    text = "".join(chance.choices(PIECES, k=40))
    logs = FakeLogs(text, lanes=("api-1", "api-two"))
    style = LineStyle(
        width=chance.randrange(1, 90),
        is_wrapped=chance.random() < 0.5,
        left=chance.randrange(40),
        times=chance.choice(list(Times)),
        lanes=logs.lanes,
        pattern=chance.choice([None, re.compile("x+"), re.compile("a|漢")]),
        now=BEGAN_AT + 5,
    )
    lines = screen_lines(logs.lines[0], 0, style, is_marked=chance.random() < 0.5)
    assert lines
    assert all(sum(cell_len(run.text) for run in line) <= max(style.width, 2) for line in lines)
    assert all(run.text.isprintable() for line in lines for run in line)
    if style.is_wrapped and style.width >= 4:
        whole = replace(style, times=Times.NONE, lanes=(), pattern=None)
        made = screen_lines(logs.lines[0], 0, whole)
        rows = ["".join(run.text for run in line) for line in made]
        level = "I " if style.width >= 4 else "I"
        assert rows[0].startswith(level)
        assert not any(row[: len(level)].strip() for row in rows[1:])
        assert "".join(row[len(level) :] for row in rows) == plain(text)


@pytest.mark.parametrize(
    ("level", "letter", "style"),
    [
        ("CRITICAL", "C", "level-bad"),
        ("ERROR", "E", "level-bad"),
        ("WARNING", "W", "level-warn"),
        ("INFO", "I", "level-muted"),
        ("DEBUG", "D", "level-muted"),
        ("NOTICE", "N", "level-muted"),
    ],
)
def test_a_level_is_a_letter_in_a_column_of_its_own(level: str, letter: str, style: str) -> None:
    logs = FakeLogs()
    logs.log("first", "Traceback", level=level)
    logs.log("File x", level=level, goes_on=True)
    for lanes in ((), ("api-1", "web-1")):
        shown = LineStyle(times=Times.CLOCK, lanes=lanes)
        first, _, goes_on = (screen_lines(line, 0, shown)[0] for line in logs.lines)
        column = len(first[0].text)
        assert first[1] == Run(letter, style)
        texts = ["".join(run.text for run in line) for line in (first, goes_on)]
        assert [text[column : column + 2] for text in texts] == [f"{letter} ", "  "]


def test_wide_characters_are_never_cut_in_half() -> None:
    runs = [Run("漢字漢字", "s"), Run("ab")]
    assert list(wrapped(runs, 3)) == [
        (Run("漢", "s"),),
        (Run("字", "s"),),
        (Run("漢", "s"),),
        (Run("字", "s"), Run("a")),
        (Run("b"),),
    ]
    assert cropped(runs, 1, 4) == [Run(" 字", "s")]
    assert cropped(runs, 8, 9) == [Run("ab")]
    assert cropped(runs, 100, 9) == []


def test_a_further_line_of_a_record_has_no_time_of_its_own() -> None:
    logs = FakeLogs("head")
    logs.log("more", goes_on=True)
    head, more = (screen_lines(line, 0, LineStyle())[0] for line in logs.lines)
    assert head[0].text.strip()
    assert more[0].text == " " * len(head[0].text)


@pytest.mark.parametrize(
    ("typed", "text", "is_found"),
    [("error", "an ERROR", True), ("Error", "an ERROR", False), ("e.r", "exr", True)],
)
def test_capitals_make_a_search_exact(typed: str, text: str, is_found: bool) -> None:
    assert bool(pattern_of(typed).search(text)) == is_found


@pytest.mark.parametrize("typed", ["(", "[a", "*", "a{2,1}", "(?P<x"])
def test_what_is_no_pattern_is_refused(typed: str) -> None:
    with pytest.raises(UsageError, match="not a valid pattern"):
        pattern_of(typed)


def test_what_a_filter_is_typed_as_and_said_as() -> None:
    only = filter_of("!foo bar +3", level="ERROR", around=0)
    assert only == LineFilter(
        pattern=re.compile("foo bar", re.IGNORECASE), is_without=True, level="ERROR", around=3
    )
    assert filter_text(only) == "&!foo bar  error and up  ±3 lines"
    assert filter_of("", level=None, around=2).is_all
    assert filter_text(EVERYTHING) == ""
    assert filter_of("a+3", level=None, around=1).around == 1


NOW = time.mktime((2026, 11, 25, 14, 30, 0, 0, 0, -1))


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("@14:05", (2026, 11, 25, 14, 5, 0)),
        ("14:05:09", (2026, 11, 25, 14, 5, 9)),
        ("14:31", (2026, 11, 24, 14, 31, 0)),
        ("@-15m", (2026, 11, 25, 14, 15, 0)),
        ("1h30m", (2026, 11, 25, 13, 0, 0)),
        ("@2026-11-20T10:00", (2026, 11, 20, 10, 0, 0)),
    ],
)
def test_times_as_they_are_typed(typed: str, moment: tuple[int, int, int, int, int, int]) -> None:
    assert time_of(typed, NOW) == time.mktime((*moment, 0, 0, -1))


@pytest.mark.parametrize("typed", ["", "@", "25:00", "12:61", "-x", "soon", "9" * 400])
def test_what_is_no_time_is_refused(typed: str) -> None:
    with pytest.raises(UsageError, match="not a time"):
        time_of(typed, NOW)


def test_json_is_made_readable_and_all_else_stays() -> None:
    assert pretty('{"a": {"é": 1}}') == '{\n  "a": {\n    "é": 1\n  }\n}'
    assert pretty("{no json}") == "{no json}"
    assert pretty("a\x1b[31mb\n\tc") == "ab\n        c"
    assert pretty("[" * 100_000).startswith("[[[")
    assert pretty("x" * (MOST_CHARACTERS + 7)).endswith("and 7 characters more")


def test_what_is_saved_says_when_who_and_how_grave() -> None:
    logs = FakeLogs("\x1b[31mhello", lanes=("api-1", "api-2"))
    logs.log("more", goes_on=True)
    logs.log("bad", level="ERROR", lane=1)
    stream = io.StringIO()
    assert write_lines(logs.open, stream, EVERYTHING, lambda: False) == 3
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(BEGAN_AT))
    lines = stream.getvalue().splitlines()
    assert lines[:2] == [f"{stamp}.000Z api-1 INFO hello", "\tmore"]
    assert lines[2].endswith("api-2 ERROR bad")
    with logs.open() as source:
        assert text_of(source, logs.lines[0]) == lines[0]
