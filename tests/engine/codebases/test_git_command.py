from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from waiting import eventually

from odbctl.engine.codebases.git_command import GitResult, run_git
from odbctl.engine.codebases.storage import git_failure, locked, writing
from odbctl.errors import CodebaseError, NotPermittedError


def test_tells_that_git_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CodebaseError, match="git is not installed"):
        run_git("version")


def test_a_reason_is_the_line_that_names_the_cause() -> None:
    talk = (
        "ssh: connect to host x port 22: Connection refused\n"
        "fatal: Could not read from remote repository.\n\n"
        "Please make sure you have the correct access rights\nand the repository exists.\n"
    )
    result = GitResult(exit_code=128, output=b"", talk=talk)
    assert result.reason == "ssh: connect to host x port 22: Connection refused"
    assert GitResult(exit_code=3, output=b"", talk="").reason == "git ended with exit code 3"


def test_an_interrupt_ends_git_and_its_children(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    program = tmp_path / "git"
    program.write_text(f"#!/bin/sh\nsleep 1000 & echo $! > {pid_file}.new\n"
                       f"mv {pid_file}.new {pid_file}\nwait\n")  # fmt: skip
    program.chmod(0o755)
    code = "from odbctl.engine.codebases.git_command import run_git; run_git('x')"
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    child = subprocess.Popen([sys.executable, "-c", code], env=env, stderr=subprocess.DEVNULL)
    eventually(pid_file.exists)
    child.send_signal(signal.SIGINT)
    child.wait(10)
    sleeper = int(pid_file.read_text())
    eventually(lambda: not _is_running(sleeper))


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    with pytest.raises(CodebaseError, match="is full") as caught, writing(tmp_path):
        raise OSError(errno.ENOSPC, "x")
    assert "prune" in (caught.value.hint or "")
    talk = "fatal: write error: No space left on device\n"
    result = GitResult(exit_code=128, output=b"", talk=talk)
    assert "is full" in git_failure(result, tmp_path, "cannot").message


def test_a_read_only_place_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotPermittedError, match="cannot write to"), writing(tmp_path):
        raise OSError(errno.EROFS, "Read-only file system")


def test_a_lock_is_waited_for_and_told(tmp_path: Path) -> None:
    said: list[str] = []
    done = threading.Event()

    def wait_for_it() -> None:
        with locked(tmp_path, "key", report=said.append):
            done.set()

    with locked(tmp_path, "key"):
        thread = threading.Thread(target=wait_for_it)
        thread.start()
        eventually(lambda: said)
        assert not done.is_set()
    thread.join(10)
    assert done.is_set()


def test_a_child_that_lives_on_keeps_the_lock(tmp_path: Path) -> None:
    with locked(tmp_path, "key") as lock:
        child = subprocess.Popen(["sleep", "1000"], pass_fds=(lock,))
    said: list[str] = []

    def end_child(line: str) -> None:
        said.append(line)
        child.kill()

    with locked(tmp_path, "key", report=end_child):
        assert said
    child.wait(10)
