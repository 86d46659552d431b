"""The control socket: a worker hears that it is to stop, whoever says so."""

from __future__ import annotations

import socket
import stat
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from odbctl.engine.worker.control import (
    REPORT,
    STOP,
    control_path,
    send_control,
)
from odbctl.paths import Home

INSTANCE = 0xABC
# A process of its own, for it has to be killed and to end like a worker.
WORKER = """
import sys, threading
from odbctl.engine.worker.control import REPORT, STOP, ControlSocket
from odbctl.engine.worker.stop_signals import StopSignals
asked = threading.Event()
actions = {STOP: asked.set, REPORT: lambda: print("reported", flush=True)}
control = ControlSocket(sys.argv[1], actions, lambda _question: None, StopSignals(asked))
control.open()
print("ready", flush=True)
while not asked.wait(0.2):
    pass
control.close()
print("stopped", flush=True)
"""


@pytest.fixture
def path(home: Home) -> str:
    home.run.mkdir(parents=True, exist_ok=True)
    return control_path(home.run, INSTANCE)


@contextmanager
def a_worker(path: str) -> Generator[subprocess.Popen[str], None, None]:
    command = [sys.executable, "-c", WORKER, path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def test_a_worker_stops_when_it_is_asked(path: str) -> None:
    with a_worker(path) as worker:
        assert send_control(path, STOP)
        assert worker.communicate(timeout=30)[0] == "stopped\n"
        assert worker.returncode == 0


def test_what_is_no_request_is_ignored(path: str) -> None:
    with a_worker(path) as worker:
        assert all(send_control(path, noise) for noise in (b"?", b"stopp", b"\xff" * 1000))
        assert send_control(path, STOP)
        assert worker.communicate(timeout=30)[0] == "stopped\n"


def test_a_worker_reports_when_it_is_asked(path: str) -> None:
    with a_worker(path) as worker:
        assert send_control(path, REPORT)
        assert send_control(path, STOP)
        assert worker.communicate(timeout=30)[0] == "reported\nstopped\n"


def test_an_instance_has_one_worker(path: str) -> None:
    with a_worker(path) as worker:
        command = [sys.executable, "-c", WORKER, path]
        second = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "TakenError" in second.stderr
        assert send_control(path, STOP)
        assert worker.wait(timeout=30) == 0


def test_the_socket_goes_with_the_worker(path: str) -> None:
    with a_worker(path) as worker:
        send_control(path, STOP)
        worker.wait(timeout=30)
        assert not Path(path).exists()
        assert not send_control(path, STOP)


def test_what_a_killed_worker_left_behind_hinders_nobody(path: str) -> None:
    with a_worker(path) as killed:
        killed.kill()
        killed.wait(timeout=30)
    assert Path(path).exists()
    assert not send_control(path, STOP)
    with a_worker(path) as worker:
        assert send_control(path, STOP)
        assert worker.wait(timeout=30) == 0


def test_nobody_else_reaches_the_socket(path: str) -> None:
    with a_worker(path):
        assert stat.S_IMODE(Path(path).parent.stat().st_mode) == 0o700


def test_a_worker_that_was_never_there_is_told_of(path: str) -> None:
    assert not send_control(path, STOP)


def test_a_deaf_worker_blocks_nobody(path: str) -> None:
    Path(path).parent.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(path)
        taken = [send_control(path, STOP) for _ in range(10_000)]
    assert taken[0]
    assert not taken[-1]


def test_each_instance_has_a_socket_of_its_own(home: Home) -> None:
    paths = {control_path(home.run, instance) for instance in (1, 16, 17, 2**62)}
    assert len(paths) == 4
