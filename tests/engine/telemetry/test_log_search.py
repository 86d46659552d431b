"""Searching finds what reading all and looking at each record would, and is told apart."""

from __future__ import annotations

import re
import subprocess
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from odbctl.engine.telemetry.log_files import LogFiles, LogLimits
from odbctl.engine.telemetry.log_format import LogLine
from odbctl.engine.telemetry.log_reader import read_lines
from odbctl.engine.telemetry.log_records import joined, level_name, rank_of, understand
from odbctl.engine.telemetry.log_search import search_lines
from odbctl.engine.telemetry.log_span import OUT, Span
from odbctl.engine.telemetry.log_writer import LogWriter
from odbctl.engine.telemetry.raw_trim import trim_raw

LIMITS = LogLimits(segment_bytes=64 * 1024, quota_bytes=2**30)
WORDS = ["time", "out", "tim", "ä", "  x", "INFO", "Traceback (most recent call last):", "E: x", ""]
PATTERNS = [
    "time",
    "tim",
    "^time",
    "out$",
    "t.m",
    "[a-t]ime",
    "ä",
    "INFO",
    "x|out",
    "(?i)TIME",
    ".",
    "time\nout",
]


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map("\n".join)),
    pattern=st.sampled_from(PATTERNS),
)
@example(texts=["x", "time\nout"], pattern="time\nout")
def test_a_search_finds_what_a_look_at_every_record_does(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], pattern: str
) -> None:
    files = LogFiles.of(tmp_path_factory.mktemp("logs"), "svc", "svc-1")
    writer = LogWriter(files, LIMITS)
    writer.open()
    for number, text in enumerate(texts):
        if number % 2:
            writer.write_line("INFO", "log", text)
        else:
            writer.stdout.write(f"{text}\n")
    asked = re.compile(pattern)
    wanted = [line for line in read_lines([files]) if asked.search(line.text)]
    assert list(search_lines([files], asked)) == wanted
    writer.close()
    assert list(search_lines([files], asked)) == wanted


def test_a_search_goes_through_rotated_files(tmp_path: Path) -> None:
    files = LogFiles.of(tmp_path, "svc", "svc-1")
    writer = LogWriter(files, LIMITS)
    writer.open()
    for number in range(20_000):
        writer.stdout.write(f"line {number} of many\n")
    assert len(files.segments()) > 5
    found = [line.text for line in search_lines([files], re.compile("line [0-9]*777 "))]
    assert found == [f"line {n} of many" for n in range(20_000) if n % 1000 == 777]
    writer.close()


def test_a_text_is_found_wherever_it_stands_among_the_blocks(tmp_path: Path) -> None:
    block_bytes = 2**18
    for number in range(20):
        files = LogFiles.of(tmp_path, "svc", f"svc-{number}")
        files.out.parent.mkdir(exist_ok=True)
        before = b"\xff" + b"y" * (block_bytes - 10 + number)
        files.out.write_bytes(before + b"needle" + before + b"\nneedl\needle\nneedle at the end")
        found = [line.text.count("e") for line in search_lines([files], re.compile("needle"))]
        assert found == [3, 5], number


@pytest.mark.parametrize("older_by", [5, 100, 5_000])
def test_a_search_leaves_out_what_is_older(tmp_path: Path, older_by: int) -> None:
    files = LogFiles.of(tmp_path, "svc", "svc-1")
    files.log.parent.mkdir()
    first = 1_700_000_000
    with files.log.open("w", encoding="utf-8") as log:
        for number in range(older_by + 5):
            at = datetime.fromtimestamp(first + number, UTC)
            log.write(f"{at:%Y-%m-%dT%H:%M:%S}.000Z INFO log needle {number} {'x' * 1000}\n")
    found = search_lines([files], re.compile("needle"), since=first + older_by)
    assert [line.text.split()[1] for line in found] == [str(older_by + n) for n in range(5)]


def raised() -> str:
    try:
        try:
            raise KeyError("inner")
        except KeyError:
            raise ValueError("outer") from None
    except ValueError:
        return traceback.format_exc()


def chained() -> str:
    try:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise ValueError("outer") from error
    except ValueError:
        return traceback.format_exc()


@pytest.mark.parametrize("raise_it", [raised, chained])
def test_the_lines_of_a_traceback_are_one_record(
    tmp_path: Path, raise_it: Callable[[], str]
) -> None:
    text = raise_it()
    files = LogFiles.of(tmp_path, "svc", "svc-1")
    writer = LogWriter(files)
    writer.open()
    writer.stderr.write("before\n" + text + "after\n  indented\n\nend\n")
    writer.close()
    expected = ["before", text.rstrip("\n"), "after", "  indented", "", "end"]
    assert [line.text for line in read_lines([files])] == expected
    (found,) = search_lines([files], re.compile("outer"))
    assert found.text == text.rstrip("\n")


def test_empty_lines_behind_a_traceback_are_not_lost() -> None:
    def line(text: str) -> LogLine:
        return LogLine(0.0, "svc", "svc-1", "stderr", "ERROR", text)

    texts = ["Traceback (most recent call last):", "  File", "E: x", "", "", "next"]
    assert [found.text for found in joined(map(line, texts))] == [
        "Traceback (most recent call last):\n  File\nE: x",
        "",
        "",
        "next",
    ]


def test_json_lines_are_understood() -> None:
    text = '{"level": "warn", "message": "low", "shop": 7, "time": "now"}'
    found = understand(LogLine(0.0, "svc", "svc-1", "stdout", "INFO", text))
    assert found == ("WARNING", "low", {"shop": 7, "time": "now"})
    assert understand(LogLine(0.0, "svc", "svc-1", "stdout", "INFO", "{no}")) is None
    assert understand(LogLine(0.0, "svc", "svc-1", "stdout", "INFO", "[1]")) is None
    assert [level_name(n) for n in (5, 10, 30, 35, 60)] == [
        "DEBUG",
        "DEBUG",
        "WARNING",
        "WARNING",
        "CRITICAL",
    ]
    assert rank_of("FATAL") > rank_of("error".upper()) > rank_of("nonsense") == rank_of("INFO")


WRITES = "import os\nfor n in range(200_000): os.write(1, b'number %d %s\\n' % (n, b'x' * 80))"


def makes_holes(folder: Path) -> bool:
    """Tell whether the file system does, by the tool of the system."""
    file = folder / "probe"
    file.write_bytes(b"x" * (1 << 16))
    punch = ["fallocate", "--punch-hole", "--offset", "0", "--length", "32768", str(file)]
    try:
        return subprocess.run(punch, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return True  # nobody can tell: then it has to
    finally:
        file.unlink()


def test_a_raw_file_is_trimmed_while_a_child_writes_it(tmp_path: Path) -> None:
    if not makes_holes(tmp_path):
        pytest.skip("this file system makes no holes")
    files = LogFiles.of(tmp_path, "svc", "svc-1")
    files.out.parent.mkdir()
    trimmed = 0
    with (
        files.out.open("ab") as out,
        subprocess.Popen([sys.executable, "-c", WRITES], stdout=out) as child,
    ):
        while child.poll() is None:
            trimmed = trim_raw(files.out, 2 << 20, trimmed)
    trimmed = trim_raw(files.out, 2 << 20, trimmed)
    assert files.out.stat().st_blocks * 512 <= 4 << 20
    found = [line.text for line in read_lines([files])]
    first = int(found[0].split()[1])
    assert first > 100_000
    assert found == [f"number {n} {'x' * 80}" for n in range(first, 200_000)]
    span = Span.open(files, OUT)
    assert span is not None
    with span:
        backward = [line.text.decode() for line in span.lines_backward(span.length)]
    assert backward[::-1] == found
