"""Probes whose health check returns, raises or is asked something odd: all are answered."""

from __future__ import annotations

import json
import os
import select
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from odbctl.engine.worker.probes import ProbeRunner
from odbctl.engine.worker.service_base import Health
from odbctl.engine.worker.spare_descriptors import SpareDescriptors

INSTANCE = 7
TIMEOUT_SECONDS = 10.0


class Unprintable:
    """An object that has no text."""

    def __str__(self) -> str:
        raise KeyError("no text")


class Unsure:
    """An object that is neither true nor false."""

    def __bool__(self) -> bool:
        raise ValueError("neither")


def odd(message: object) -> Health:
    return Health(is_healthy=False, message=cast("Any", message))


def leave() -> object:
    sys.exit("enough")


HEALTHS: dict[str, tuple[Callable[[], object], bool, str]] = {
    "no message": (lambda: odd(None), False, ""),
    "a tuple": (lambda: odd(("a", 1)), False, "('a', 1)"),
    "half a surrogate pair": (lambda: odd("caf\udce9"), False, "caf?"),
    "bytes": (lambda: odd(b"\xff"), False, "b'\\xff'"),
    "a long one": (lambda: odd("x" * 10**6), False, "x" * 200),
    "no text": (lambda: odd(Unprintable()), False, "<Unprintable whose text"),
    "a word as the verdict": (lambda: Health(is_healthy=cast("Any", "yes")), True, ""),
    "a verdict that is none": (lambda: Health(is_healthy=cast("Any", None)), False, ""),
    "an object that raises": (Unsure, False, "ValueError: neither"),
    "leaving": (leave, False, "SystemExit: enough"),
}
GARBAGE: list[bytes] = [
    b"",
    b"\xff\xfe",
    b"{}",
    b"[]",
    b"[1]",
    b"null",
    b"[" * 100_000,
    b'["one", "health", "", 1.0, "/f"]',
    b'[1, "tcp", 5, 1.0, "/f"]',
    b'[1, "health", "", "soon", "/f"]',
    b'[1, "health", "", NaN, "/f"]',
    b'[1, "health", "", 1.0, "/f\\u0000"]',
    b'[1, "health", "", 1.0, null]',
    b'[1, "health", "", 1.0, "/no/such/folder"]',
    b'[1, "health", "", 1.0, "\\udcff"]',
]


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """Yield a FIFO and the descriptor to read it by."""
    path = str(tmp_path / "answers")
    os.mkfifo(path)
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    yield path, descriptor
    os.close(descriptor)


def question(number: int, fifo: str) -> bytes:
    return json.dumps([number, "health", "", 1.0, fifo]).encode()


def read_answer(descriptor: int) -> list[Any]:
    assert select.select([descriptor], [], [], TIMEOUT_SECONDS)[0], "no answer"
    (line,) = os.read(descriptor, 4096).splitlines()
    return cast("list[Any]", json.loads(line))


@pytest.mark.parametrize("what", HEALTHS)
def test_each_health_is_answered_with_storable_text(answers: tuple[str, int], what: str) -> None:
    fifo, descriptor = answers
    health, is_well, text = HEALTHS[what]
    runner = ProbeRunner(INSTANCE, health)
    for number in (2, 4):  # the thread is there for the next question, too
        runner.ask(question(number, fifo))
        instance, answered, verdict, found = read_answer(descriptor)
        assert (instance, answered, verdict) == (INSTANCE, number, is_well)
        assert found.startswith(text)
        assert len(found.encode()) <= 200


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_ends_no_probe_thread(answers: tuple[str, int], garbage: bytes) -> None:
    fifo, descriptor = answers
    runner = ProbeRunner(INSTANCE, lambda: True)
    runner.ask(garbage)
    runner.ask(question(6, fifo))
    assert read_answer(descriptor)[:3] == [INSTANCE, 6, True]


def test_readiness_and_liveness_that_wait_together_are_both_answered(
    answers: tuple[str, int],
) -> None:
    fifo, descriptor = answers
    began, go_on = os.pipe(), os.pipe()

    def health() -> bool:
        os.write(began[1], b"!")
        os.read(go_on[0], 1)
        return True

    runner = ProbeRunner(INSTANCE, health)
    runner.ask(question(2, fifo))
    os.read(began[0], 1)
    for number in (4, 5, 6, 7):  # 4 and 5 have expired when 6 and 7 are there
        runner.ask(question(number, fifo))
    os.write(go_on[1], b"!" * 3)
    assert answered(descriptor, 3) == [2, 6, 7]
    for end in (*began, *go_on):
        os.close(end)


def test_the_next_manager_has_a_pipe_of_its_own(answers: tuple[str, int]) -> None:
    fifo, descriptor = answers
    spare = SpareDescriptors()
    runner = ProbeRunner(INSTANCE, lambda: True, spare)
    runner.ask(question(2, fifo))
    assert answered(descriptor, 1) == [2]
    os.unlink(fifo)
    os.mkfifo(fifo)
    other = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    try:
        runner.ask(question(4, fifo))
        assert answered(other, 1) == [4]
        os.close(other)  # a manager was killed, and the next one opens the same pipe
        other = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
        runner.ask(question(6, fifo))
        assert answered(other, 1) == [6]
    finally:
        os.close(other)
        spare.close()


def answered(descriptor: int, count: int) -> list[int]:
    """Return the numbers of so many answers, in order."""
    data = b""
    while data.count(b"\n") < count:
        assert select.select([descriptor], [], [], TIMEOUT_SECONDS)[0], data
        data += os.read(descriptor, 4096)
    return [json.loads(line)[1] for line in data.splitlines()]
