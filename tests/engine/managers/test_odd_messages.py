"""Bytes from outside that are no messages: ignored, and nothing else is lost with them."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, cast

import pytest
from builders import a_service, a_world, an_instance

from odbctl.engine.managers.health import HealthChecks, parse_answer
from odbctl.engine.managers.messages import (
    HealthReport,
    LineBuffer,
    WorkerExited,
    WorkerHangs,
    WorkerStarted,
    as_storable,
    parse_reports,
)
from odbctl.engine.model.probes import Probe, ProbeKind
from odbctl.engine.worker.reporting import parse_lines

NO_ANSWERS: list[bytes] = [
    b"",
    b"\xff\xfe\x00",
    b"{}",
    b"7",
    b"[7]",
    b"[" * 100_000,
    b'["7", 2, true, ""]',
    b'[[7], 2, true, ""]',
    b'[7, 2, "yes", ""]',
    b'[7, null, true, ""]',
    b'[true, 2, true, ""]',
]


@pytest.mark.parametrize("line", NO_ANSWERS)
def test_a_line_that_is_no_answer_is_ignored(tmp_path: Path, line: bytes) -> None:
    assert parse_answer(line) is None
    asked: list[int] = []

    def ask(instance: int, _question: bytes) -> bool:
        asked.append(instance)
        return True

    now = [1000.0]
    checks = HealthChecks(tmp_path / "fifo", ask, clock=lambda: now[0])
    checks.open()
    service = a_service(1, an_instance(7, running_at=time.time()))
    checks.follow(a_world(service._replace(readiness=Probe(ProbeKind.HEALTH, "", 10.0, 2.0, 2))))
    checks.step()
    descriptor = os.open(tmp_path / "fifo", os.O_WRONLY | os.O_NONBLOCK)
    os.write(descriptor, line + b'\n[7, 2, true, "caf\\udce9"]\n')
    os.close(descriptor)
    now[0] += 0.1
    reports = checks.step()
    checks.close()
    assert set(asked) == {7}
    assert [(r.instance, r.is_well, r.text) for r in reports] == [(7, True, "caf?")]


@pytest.mark.parametrize("text", [None, ("a", 1), "caf\udce9", b"\xff", object(), "x" * 10**6])
def test_the_texts_of_reports_are_made_storable(text: object) -> None:
    odd = cast("Any", text)
    found = [
        as_storable(HealthReport(7, False, True, odd, False, 1.0)),
        as_storable(WorkerHangs(7, odd, 1.0)),
        as_storable(WorkerExited(7, 1, None, None, 1.0, reason=odd)),
    ]
    texts = [getattr(r, "text", None) or getattr(r, "reason", None) or "" for r in found]
    assert all(type(t) is str and len(t.encode()) <= 500 for t in texts)


def test_reports_of_a_wrong_shape_are_skipped() -> None:
    good = [7, 100, 1, 2.0]
    odd: list[object] = [None, [], [7], ["7", 100, 1, 2.0], [7, 2**80, 1, 2.0], [7, 1, 1, "now"]]
    odd += [[7, 100, 1, float("inf")], [7, None, 1, 2.0], {"instance": 7}, [*good, 1, 2, 3, 4, 5]]
    assert parse_reports(WorkerStarted, [*odd, good]) == [WorkerStarted(7, 100, 1, 2.0)]
    assert parse_reports(WorkerStarted, {"a": 1}) == []
    exits = [[7, None, None, None, 1.0, 0, 5], [7, None, None, None, 1.0, 0, "no room"]]
    assert [e.reason for e in parse_reports(WorkerExited, exits)] == ["no room"]


@pytest.mark.parametrize("data", [b"\xff\n", b"[]\n", b"7\n", b'{"a":\n', b"[" * 100_000 + b"\n"])
def test_bytes_that_are_no_message_are_told_as_one_kind_of_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        LineBuffer().feed(data)


def test_what_an_author_writes_into_the_report_pipe_is_skipped() -> None:
    lines, rest = parse_lines(b"hello\n\xff\xfe\n7 100 1.5\n1 2\nx y z\n8 1")
    assert [(line.instance, line.pid, line.at) for line in lines] == [(7, 100, 1.5)]
    assert rest == b"8 1"
