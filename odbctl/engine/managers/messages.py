"""What a manager and its launcher say to each other: lines of JSON on a stream socket.

Manager to launcher: `{"spawn": [launch, …]}`, `{"ack": n}`, `{"keep": [[word, …], log]}` (how
to start a manager again, should this one die) and `{"bye": true}` (it ends in order).
Launcher to manager: `{"started": […], "running": […], "exited": […]}`, and once, when it is
connected to, the same with `"hello"` for all that it has; each exit carries
the number that the manager acknowledges once it is in the database.
"""

from __future__ import annotations

import json
import socket
from typing import Any, NamedTuple

Message = dict[str, Any]
_RECEIVE_BYTES = 1 << 20


class WorkerStarted(NamedTuple):
    """A worker process lives."""

    instance: int
    pid: int
    start_ticks: int
    at: float


class WorkerExited(NamedTuple):
    """A worker process has ended: by `code`, by `signal`, or nobody knows how (both None)."""

    instance: int
    pid: int | None
    code: int | None
    signal: int | None
    at: float
    number: int = 0
    reason: str | None = None


class WorkerRunning(NamedTuple):
    """A worker has initialized, and works."""

    instance: int
    pid: int
    start_ticks: int
    at: float


class HealthReport(NamedTuple):
    """A probe has changed its mind of an instance or its reason, or has spoken for the first time.

    `is_silent`: there was no answer, so the worker would not hear a request either.
    """

    instance: int
    is_liveness: bool
    is_well: bool
    text: str
    is_silent: bool
    at: float


class WorkerHangs(NamedTuple):
    """A worker does not end, and cannot be made to; `text` says what it is at."""

    instance: int
    text: str
    at: float


Report = WorkerHangs | WorkerStarted | WorkerRunning | HealthReport | WorkerExited


class LineBuffer:
    """Cuts what a stream socket brings into messages."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Message]:
        """Take bytes, return the messages that are whole by now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines if line]


def encode(message: Message) -> bytes:
    """Return a message as the line that is sent."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def receive(connection: socket.socket) -> bytes | None:
    """Return what has arrived; b"" when nothing has yet, None at the end of the stream."""
    try:
        return connection.recv(_RECEIVE_BYTES) or None
    except BlockingIOError:
        return b""
    except OSError:
        return None
