"""How a worker hears its manager: one datagram socket per instance.

The control thread sleeps in `recv` without ever waking by itself, so a
hundred idle workers cost nothing. The socket is named by the instance, so a
manager that never saw this worker start can reach it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

STOP = b"stop"
_STACK_BYTES = 256 * 1024


def control_path(run: str | os.PathLike[str], instance: int) -> str:
    """Return the path of an instance's control socket."""
    return os.path.join(run, "w", f"{instance:x}")


class ControlSocket:
    """The worker's side: a thread that calls `on_stop` when asked to stop."""

    def __init__(self, path: str, on_stop: Callable[[], None]) -> None:
        self.path = path
        self._on_stop = on_stop
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Bind the socket and start the thread."""
        Path(self.path).parent.mkdir(exist_ok=True, mode=0o700)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._thread = threading.Thread(target=self._listen, name="odbctl-control", daemon=True)
        before = threading.stack_size(_STACK_BYTES)
        try:
            self._thread.start()
        finally:
            threading.stack_size(before)

    def close(self) -> None:
        """Remove the socket; the thread ends with the process."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)

    def _listen(self) -> None:
        assert self._socket is not None  # the thread starts after the socket was bound
        while True:
            message = self._socket.recv(64)
            if message == STOP:
                self._on_stop()


def send_control(path: str, message: bytes) -> bool:
    """Send a message to a worker; return whether a socket was there to take it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        try:
            sender.sendto(message, path)
        except OSError:
            return False
    return True
