"""The manager's side of a launcher: start it, talk to it, outlive it, find it again."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import odbctl
from odbctl.engine.managers.exit_journal import read_journal
from odbctl.engine.managers.interpreters import hash_text, python_command
from odbctl.engine.managers.messages import LineBuffer, Message, WorkerExited, encode, receive
from odbctl.engine.managers.set_aside import clear_path
from odbctl.engine.worker.launch import WorkerLaunch
from odbctl.engine.worker.mark import BLANK, VARIABLE
from odbctl.ownership import is_own_peer
from odbctl.paths import Home

_SUFFIX = ".sock"
_END_TIMEOUT_SECONDS = 1.0
_END_POLL_SECONDS = 0.001
_LAUNCHER = "odbctl.engine.managers.launcher:main"

logger = logging.getLogger("odbctl.manager")


class LauncherClient:
    """A connection to one launcher process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_connected = False
        self.has_spoken = False
        self._pid: int | None = None  # of a launcher that this process started
        self._connection: socket.socket | None = None
        self._buffer = LineBuffer()
        self._outgoing = b""

    @property
    def journal(self) -> Path:
        """Where its launcher writes exits down."""
        return self.path.with_suffix(".exits")

    def connect(self) -> bool:
        """Connect to the launcher that listens at the path.

        Returns:
            False when none listens, or a process of another user, which must not
            receive the environment of services.
        """
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(self.path))
        except OSError:
            connection.close()
            return False
        if not is_own_peer(connection):
            connection.close()
            return False
        connection.setblocking(False)
        self._connection = connection
        self.is_connected = True
        return True

    def start(self, home: Home, python: str | None, *, method: str) -> None:
        """Start a launcher, connected to this process; what is sent waits until it reads.

        The connection is made first. A launcher waits for its first one, and would wait for
        ever if this process were killed between starting it and connecting.

        Raises:
            OSError: The interpreter cannot be executed.
        """
        clear_path(self.path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(self.path))
            listener.listen(16)
            self.connect()
            arguments = (str(listener.fileno()), method, str(self.journal))
            try:
                process = subprocess.Popen(
                    python_command(home, python, _LAUNCHER, *arguments),
                    pass_fds=(listener.fileno(),),
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                    cwd="/",
                    env={**os.environ, VARIABLE: BLANK},
                )
            except OSError:
                self.close()
                raise
            self._pid = process.pid
            process.returncode = 0  # it outlives this process

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        assert self._connection is not None  # asked only while connected
        return self._connection.fileno()

    @property
    def wants_write(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._outgoing)

    def spawn(self, launches: Sequence[WorkerLaunch]) -> None:
        """Ask for workers."""
        self._send({"spawn": [launch.to_fields() for launch in launches]})

    def hold_logs(self, logs: str, quota_bytes: Mapping[str, int]) -> None:
        """Have the raw output of services held to their quotas."""
        self._send({"logs": logs, "quotas": dict(quota_bytes)})

    def acknowledge(self, number: int) -> None:
        """Say that all exits up to `number` are in the database."""
        self._send({"ack": number})

    def keep(self, command: Sequence[str], log: str) -> None:
        """Have a manager started again by this command if this process dies."""
        self._send({"keep": [list(command), log]})

    def say_goodbye(self) -> None:
        """Say that this manager ends in order; waits until that is heard."""
        if self._connection is None:
            return
        with contextlib.suppress(OSError):
            self._connection.setblocking(True)
            self._connection.settimeout(1.0)
            self._connection.sendall(self._outgoing + encode({"bye": True}))
            self._outgoing = b""

    def _send(self, message: Message) -> None:
        self._outgoing += encode(message)
        self.flush()

    def flush(self) -> None:
        """Send what can be sent without waiting."""
        if self._connection is None or not self._outgoing:
            return
        with contextlib.suppress(OSError):  # the next read notices a launcher that is gone
            sent = self._connection.send(self._outgoing)
            self._outgoing = self._outgoing[sent:]

    def receive(self) -> list[Message]:
        """Return the messages that have arrived; notices when the launcher is gone."""
        if self._connection is None:
            return []
        data = receive(self._connection)
        if data is None:
            self.close()
            return []
        self.has_spoken = self.has_spoken or bool(data)
        try:
            return self._buffer.feed(data) if data else []
        except ValueError as error:  # no launcher of ours; its workers are adopted
            logger.warning("invalid message from a launcher: %s", error)
            self.close()
            return []

    def close(self) -> None:
        """Close the connection; the launcher and its workers go on."""
        self.is_connected = False
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def could_run(self) -> bool:
        """Tell whether a launcher that is gone had come up, or was killed before it could."""
        was_killed = self._pid is None or _was_killed(self._pid)
        return self.has_spoken or was_killed

    def take_over_journal(self) -> list[WorkerExited]:
        """Return the exits that a launcher, which is gone, left behind."""
        return read_journal(self.journal)

    def remove_files(self) -> None:
        """Remove what a launcher, which is gone, left in the run directory."""
        for path in (self.path, self.journal):
            with contextlib.suppress(OSError):
                path.unlink()


def _was_killed(pid: int) -> bool:
    """Wait for the end of a child that has closed its socket, and tell whether by a signal."""
    deadline = time.monotonic() + _END_TIMEOUT_SECONDS
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < deadline:
            if info := os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG):
                return info.si_code != os.CLD_EXITED
            time.sleep(_END_POLL_SECONDS)
    return False


def launcher_path(home: Home, host: str, python: str | None, *, method: str) -> Path:
    """Return the socket path of the launcher for a host and an interpreter."""
    package = os.path.dirname(os.path.abspath(odbctl.__file__))
    key = hash_text("\0".join([python or "", odbctl.__version__, package, method]))
    return home.run / f"l-{hash_text(host):08x}-{key:08x}{_SUFFIX}"


def find_launchers(home: Home, host: str) -> Iterable[Path]:
    """Return the socket paths of all launchers that a host ever had and did not clean up."""
    return sorted(home.run.glob(f"l-{hash_text(host):08x}-*{_SUFFIX}"))
