"""Git commands end with the process that runs them, and do not wait for a silent host for ever."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import eventually

from odbctl.engine.codebases.git_command import run_git, stoppable
from odbctl.engine.codebases.repository import Mirror
from odbctl.errors import CodebaseError, UsageError
from odbctl.paths import Home

# The header of a TLS record of 16 kB, which then comes byte by byte.
RECORD_HEADER = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03"


class StuckHost:
    """Takes connections and never completes a TLS handshake."""

    def __init__(self, *, trickles: bool) -> None:
        self.is_reached = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._trickles = trickles
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def location(self) -> str:
        """The address of a repository there."""
        return f"https://127.0.0.1:{self._socket.getsockname()[1]}/app.git"

    def close(self) -> None:
        """Drop the connections and stop."""
        self._is_over.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        connections: list[socket.socket] = []
        while not self._is_over.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                break
            connections.append(connection)
            self.is_reached.set()
            if self._trickles:
                self._trickle(connection)
        for connection in connections:
            connection.close()

    def _trickle(self, connection: socket.socket) -> None:
        try:
            connection.sendall(RECORD_HEADER)
            while not self._is_over.wait(0.05):
                connection.sendall(b"x")
        except OSError:
            return  # the client has given up


@pytest.fixture(params=[False, True], ids=["silent", "trickling"])
def stuck_host(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StuckHost]:
    for variable in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    host = StuckHost(trickles=request.param)
    yield host
    host.close()


@pytest.fixture
def fake_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    program = tmp_path / "git"
    program.touch(0o755)
    return program


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("stuck_host", [False], indirect=True, ids=["silent"])
def test_a_killed_add_leaves_no_git_behind(stuck_host: StuckHost, number: signal.Signals) -> None:
    words = ["codebase", "add", "main", "--repo", stuck_host.location]
    add = subprocess.Popen(
        [sys.executable, "-m", "odbctl", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert stuck_host.is_reached.wait(20)
        session = eventually(lambda: _session_below(add.pid))
        assert session is not None
        assert {"git", "git-remote-http"} <= set(_members(session).values())
    finally:
        add.send_signal(number)
        add.wait(10)
    eventually(lambda: not _members(session))


def test_what_ignores_sigterm_is_killed(fake_git: Path, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    fake_git.write_text(f"#!/bin/sh\ntrap '' TERM\nsleep 1000 & echo $! > {pid_file}.new\n"
                        f"mv {pid_file}.new {pid_file}\nwait\n")  # fmt: skip
    code = "from odbctl.engine.codebases.git_command import run_git; run_git('x', guarded=True)"
    child = subprocess.Popen([sys.executable, "-c", code])
    eventually(pid_file.exists)
    child.kill()
    child.wait(10)
    sleeper = int(pid_file.read_text())
    eventually(lambda: not _is_running(sleeper))


def test_a_git_that_is_refused_and_ignores_sigterm_is_killed(fake_git: Path) -> None:
    fake_git.write_text("#!/bin/sh\ntrap '' TERM\necho $$\nwhile :; do sleep 1000; done\n")
    pids: list[int] = []

    def refuse(piece: bytes) -> None:
        pids.append(int(piece))
        raise CodebaseError("refused")

    with pytest.raises(CodebaseError, match="refused"):
        run_git("x", guarded=True, on_output=refuse)
    eventually(lambda: not _is_running(pids[0]))


def test_what_git_leaves_in_the_background_lives_on(fake_git: Path) -> None:
    fake_git.write_text("#!/bin/sh\nsleep 1000 > /dev/null 2>&1 &\necho $!\n")
    result = run_git("x", guarded=True)
    assert result.exit_code == 0
    daemon = int(result.text)
    assert _is_running(daemon)
    os.kill(daemon, signal.SIGKILL)


def test_a_guard_changes_nothing_for_git(fake_git: Path) -> None:
    fake_git.write_text("#!/bin/sh\ngrep SigIgn /proc/self/status\necho talk >&2\nexit 3\n")
    plain, guarded = run_git("x"), run_git("x", guarded=True)
    assert _ignored_signals(plain.text) == _ignored_signals(guarded.text)
    assert (guarded.exit_code, guarded.talk) == (3, "talk\n")


def test_git_inherits_no_end_of_the_pipe_that_its_guard_reads(fake_git: Path) -> None:
    fake_git.write_text("#!/bin/sh\nls /proc/$$/fd\nexit 0\n")
    plain = run_git("x").text.split()
    guarded = run_git("x", guarded=True).text.split()
    assert len(guarded) == len(plain) + 1  # by which the guard sees that all of git has ended


def test_a_guarded_git_that_is_missing_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CodebaseError, match="git is not installed"):
        run_git("version", guarded=True)


def test_a_git_that_prints_is_not_idle(fake_git: Path) -> None:
    loop = "for n in $(seq 25); do echo $n >&2; sleep 0.1; done"
    fake_git.write_text(f"#!/bin/sh\n{loop}\n")
    assert run_git("x", idle_seconds=2).talk.endswith("25\n")


def test_a_host_that_does_not_answer_is_given_up(
    home: Home, stuck_host: StuckHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ODBCTL_GIT_IDLE_TIMEOUT", "1s")
    mirror = Mirror(home, stuck_host.location)
    deadline = time.monotonic() + 20
    with (
        stoppable(lambda: time.monotonic() > deadline),
        pytest.raises(CodebaseError, match="nothing for 1s; the host does not answer") as caught,
    ):
        mirror.resolve("main")
    assert stuck_host.location in caught.value.message
    hint = caught.value.hint or ""
    assert hint.startswith(f"git ls-remote {stuck_host.location}")
    assert "ODBCTL_GIT_IDLE_TIMEOUT" in hint


def test_a_limit_that_is_no_duration_is_refused(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ODBCTL_GIT_IDLE_TIMEOUT", "soon")
    with pytest.raises(UsageError, match="soon"):
        Mirror(home, "https://127.0.0.1:1/app.git").resolve("main")


def _ignored_signals(status: str) -> set[int]:
    """Return the numbers of a SigIgn line of proc(5), but those of the C library."""
    mask = int(status.removeprefix("SigIgn:"), 16)
    return {number for number in range(1, 32) if mask >> (number - 1) & 1}


def _session_below(pid: int) -> int | None:
    """Return the session in which a child of `pid` has git's HTTPS helper run."""
    for sid in {_fields(entry)[3] for entry in _processes() if _fields(entry)[1] == str(pid)}:
        if "git-remote-http" in _members(int(sid)).values():
            return int(sid)
    return None


def _members(session: int) -> dict[int, str]:
    """Return the names of the living processes of a session, by pid."""
    found: dict[int, str] = {}
    for pid in _processes():
        fields = _fields(pid)
        if fields[3] == str(session) and fields[0] != "Z":
            found[pid] = _name(pid)
    return found


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _fields(pid: int) -> list[str]:
    """Return state, parent, group, session and so on; question marks for what is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ["?"] * 4


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return "?"


def _is_running(pid: int) -> bool:
    return _fields(pid)[0] not in ("?", "Z")
