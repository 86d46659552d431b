"""How a worker hears its manager: one datagram socket per instance.

The control thread sleeps in `poll` without ever waking by itself, so a
hundred idle workers cost nothing. The socket is named by the instance, so a
manager that never saw this worker start can reach it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import sys
import threading
from collections.abc import Callable, Mapping

from odbctl.engine.worker.stop_signals import StopSignals

STOP = b"stop"
# Asks a worker to write that it runs, for whoever was told may have died since.
REPORT = b"report"
# Begins a question for a probe; see `probes`.
PROBE = b"probe "
_MAX_BYTES = 8192
_STACK_BYTES = 256 * 1024


def control_path(run: str | os.PathLike[str], instance: int) -> str:
    """Return the path of an instance's control socket."""
    return os.path.join(run, "w", f"{instance:x}")


class TakenError(Exception):
    """Another living worker has this instance's control socket."""


class ControlSocket:
    """The worker's side: a thread that calls what a message stands for, and hears signals."""

    def __init__(
        self,
        path: str,
        actions: Mapping[bytes, Callable[[], None]],
        on_probe: Callable[[bytes], None],
        signals: StopSignals,
    ) -> None:
        self.path = path
        self._actions = actions
        self._on_probe = on_probe
        self._signals = signals
        self._is_closed = False
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Bind the socket and start the thread.

        Raises:
            TakenError: Another process works for this instance.
        """
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._bind(bound)
        except BaseException:
            bound.close()
            raise
        self._socket = bound
        self._thread = threading.Thread(target=self._listen, name="odbctl-control", daemon=True)
        before = threading.stack_size(_STACK_BYTES)
        try:
            self._thread.start()
        finally:
            threading.stack_size(before)

    def _bind(self, bound: socket.socket) -> None:
        try:
            bound.bind(self.path)
            return
        except FileNotFoundError:
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            if _has_listener(self.path):
                raise TakenError(
                    f"another process already runs this instance: {self.path}"
                ) from error
            os.unlink(self.path)
        bound.bind(self.path)

    def close(self) -> None:
        """End the thread and remove the socket, if it was opened."""
        if self._socket is None or self._thread is None:
            return
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        self._is_closed = True
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        self._socket = self._thread = None

    def _listen(self) -> None:
        assert self._socket is not None  # the thread starts after the socket was bound
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(self._signals, select.POLLIN)
        while not self._is_closed:
            for descriptor, _events in poll.poll():
                if descriptor == self._signals.fileno():
                    self._signals.hear()
                else:
                    self._receive(self._socket)

    def _receive(self, bound: socket.socket) -> None:
        """Carry out one message. An action that fails is printed; the thread goes on."""
        try:
            self._obey(bound.recv(_MAX_BYTES))
        except Exception as error:  # noqa: BLE001 - a stop that comes later must still be heard
            with contextlib.suppress(Exception):
                sys.stderr.write(f"odbctl: cannot handle a message from the manager: {error!r}\n")

    def _obey(self, message: bytes) -> None:
        """Call what a message stands for; ignore any other bytes."""
        if message.startswith(PROBE):
            self._on_probe(message[len(PROBE) :])
        elif (action := self._actions.get(message)) is not None:
            action()


def _has_listener(path: str) -> bool:
    """Tell whether a process has the socket at a path.

    Raises:
        OSError: It cannot be told, because no descriptor is left.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True


def send_control(path: str, message: bytes) -> bool:
    """Send a message to a worker; return whether a socket was there to take it.

    Raises:
        OSError: It cannot be sent, because no descriptor is left.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        try:
            sender.sendto(message, path)
        except OSError:
            return False
    return True
