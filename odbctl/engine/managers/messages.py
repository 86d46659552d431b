"""What a manager and its launcher say to each other: lines of JSON on a stream socket.

Manager to launcher: `{"spawn": [launch, …]}`, `{"ack": n}`, `{"keep": [[word, …], log]}` (how
to start a manager again, should this one die), `{"logs": folder, "quotas": {service: bytes}}`
(how much raw output is kept) and `{"bye": true}` (it ends in order).
Launcher to manager: `{"started": […], "running": […], "exited": […]}`. A manager that connects,
or reads again after it did not for long, receives the same with `"hello"`: all that the launcher
has. Each exit carries the number that the manager acknowledges once it is in the database.
"""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

from odbctl.engine.model.plain_text import MAX_REASON_CHARS, plain_text

Message = dict[str, Any]
_RECEIVE_BYTES = 1 << 20
_MAX_MESSAGE_BYTES = 256 << 20
_MAX_INT = 2**63
_OPTIONAL = ("pid", "code", "signal")


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


ReportKind = TypeVar("ReportKind", WorkerStarted, WorkerRunning, WorkerExited)
Report = WorkerHangs | WorkerStarted | WorkerRunning | HealthReport | WorkerExited


def parse_reports(kind: Callable[..., ReportKind], found: object) -> list[ReportKind]:
    """Return the reports in a list of field lists; skip what is none.

    Args:
        kind: WorkerStarted, WorkerRunning or WorkerExited.
        found: What a message or a line of a journal holds.
    """
    reports: list[ReportKind] = []
    for fields in cast("list[object]", found) if isinstance(found, list) else ():
        report = parse_report(kind, fields)
        if report is not None:
            reports.append(report)
    return reports


def parse_report(kind: Callable[..., ReportKind], fields: object) -> ReportKind | None:
    """Return the report that a list of fields stands for; None when it stands for none."""
    if not isinstance(fields, list):
        return None
    try:
        report = kind(*cast("list[object]", fields))
    except TypeError:
        return None
    return report if _is_storable(report) else None


def _is_storable(report: WorkerStarted | WorkerRunning | WorkerExited) -> bool:
    """Tell whether each field of a report from outside is what the database can hold."""
    fields: dict[str, Any] = report._asdict()
    at, reason = fields.pop("at"), fields.pop("reason", None)
    may_be_none = _OPTIONAL if isinstance(report, WorkerExited) else ()
    for name, value in fields.items():
        is_absent = value is None and name in may_be_none
        if not is_absent and not (type(value) is int and abs(value) < _MAX_INT):
            return False
    return isinstance(at, int | float) and math.isfinite(at) and isinstance(reason, str | None)


def as_storable(report: Report) -> Report:
    """Return a report whose texts can be stored, whoever made it."""
    if isinstance(report, WorkerExited):
        if report.reason is None:
            return report
        return report._replace(reason=plain_text(report.reason, max_chars=MAX_REASON_CHARS))
    if isinstance(report, HealthReport | WorkerHangs):
        return report._replace(text=plain_text(report.text, max_chars=MAX_REASON_CHARS))
    return report


class LineBuffer:
    """Cuts what a stream socket brings into messages."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Message]:
        """Take bytes, return the messages that are whole by now.

        Raises:
            ValueError: The bytes are no messages.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _MAX_MESSAGE_BYTES:
            raise ValueError("the message is incomplete")
        return [_decode(line) for line in lines if line]


def _decode(line: bytes) -> Message:
    try:
        message: object = json.loads(line)
    except RecursionError as error:
        raise ValueError("the message is nested too deeply") from error
    if not isinstance(message, dict):
        raise ValueError("the message is not a JSON object")
    return cast("Message", message)


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
