"""Who a process is: never another one of the same pid, never one that is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from odbctl.engine.worker.identity import (
    identify,
    is_alive,
    is_at_work,
    read_boot_id,
    read_start_ticks,
)

needs_proc = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs proc(5)")
NO_PID = 2**22 + 1  # above the largest pid that Linux gives
READY_AND_WAIT = "print('ready', flush=True); input()"
# What a program may call itself to look like a zombie to a careless reader.
RENAME = "open('/proc/self/comm', 'w').write('x) Z 1 (1');"


@contextmanager
def a_process(code: str = READY_AND_WAIT) -> Generator[subprocess.Popen[str], None, None]:
    """Run Python code that says that it is ready; it is not reaped before the end."""
    command = [sys.executable, "-c", code]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def test_this_process_is_known_and_alive() -> None:
    identity = identify()
    assert identity is not None
    assert identity.pid == os.getpid()
    assert identity == identify(os.getpid())
    assert is_alive(identity)


def test_another_process_is_another_one() -> None:
    with a_process() as process:
        identity = identify(process.pid)
        assert identity is not None
        assert identity != identify()
        assert is_alive(identity)


@needs_proc
def test_a_process_that_ended_is_gone_before_it_is_reaped() -> None:
    with a_process() as process:
        identity = identify(process.pid)
        assert identity is not None
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert read_start_ticks(process.pid) is None
        assert not is_alive(identity)


@needs_proc
def test_a_killed_process_is_at_work_no_more_though_it_lives_on() -> None:
    threads = "import threading, time; [threading.Thread(target=time.sleep, args=(9,), daemon=1)"
    code = f"{threads}.start() for _ in range(20)]; {READY_AND_WAIT}"
    for _ in range(20):
        with a_process(code) as process:
            identity = identify(process.pid)
            assert identity is not None
            assert is_at_work(identity)
            process.send_signal(signal.SIGSTOP)
            assert is_at_work(identity)
            process.kill()
            assert not is_at_work(identity)


def test_a_process_that_was_reaped_is_gone() -> None:
    with a_process() as process:
        identity = identify(process.pid)
        assert identity is not None
        process.kill()
        process.wait()
        assert identify(process.pid) is None
        assert not is_alive(identity)


def test_a_pid_that_nobody_has_is_gone() -> None:
    assert identify(NO_PID) is None


def test_the_same_pid_started_at_another_time_is_not_alive() -> None:
    identity = identify()
    assert identity is not None
    assert not is_alive(identity._replace(start_ticks=identity.start_ticks - 1))


def test_the_same_pid_in_another_boot_is_not_alive() -> None:
    identity = identify()
    assert identity is not None
    assert not is_alive(identity._replace(boot_id="another boot"))


@needs_proc
def test_a_boot_has_an_id() -> None:
    assert len(read_boot_id()) == 36


@needs_proc
def test_what_a_program_calls_itself_does_not_matter() -> None:
    with a_process(RENAME + READY_AND_WAIT) as process:
        with open(f"/proc/{process.pid}/comm") as file:
            assert file.read() == "x) Z 1 (1\n"
        ticks, own = read_start_ticks(process.pid), read_start_ticks(os.getpid())
        assert ticks is not None
        assert own is not None
        assert ticks >= own
