"""Health checks: who is asked when, and what is made of answers and of silence."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from builders import a_service, a_world, an_instance

from odbctl.engine.managers.health import HealthChecks
from odbctl.engine.managers.messages import HealthReport
from odbctl.engine.model.probes import Probe, ProbeKind
from odbctl.engine.worker.control import PROBE

CHECK = Probe(ProbeKind.HEALTH, "", 10.0, 2.0, 2)


class Checked:
    """Checks with a clock that is set by hand, and workers that answer when told to."""

    def __init__(
        self, folder: Path, *, readiness: bool, liveness: bool, probe: Probe = CHECK
    ) -> None:
        self.now: float = 1000.0
        self.asked: list[tuple[int, list[object]]] = []
        self.fifo = folder / "fifo"
        self.checks = HealthChecks(self.fifo, self._ask, clock=lambda: self.now)
        self.checks.open()
        service = a_service(1, an_instance(7, running_at=time.time()), start_grace_seconds=0.0)
        self.world = a_world(
            service._replace(
                readiness=probe if readiness else None, liveness=probe if liveness else None
            )
        )
        self.checks.follow(self.world)

    def _ask(self, instance: int, question: bytes) -> bool:
        assert question.startswith(PROBE)
        self.asked.append((instance, json.loads(question.removeprefix(PROBE))))
        return True

    def answer(self, *, is_well: bool, text: str = "") -> None:
        instance, question = self.asked[-1]
        line = json.dumps([instance, question[0], is_well, text]).encode() + b"\n"
        descriptor = os.open(self.fifo, os.O_WRONLY | os.O_NONBLOCK)
        os.write(descriptor, line)
        os.close(descriptor)

    def advance(self, seconds: float) -> list[HealthReport]:
        """Let time pass, stepping whenever something is due."""
        until = self.now + seconds
        reports: list[HealthReport] = []
        while (due := self.checks.due_seconds()) is not None and self.now + due <= until:
            self.now += due + 1e-6
            reports += self.checks.step()
        self.now = max(self.now, until)
        return reports


@pytest.fixture
def ready(tmp_path: Path) -> Iterator[Checked]:
    made = Checked(tmp_path, readiness=True, liveness=False)
    yield made
    made.checks.close()


@pytest.fixture
def alive(tmp_path: Path) -> Iterator[Checked]:
    made = Checked(tmp_path, readiness=False, liveness=True)
    yield made
    made.checks.close()


def test_readiness_is_asked_at_once_and_told_when_it_changes(ready: Checked) -> None:
    ready.advance(0.0)
    assert len(ready.asked) == 1
    ready.answer(is_well=True)
    (report,) = ready.advance(0.1)
    assert (report.instance, report.is_liveness, report.is_well) == (7, False, True)
    asked = len(ready.asked)
    for _ in range(3):
        ready.advance(10.0)
        ready.answer(is_well=True)
        assert ready.advance(0.1) == []  # nothing new
    assert len(ready.asked) == asked + 3


def test_one_that_is_not_ready_is_asked_more_and_more_slowly(ready: Checked) -> None:
    times: list[float] = []
    for _ in range(200):
        before = len(ready.asked)
        ready.advance(0.05)
        if len(ready.asked) > before:
            times.append(ready.now)
            ready.answer(is_well=False, text="not yet")
    gaps = [b - a for a, b in pairwise(times)]
    assert gaps == sorted(gaps)
    assert gaps[0] < 0.3


def test_another_reason_is_told_though_not_at_every_question(ready: Checked) -> None:
    told: list[str] = []
    for _ in range(1000):
        told += [report.text for report in ready.advance(0.1)]
        ready.answer(is_well=False, text="refused" if ready.now < 1030 else "503")
    assert told == ["refused", "503"]


def test_a_reason_that_always_changes_is_told_once_a_second(tmp_path: Path) -> None:
    often = Checked(
        tmp_path, readiness=True, liveness=False, probe=CHECK._replace(period_seconds=0.1)
    )
    reports: list[HealthReport] = []
    for number in range(100):
        reports += often.advance(0.1)
        often.answer(is_well=False, text=f"{number} waiting")
    often.checks.close()
    assert 8 <= len(reports) <= 11


def test_failures_count_in_a_row_only(alive: Checked) -> None:
    for is_well in (False, True, False, True):
        alive.advance(10.0)
        alive.answer(is_well=is_well)
        assert alive.advance(0.1) == []
    reports: list[HealthReport] = []
    for _ in range(2):
        alive.advance(10.0)
        alive.answer(is_well=False, text="stuck")
        reports += alive.advance(0.1)
    assert [(r.is_well, r.text, r.is_silent) for r in reports] == [(False, "stuck", False)]


def test_silence_is_a_failure(alive: Checked) -> None:
    reports = alive.advance(40.0)
    assert [(r.is_well, r.is_silent) for r in reports] == [(False, True)]
    assert "no answer within 2s" in reports[0].text


def test_an_answer_that_comes_too_late_counts_no_more(alive: Checked) -> None:
    alive.advance(10.0)
    assert len(alive.asked) == 1
    alive.advance(3.0)  # over by now
    alive.answer(is_well=False)
    reports = alive.advance(7.0)
    assert reports == []  # one failure, not two


def test_who_is_gone_is_asked_no_more(alive: Checked) -> None:
    alive.checks.follow(a_world())
    assert alive.checks.due_seconds() is None
    assert alive.advance(100.0) == []
    assert alive.asked == []


def test_what_nobody_asked_is_not_heard(alive: Checked) -> None:
    alive.advance(10.0)
    descriptor = os.open(alive.fifo, os.O_WRONLY | os.O_NONBLOCK)
    os.write(descriptor, b'[99, 3, false, "who?"]\n[7, 12345, false, "when?"]\n')
    os.close(descriptor)
    assert alive.advance(0.1) == []
