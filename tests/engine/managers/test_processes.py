"""Signals go to the process that was meant, or to none."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from waiting import eventually

from odbctl.engine.managers.exit_status import code_and_signal, wait_status
from odbctl.engine.managers.processes import open_pidfd, signal_group, signal_process
from odbctl.engine.worker.identity import ProcessIdentity, identify, is_alive

LAST_PID = Path("/proc/sys/kernel/ns_last_pid")
TRIES = 50
TICK_SECONDS = 1.0 / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(*command: str) -> Generator[subprocess.Popen[bytes]]:
    """Run a command in a session of its own; end it at the end."""
    with subprocess.Popen(command, start_new_session=True) as process:
        try:
            yield process
        finally:
            process.kill()


def identity_of(process: subprocess.Popen[bytes]) -> ProcessIdentity:
    found = identify(process.pid)
    assert found is not None
    return found


@contextmanager
def recycled(pid: int) -> Generator[subprocess.Popen[bytes]]:
    """Run another process that got a pid which was free.

    A tick later: within one tick of the clock the kernel would have had to give out all
    other pids in between.
    """
    began_at = time.clock_gettime(time.CLOCK_BOOTTIME)
    eventually(lambda: time.clock_gettime(time.CLOCK_BOOTTIME) > began_at + TICK_SECONDS)
    for _ in range(TRIES):  # another process may be quicker
        try:
            LAST_PID.write_text(str(pid - 1))
        except OSError:
            pytest.skip("the kernel does not let this user choose the next pid")
        with running("sleep", "600") as process:
            if process.pid == pid:
                yield process
                return
    pytest.skip("the pid was never free")


@pytest.mark.parametrize("send", [signal_process, signal_group])
def test_a_recycled_pid_gets_no_signal(send: object) -> None:
    with running("sleep", "600") as first:
        meant = identity_of(first)
        first.kill()
    with recycled(meant.pid) as other:
        assert identity_of(other) != meant
        assert not is_alive(meant)
        assert send(meant, signal.SIGKILL) is False  # type: ignore[operator] # pyright: ignore[reportCallIssue] - both take the same
        assert other.poll() is None


def test_a_recycled_pid_is_not_adopted() -> None:
    with running("sleep", "600") as first:
        meant = identity_of(first)
        first.kill()
    with recycled(meant.pid):
        assert open_pidfd(meant) is None


def test_a_signal_reaches_the_whole_group() -> None:
    with running("sh", "-c", "sleep 600 & wait") as leader:
        assert signal_group(identity_of(leader), signal.SIGKILL)
        assert leader.wait(timeout=10) == -signal.SIGKILL
        eventually(lambda: not _is_group(leader.pid))


def _is_group(number: int) -> bool:
    try:
        os.killpg(number, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_process_of_another_boot_gets_no_signal() -> None:
    with running("sleep", "600") as process:
        other = identity_of(process)._replace(boot_id="another")
        assert not signal_group(other, signal.SIGKILL)
        assert not signal_process(other, signal.SIGKILL)
        assert process.poll() is None


@pytest.mark.parametrize(("script", "told"), [("exit 7", (7, None)), ("kill -9 $$", (None, 9))])
@pytest.mark.parametrize("is_reaped", [False, True])
def test_the_kernel_tells_how_a_process_ended(
    script: str, told: tuple[int | None, int | None], *, is_reaped: bool
) -> None:
    process = subprocess.Popen(["sh", "-c", f"read line; {script}"], stdin=subprocess.PIPE)
    meant = identity_of(process)
    descriptor = open_pidfd(meant)
    assert descriptor is not None
    assert process.stdin is not None
    process.stdin.close()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    if is_reaped:
        process.wait()
    status = wait_status(descriptor, meant)
    process.wait()
    os.close(descriptor)
    if is_reaped and status is None:
        pytest.skip("this kernel forgets it")
    assert code_and_signal(status) == told
