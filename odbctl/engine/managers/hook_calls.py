"""Calling hooks: a command with the event on its standard input, or a page.

Run by the threads of a HookRunner, and by `hook test`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from typing import NamedTuple

from odbctl.engine.managers.processes import list_processes, signal_group
from odbctl.engine.model.core import Event
from odbctl.engine.worker.mark import VARIABLE, worn_mark
from odbctl.masking import mask_text
from odbctl.units import exact_duration

_MAX_OUTPUT_CHARS = 300
_MAX_PROBLEM_CHARS = 1000
# The kernel takes 128 KiB for one variable; the whole text is on standard input.
_MAX_VARIABLE_CHARS = 8192
_READ_BYTES = 1 << 16
_KEPT_BYTES = 8192

logger = logging.getLogger("odbctl.manager")


class HookCall(NamedTuple):
    """One call that is due: of a hook, for an event and what came after it meanwhile."""

    hook: str
    command: tuple[str, ...]
    url: str
    headers: Mapping[str, str]
    timeout_seconds: float
    document: Mapping[str, object]


def event_fields(event: Event) -> dict[str, object]:
    """Return what a hook is told of an event: its document."""
    return {
        "kind": "event",
        "version": 1,
        "at": event.at,
        "level": event.level.value,
        "object": event.subject,
        "service": event.service,
        "reason": event.reason,
        "message": event.message,
        "actor": event.actor,
        "release": event.release,
    }


class HookCommands:
    """The commands of hooks that run now, so that they can be ended.

    Args:
        mark: What they wear, so that the next manager knows those that a killed one has left.
    """

    def __init__(self, mark: str = "") -> None:
        self._mark = mark
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._is_open = True

    def end_earlier(self) -> None:
        """Kill what a manager that was killed has left running.

        What a command that has ended left behind, it may have meant to.
        """
        for entry in list_processes():
            if entry.pid == entry.session and worn_mark(entry.pid) == self._mark:
                signal_group(entry.identity, signal.SIGKILL)

    def end(self) -> None:
        """Kill what runs now, and start no more."""
        with self._lock:
            self._is_open = False
            for process in self._running:
                _kill(process)

    def run(self, call: HookCall) -> str:
        """Run a command to its end or time-out; return what went wrong."""
        try:
            process = self._start(call)
        except OSError as error:
            return f"{call.command[0]}: {error.strerror}"
        except ValueError as error:  # a NUL in a word
            return f"{call.command[0]}: {error}"
        if process is None:
            return "the manager is ending"
        try:
            output = _exchange(process, json.dumps(call.document).encode(), call.timeout_seconds)
        except TimeoutError:
            _kill(process)
            process.wait()
            return f"it took longer than {exact_duration(call.timeout_seconds)} and was killed"
        finally:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):  # it did not take all of its input
                        pipe.close()
            with self._lock:
                self._running.discard(process)
        return _problem(process.returncode, output)

    def _start(self, call: HookCall) -> subprocess.Popen[bytes] | None:
        with self._lock:  # or it would start just after all were killed
            if not self._is_open:
                return None
            process = subprocess.Popen(
                call.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                start_new_session=True,
                env={**os.environ, **_told(call), **self._marked()},
                cwd="/",
            )
            self._running.add(process)
            return process

    def _marked(self) -> dict[str, str]:
        return {VARIABLE: self._mark} if self._mark else {}


def carry_out(call: HookCall, commands: HookCommands) -> str:
    """Carry out one call; return what went wrong, empty when nothing did.

    Whatever a page answers or a command prints, this raises nothing: a call that fails in
    a way that nobody foresaw has failed, and is reported like any other.
    """
    try:
        problem = _call_page(call) if call.url else commands.run(call)
    except Exception as error:  # the boundary to what others wrote; the caller records it
        logger.exception("hook %s", call.hook)
        problem = f"{type(error).__name__}: {error}"
    return _printable(problem, _MAX_PROBLEM_CHARS)


def _told(call: HookCall) -> dict[str, str]:
    names = ("level", "object", "service", "reason", "message", "actor", "release", "at", "count")
    return {
        f"ODBCTL_EVENT_{name.upper()}": _printable(
            str(call.document.get(name) or ""), _MAX_VARIABLE_CHARS
        )
        for name in names
    }


def _exchange(process: subprocess.Popen[bytes], text: bytes, timeout_seconds: float) -> bytes:
    """Give a command its input and wait for its end; return the end of what it printed.

    All that it prints is read, so that it is not held up; little is kept.

    Raises:
        TimeoutError: It, or what it left behind with its output open, took too long.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    deadline = time.monotonic() + timeout_seconds
    rest, kept = memoryview(text), b""
    pipes = {pipe.fileno(): pipe for pipe in (process.stdin, process.stdout)}
    with selectors.DefaultSelector() as selector:
        for pipe, event in (
            (process.stdin, selectors.EVENT_WRITE),
            (process.stdout, selectors.EVENT_READ),
        ):
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, event)
        while selector.get_map():
            for key, _ in selector.select(_left(deadline)):
                if key.fileobj is process.stdout:
                    read = os.read(key.fd, _READ_BYTES)
                    kept = (kept + read)[-_KEPT_BYTES:]
                    is_over = not read
                else:
                    rest = rest[_write(key.fd, rest) :]
                    is_over = not rest
                if is_over:
                    selector.unregister(key.fileobj)
                    pipes[key.fd].close()
    try:
        process.wait(_left(deadline))
    except subprocess.TimeoutExpired as error:
        raise TimeoutError from error
    return kept


def _write(fd: int, rest: memoryview) -> int:
    """Write what a pipe takes now; a reader that has gone takes all."""
    try:
        return os.write(fd, rest[:_READ_BYTES])
    except BlockingIOError:
        return 0
    except BrokenPipeError:
        return len(rest)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _problem(code: int, output: bytes) -> str:
    if code == 0:
        return ""
    said = output.decode(errors="replace").strip()[-_MAX_OUTPUT_CHARS:]
    return f"exit code {code}{': ' if said else ''}{said}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _call_page(call: HookCall) -> str:
    from odbctl.engine.managers.hook_pages import call_page

    problem = call_page(
        call.url,
        body=json.dumps(call.document).encode(),
        headers=call.headers,
        timeout_seconds=call.timeout_seconds,
    )
    return f"{mask_text(call.url)}: {problem}" if problem else ""


def _printable(text: str, most: int) -> str:
    """Return a text that can be stored, passed on and printed: no NUL, no half characters."""
    return text[:most].encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
