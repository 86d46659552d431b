"""References: the same work without odbctl, timed in the same run."""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

from benchmarks import ready_script
from benchmarks.stage import Stage

TIMEOUT_SECONDS = 120.0
SCRIPT = "python script.py (same imports, same database), from exec to ready"


@contextlib.contextmanager
def scripts_ready(stage: Stage, *, count: int = 1) -> Generator[tuple[float, int]]:
    """Start the reference script, several by a shell loop, and end all afterwards.

    Yields:
        The seconds until all were ready, and the pid of the script or the shell.
    """
    ready, ready_writer = os.pipe()
    end_reader, end = os.pipe()
    command = _script_command(stage, ready_writer, end_reader)
    if count > 1:
        loop = f"for i in $(seq {count}); do {shlex.join(command)} & done; wait"
        command = ["/bin/sh", "-c", loop]
    process: subprocess.Popen[bytes] | None = None
    are_ready = False
    try:
        started_at = time.perf_counter()
        process = subprocess.Popen(
            command, pass_fds=(ready_writer, end_reader), start_new_session=True
        )
        _read_exactly(ready, count)
        seconds, are_ready = time.perf_counter() - started_at, True
        yield seconds, process.pid
    finally:
        if process is not None and not are_ready:
            _kill_group(process)
        for descriptor in (ready, ready_writer, end_reader, end):
            os.close(descriptor)
        if process is not None:
            _end(process)


def _script_command(stage: Stage, ready: int, end: int) -> list[str]:
    sources, home = stage.repo / "src", stage.home
    paths = (str(sources), str(home.database), str(home.run))
    return [sys.executable, str(Path(ready_script.__file__)), *paths, str(ready), str(end)]


def _read_exactly(descriptor: int, count: int) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while count > 0:
        if not select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise TimeoutError(f"{count} scripts were not ready in time")
        count -= len(os.read(descriptor, count))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and its group; scripts that were ready are ending by themselves."""
    try:
        process.wait(TIMEOUT_SECONDS / 4)
    finally:
        _kill_group(process)
        process.wait()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def script_start_seconds(stage: Stage, *, count: int = 1) -> float:
    """Return how long the reference script takes to be ready, `count` of them at once."""
    with scripts_ready(stage, count=count) as (seconds, _pid):
        return seconds


def time_command(command: list[str], environ: dict[str, str]) -> float:
    """Return how long a whole process takes, in seconds.

    Its output goes to a file: grep stops at the first match in each file when it writes to
    /dev/null.

    Raises:
        RuntimeError: It failed, or took too long.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        started_at = time.perf_counter()
        process = subprocess.Popen(
            command,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
        )
        try:
            _wait_for_end(process.pid)
            seconds = time.perf_counter() - started_at
        finally:
            process.kill()
            process.wait()
        if process.returncode:
            errors.seek(0)
            raise RuntimeError(f"{shlex.join(command)}: {errors.read().decode()}")
    return seconds


def _wait_for_end(pid: int) -> None:
    """Wait without looking again and again, as `Popen.wait` does when it has a time-out."""
    descriptor = os.pidfd_open(pid)
    try:
        select.select([descriptor], [], [], TIMEOUT_SECONDS)
    finally:
        os.close(descriptor)
