"""Reading: the last lines, the lines since a time, several instances as one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odbctl.engine.telemetry import log_span
from odbctl.engine.telemetry.durations import parse_since
from odbctl.engine.telemetry.log_files import LogFiles, index_of, instances_in
from odbctl.engine.telemetry.log_format import safe_text
from odbctl.engine.telemetry.log_reader import read_lines, tail
from odbctl.engine.telemetry.log_span import LOG, OUT, Span
from odbctl.engine.telemetry.raw_times import MARK
from odbctl.errors import UsageError
from odbctl.units import parse_duration

NOON = 1_795_521_600.0  # 2026-11-24T12:00:00Z


def stamp(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"2026-11-24T12:{int(minutes):02d}:{rest:06.3f}Z"


def a_log(logs: Path, instance: str = "web-1", *, lines: list[str]) -> LogFiles:
    files = LogFiles.of(logs, "web", instance)
    files.log.parent.mkdir(exist_ok=True)
    files.log.write_text("".join(f"{line}\n" for line in lines))
    return files


def test_a_line_says_when_what_and_where(tmp_path: Path) -> None:
    files = a_log(tmp_path, lines=[f"{stamp(1.5)} WARNING log shop: low"])
    (line,) = tail([files], 10)
    assert line == (NOON + 1.5, "web", "web-1", "log", "WARNING", "shop: low")


def test_continuations_belong_to_their_record(tmp_path: Path) -> None:
    files = a_log(
        tmp_path,
        lines=[f"{stamp(0)} ERROR log a", "\tb", "\t", "\t\tc", f"{stamp(1)} INFO stdout d"],
    )
    assert [line.text for line in tail([files], 5)] == ["a\nb\n\n\tc", "d"]
    assert [line.text for line in tail([files], 1)] == ["d"]
    assert [line.text for line in read_lines([files])] == ["a\nb\n\n\tc", "d"]


def test_stderr_has_no_level_in_files_of_earlier_versions_either(tmp_path: Path) -> None:
    files = a_log(tmp_path, lines=[f"{stamp(0)} ERROR stderr a", f"{stamp(1)} - stderr b"])
    assert [(line.stream, line.level) for line in read_lines([files])] == [("stderr", "")] * 2


def test_tail_gives_the_last_lines_of_all_instances_by_time(tmp_path: Path) -> None:
    one = a_log(tmp_path, "web-1", lines=[f"{stamp(i)} INFO stdout one {i}" for i in (0, 2, 4)])
    two = a_log(tmp_path, "web-2", lines=[f"{stamp(i)} INFO stdout two {i}" for i in (1, 3)])
    assert [line.text for line in tail([one, two], 3)] == ["one 2", "two 3", "one 4"]
    assert [line.text for line in tail([one, two], 0)] == []
    assert instances_in(tmp_path, "web") == [one, two]


def test_since_leaves_out_what_is_older(tmp_path: Path) -> None:
    files = a_log(tmp_path, lines=[f"{stamp(i / 100)} INFO stdout {i}" for i in range(100_000)])
    found = [int(line.text) for line in read_lines([files], since=NOON + 900)]
    assert found == list(range(90_000, 100_000))


def test_since_looks_at_the_end_of_a_large_file_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = a_log(
        tmp_path, lines=[f"{stamp(i / 100)} INFO stdout {i} {'x' * 200}" for i in range(90_000)]
    )
    bytes_read = 0
    read = Span.read

    def counted(span: Span, start: int, stop: int) -> bytes:
        nonlocal bytes_read
        data = read(span, start, stop)
        bytes_read += len(data)
        return data

    monkeypatch.setattr(Span, "read", counted)
    assert len(tail([files], 10)) == 10
    assert bytes_read < 200_000
    assert len(list(read_lines([files], since=NOON + 899))) == 100
    assert bytes_read < 5_000_000


def test_a_clock_set_back_reorders_nothing_within_an_instance(tmp_path: Path) -> None:
    files = a_log(
        tmp_path, lines=[f"{stamp(t)} INFO stdout {n}" for n, t in enumerate((50, 51, 10, 11))]
    )
    assert [line.text for line in read_lines([files])] == ["0", "1", "2", "3"]
    assert [line.text for line in read_lines([files], since=NOON + 5)] == ["0", "1", "2", "3"]


@pytest.mark.parametrize("junk", ["no stamp at all", "2026-99-99T99:99:99.000Z INFO stdout x", ""])
def test_torn_lines_are_shown_as_they_are(tmp_path: Path, junk: str) -> None:
    files = a_log(tmp_path, lines=[junk, f"{stamp(0)} INFO stdout good", junk])
    assert [line.text for line in read_lines([files])] == [junk, "good", junk]
    assert [line.text for line in tail([files], 3)] == [junk, "good", junk]


def test_missing_files_are_no_lines(tmp_path: Path) -> None:
    files = LogFiles.of(tmp_path, "gone", "gone-1")
    assert tail([files], 5) == []
    assert list(read_lines([files])) == []
    assert instances_in(tmp_path, "gone") == []


def test_raw_lines_have_the_time_of_their_mark(tmp_path: Path) -> None:
    files = a_log(tmp_path, lines=[])
    files.out.write_bytes(b"a\nb\nc\nlast\xff")
    index_of(files.out).write_bytes(MARK.pack(2, NOON) + MARK.pack(6, NOON + 1) + b"torn")
    lines = list(read_lines([files]))
    assert [(line.text, line.level, line.stream) for line in lines] == [
        ("a", "INFO", "stdout"),
        ("b", "INFO", "stdout"),
        ("c", "INFO", "stdout"),
        ("last\\xff", "INFO", "stdout"),
    ]
    by_text = {line.text: line.at for line in lines}
    assert (by_text["a"], by_text["b"], by_text["c"]) == (NOON, NOON + 1, NOON + 1)
    assert by_text["last\\xff"] == files.out.stat().st_mtime


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([b"", b"a", b"bcd", b"e" * 9, b"\n"])).map(b"\n".join),
    st.integers(min_value=2, max_value=6),
)
def test_lines_are_the_same_from_both_ends(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, block: int
) -> None:
    files = LogFiles.of(tmp_path_factory.getbasetemp(), "web", "same")
    files.out.parent.mkdir(exist_ok=True)
    files.out.write_bytes(content)
    wanted = content.removesuffix(b"\n").split(b"\n") if content else []
    before, log_span.BLOCK_BYTES = log_span.BLOCK_BYTES, block
    try:
        span = Span.open(files, OUT)
        assert span is not None
        with span:
            forward = list(span.lines(0, span.length))
            backward = list(span.lines_backward(span.length))
            end = span.end_of_lines()
    finally:
        log_span.BLOCK_BYTES = before
    assert [line.text for line in forward] == wanted
    assert backward == forward[::-1]
    assert end == content.rfind(b"\n") + 1


def test_a_file_without_line_ends_comes_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_span, "LONGEST_LINE_BYTES", 1 << 17)
    files = a_log(tmp_path, lines=[])
    content = random.Random(1).randbytes(700_000).replace(b"\n", b"")
    files.out.write_bytes(content)
    span = Span.open(files, OUT)
    assert span is not None
    with span:
        forward = b"".join(line.text for line in span.lines(0, span.length))
        backward = [line.text for line in span.lines_backward(span.length)]
    assert forward == content
    assert b"".join(reversed(backward)) == content


def test_an_unfinished_last_line_is_shown(tmp_path: Path) -> None:
    files = a_log(tmp_path, lines=[])
    files.log.write_text(f"{stamp(0)} INFO stdout whole\n{stamp(1)} INFO stdout hal")
    assert [line.text for line in tail([files], 2)] == ["whole", "hal"]
    span = Span.open(files, LOG)
    assert span is not None
    with span:
        assert span.end_of_lines() < span.length


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b(Bx\x1bcy", "xy"),
        ("a\tb\nc", "a\tb\nc"),
        ("bell\x07 back\x08 \x9b31m nul\x00", "bell back  nul"),
        ("10%\r55%\r100%", "100%"),
        ("dos line\r", "dos line"),
        ("right\u202eleft", "rightleft"),
    ],
)
def test_safe_text_cannot_steer_a_terminal(text: str, safe: str) -> None:
    assert safe_text(text) == safe


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45s", 45), ("10m", 600), ("2h30m", 9000), ("1d", 86400), ("1.5H", 5400), (" 500ms ", 0.5)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
    assert parse_since(text, 1_000_000.0) == 1_000_000.0 - seconds


def test_since_may_be_a_number_of_seconds() -> None:
    assert parse_since("10", 1_000_000.0) == 1_000_000.0 - 10
    assert parse_since("20261124", 0.0) == parse_since("2026-11-24", 0.0)


def test_since_may_be_a_time() -> None:
    assert parse_since("2026-11-24T12:00:00Z", 0.0) == NOON
    assert parse_since("2026-11-24T13:00+01:00", 0.0) == NOON


@pytest.mark.parametrize("text", ["", "soon", "-10", "-5m", "10 m", "5y", "m10", "2026-13-01"])
def test_wrong_times_are_told(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_since(text, 0.0)
    assert caught.value.hint
