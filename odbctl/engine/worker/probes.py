"""Probes, run by the worker itself, in a thread of their own.

The manager asks by a message on the control socket and hears the answer on a pipe
that it reads (a FIFO in the run directory): no answer is an answer too, for a worker
whose interpreter hangs. The control thread only passes the question on, so a
`health()` that hangs keeps nobody from stopping the service.

Question: JSON [number, kind, target, timeout seconds, FIFO]. Answer: one line of JSON
[instance, number, is well, text], shorter than PIPE_BUF, so answers do not mix (pipe(7)).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from queue import SimpleQueue

from odbctl.engine.worker.service_base import Health

MAX_TEXT_CHARS = 200
_STACK_BYTES = 512 * 1024
_DEFAULT_HOST = "127.0.0.1"

Verdict = tuple[bool, str]


class ProbeRunner:
    """Answers the questions for one instance, one after the other."""

    def __init__(self, instance: int, health: Callable[[], object]) -> None:
        self._instance = instance
        self._health = health
        self._questions: SimpleQueue[bytes] = SimpleQueue()
        thread = threading.Thread(target=self._run, name="odbctl-health", daemon=True)
        before = threading.stack_size(_STACK_BYTES)
        try:
            thread.start()
        finally:
            threading.stack_size(before)

    def ask(self, question: bytes) -> None:
        """Take a question; it is answered when those before it are."""
        self._questions.put(question)

    def _run(self) -> None:
        while True:
            question = self._questions.get()
            while not self._questions.empty():  # who asked the earlier ones waits no more
                question = self._questions.get()
            number, kind, target, timeout, fifo = json.loads(question)
            is_well, text = probe(kind, target, timeout, self._health)
            _answer(fifo, [self._instance, number, is_well, text[:MAX_TEXT_CHARS]])


def _answer(fifo: str, answer: list[object]) -> None:
    with contextlib.suppress(OSError):  # no manager is there to hear
        descriptor = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(descriptor, json.dumps(answer).encode() + b"\n")
        finally:
            os.close(descriptor)


def probe(kind: str, target: str, timeout: float, health: Callable[[], object]) -> Verdict:
    """Run one probe; whatever goes wrong in it is its verdict."""
    try:
        match kind:
            case "health":
                return _health_verdict(health())
            case "exec":
                return _exec(target, timeout)
            case "http":
                return _http(target, timeout)
            case _:
                return _tcp(target, timeout)
    except TimeoutError:
        return False, f"no answer within {timeout:g} s"
    except Exception as error:  # noqa: BLE001 - the boundary to the author's code
        return False, f"{type(error).__name__}: {error}"


def _health_verdict(found: object) -> Verdict:
    if isinstance(found, Health):
        return found.is_healthy, found.message
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
        return False, f"no HTTP answer: {line!r}"
    return 200 <= int(words[1]) < 400, " ".join(words[1:])


def _connect(target: str, timeout: float) -> socket.socket:
    host, _, port = target.rpartition(":")
    return socket.create_connection((host.strip("[]") or _DEFAULT_HOST, int(port)), timeout)
