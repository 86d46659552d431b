"""Orphans: found by their mark, told apart by the control socket, with real processes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from waiting import eventually

from odbctl.engine.managers.orphans import find_orphans
from odbctl.engine.worker.control import control_path
from odbctl.engine.worker.identity import identify
from odbctl.engine.worker.mark import BLANK, VARIABLE, mark_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs proc(5)")

SLEEP = "print('up', flush=True); import time; time.sleep(60)"
HOLD = f"import socket, sys; s = socket.socket(socket.AF_UNIX, 2); s.bind(sys.argv[1]); {SLEEP}"
# A launcher as the process table shows one, and a worker that it has forked.
PARENT = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "{SLEEP}"], env={{"{VARIABLE}": sys.argv[1]}}).wait()
"""
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "w").mkdir()
    return tmp_path


@pytest.fixture
def start() -> Iterator[Start]:
    """Return what starts a process that wears a mark, and is up."""
    begun: list[subprocess.Popen[str]] = []

    def start_one(code: str, *arguments: str, mark: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            env={**os.environ, VARIABLE: mark},
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        begun.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        return process

    yield start_one
    for process in begun:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.communicate()


def test_a_worker_is_who_holds_the_control_socket(run: Path, start: Start) -> None:
    worker = start(HOLD, control_path(run, 7), mark=mark_of(run, 7))
    other = start(SLEEP, mark=mark_of(run, 7))
    found = find_orphans(run, [])
    assert list(found) == [7]
    assert found[7].worker == identify(worker.pid)
    assert {m.pid for m in found[7].members} == {worker.pid, other.pid}


def test_without_a_control_socket_nobody_is_the_worker(run: Path, start: Start) -> None:
    start(SLEEP, mark=mark_of(run, 7))
    assert find_orphans(run, [])[7].worker is None


def test_those_of_another_home_are_not_found(run: Path, start: Start, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    start(SLEEP, mark=mark_of(other, 7))
    start(SLEEP, mark="x")
    assert find_orphans(run, []) == {}


def test_what_has_a_living_launcher_is_no_orphan(run: Path, start: Start) -> None:
    start(PARENT, mark_of(run, 7), mark=BLANK)
    assert find_orphans(run, []) == {}


def test_what_was_not_born_when_its_launcher_died_is_killed(run: Path, start: Start) -> None:
    journal, other = run / "l-1.exits", run / "l-2.exits"
    unborn = start(SLEEP, str(journal), mark=BLANK)
    of_another = start(SLEEP, str(other), mark=BLANK)
    assert find_orphans(run, [journal]) == {}
    assert unborn.wait(timeout=5) == -9
    assert of_another.poll() is None


def test_orphans_are_killed_all(run: Path, start: Start) -> None:
    processes = [start(SLEEP, mark=mark_of(run, 7)) for _ in range(2)]
    find_orphans(run, [])[7].kill()
    assert [process.wait(timeout=5) for process in processes] == [-9, -9]
    eventually(lambda: find_orphans(run, []) == {})
