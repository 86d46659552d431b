"""Probes, run by the worker itself, in a thread of their own.

The manager sends a question on the control socket and reads the answer from a FIFO in the run
directory. A worker whose interpreter hangs sends none, which the manager counts as a failure.
The control thread only passes the question on, so a `health()` that hangs keeps nobody from
stopping the service.

Question: JSON [number, kind, target, timeout seconds, FIFO]. Answer: one line of JSON
[instance, number, is well, text], shorter than PIPE_BUF, so answers do not mix (pipe(7)).
Both ends check what they receive: any process of the user can write to a socket or a FIFO.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import signal
import socket
import stat
import subprocess
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, NamedTuple

from odbctl.engine.model.plain_text import plain_text
from odbctl.engine.model.probes import OWN_PORT
from odbctl.engine.worker.service_base import Health
from odbctl.engine.worker.spare_descriptors import SpareDescriptors
from odbctl.units import exact_duration

MAX_TEXT_CHARS = 200
_STACK_BYTES = 512 * 1024
_DEFAULT_HOST = "127.0.0.1"

Verdict = tuple[bool, str]


class Question(NamedTuple):
    """One question of a manager. The lowest bit of its number says which of two probes it is."""

    number: int
    kind: str
    target: str
    timeout_seconds: float
    fifo: str


class ProbeRunner:
    """Answers the questions for one instance, one after the other.

    Args:
        instance: The instance's object id.
        health: What the probe `health` calls.
        spare: Descriptors to use when the process has no other left.
    """

    def __init__(
        self,
        instance: int,
        health: Callable[[], object],
        spare: SpareDescriptors | None = None,
    ) -> None:
        self._instance = instance
        self._health = health
        self._spare = SpareDescriptors(0) if spare is None else spare
        self._pipe = AnswerPipe(self._spare)
        self._questions: SimpleQueue[Question] = SimpleQueue()
        thread = threading.Thread(target=self._run, name="odbctl-health", daemon=True)
        before = threading.stack_size(_STACK_BYTES)
        try:
            thread.start()
        finally:
            threading.stack_size(before)

    def ask(self, question: bytes) -> None:
        """Take a question, to be answered after the earlier ones; ignore any other bytes."""
        parsed = parse_question(question)
        if parsed is not None:
            self._questions.put(parsed)

    def _run(self) -> None:
        while True:
            newest: dict[int, Question] = {}
            for question in self._waiting():  # an earlier question of the same probe has expired
                newest[question.number & 1] = question
            for question in newest.values():
                self._answer(question)

    def _waiting(self) -> list[Question]:
        """Wait for a question; return all that have come."""
        questions = [self._questions.get()]
        while not self._questions.empty():
            questions.append(self._questions.get())
        return questions

    def _answer(self, question: Question) -> None:
        is_well, text = probe(question, self._health, self._spare)
        answer = [
            self._instance, question.number, is_well, plain_text(text, max_chars=MAX_TEXT_CHARS)
        ]  # fmt: skip
        line = json.dumps(answer).encode() + b"\n"
        if len(line) <= select.PIPE_BUF:
            with contextlib.suppress(OSError, ValueError):  # no manager listens, or no such name
                self._pipe.write(question.fifo, line)


def parse_question(question: bytes) -> Question | None:
    """Return a question, or None when these bytes are none."""
    try:
        found: Any = json.loads(question)
        number, kind, target, timeout_seconds, fifo = found
    except (ValueError, TypeError, RecursionError):
        return None
    if type(number) is not int or isinstance(timeout_seconds, bool):
        return None
    if not isinstance(timeout_seconds, int | float) or not math.isfinite(timeout_seconds):
        return None
    if not all(isinstance(word, str) for word in (kind, target, fifo)) or "\0" in fifo:
        return None
    return Question(number, kind, target, float(timeout_seconds), fifo)


class AnswerPipe:
    """The FIFO that answers go to.

    In a worker process it stays open: later there may be no descriptor left.
    """

    def __init__(self, spare: SpareDescriptors) -> None:
        self._spare = spare
        self._descriptor = -1

    def write(self, fifo: str, line: bytes) -> None:
        """Write an answer.

        Raises:
            OSError: No manager reads it, or it cannot be opened.
            ValueError: The name is none that a file can have.
        """
        if self._descriptor < 0 or not _is_read(self._descriptor, fifo):
            self.close()
            flags = os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC
            self._descriptor = self._spare.use(lambda: os.open(fifo, flags))
        try:
            os.write(self._descriptor, line)
        finally:
            if not self._spare.is_kept:
                self.close()

    def close(self) -> None:
        """Close it. Idempotent."""
        descriptor, self._descriptor = self._descriptor, -1
        with contextlib.suppress(OSError):  # the author's code may have closed everything
            if descriptor >= 0 and stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                os.close(descriptor)


def _is_read(descriptor: int, fifo: str) -> bool:
    """Tell whether a descriptor is that of a FIFO, and a process reads from it."""
    try:
        if not os.path.samestat(os.fstat(descriptor), os.stat(fifo)):
            return False
    except OSError:
        return False
    poll = select.poll()
    poll.register(descriptor, 0)
    return not poll.poll(0)  # POLLERR: no reader is left, pipe(7)


def probe(question: Question, health: Callable[[], object], spare: SpareDescriptors) -> Verdict:
    """Run one probe; an exception of any kind is a failure, with the exception as its text."""
    target, timeout = question.target, question.timeout_seconds
    try:
        match question.kind:
            case "health":
                return _health_verdict(health())
            case "exec":
                return spare.use(lambda: _exec(target, timeout))
            case "http":
                return spare.use(lambda: _http(target, timeout))
            case _:
                return spare.use(lambda: _tcp(target, timeout))
    except TimeoutError:
        return False, f"no answer within {exact_duration(timeout)}"
    except BaseException as error:  # noqa: BLE001 - the author's code; `sys.exit` would end the thread
        return False, f"{type(error).__name__}: {plain_text(error)}"


def _health_verdict(found: object) -> Verdict:
    if isinstance(found, Health):
        return bool(found.is_healthy), plain_text(found.message, max_chars=MAX_TEXT_CHARS)
    return bool(found), "" if found else "health() is false"


def _exec(target: str, timeout: float) -> Verdict:
    import shlex

    process = subprocess.Popen(
        shlex.split(target),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output = process.communicate(timeout=timeout)[0]
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise TimeoutError from None
    last = output.decode(errors="replace").strip().rpartition("\n")[2]
    if process.returncode == 0:
        return True, last
    return False, f"exit code {process.returncode}{': ' if last else ''}{last}"


def _tcp(target: str, timeout: float) -> Verdict:
    with _connect(target, timeout):
        return True, ""


def _http(target: str, timeout: float) -> Verdict:
    place, slash, path = target.partition("/")
    request = f"GET {slash}{path or '/'} HTTP/1.0\r\nHost: {place}\r\nConnection: close\r\n\r\n"
    with _connect(place, timeout) as connection:
        connection.sendall(request.replace("GET //", "GET /", 1).encode())
        head = b""
        while b"\r\n" not in head and len(head) < 4096 and (data := connection.recv(4096)):
            head += data
    line = head.partition(b"\r\n")[0].decode("latin-1")
    words = line.split(None, 2)
    if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdigit():
        return False, f"not an HTTP answer: {line!r}"
    return 200 <= int(words[1]) < 400, " ".join(words[1:])


def _connect(target: str, timeout: float) -> socket.socket:
    host, _, port = target.rpartition(":")
    if port == OWN_PORT:
        port = os.environ.get(OWN_PORT, "")
        if not port.isdecimal():
            raise ValueError(f"PORT in the instance's environment is {port!r}, not a number")
    return socket.create_connection((host.strip("[]") or _DEFAULT_HOST, int(port)), timeout)
