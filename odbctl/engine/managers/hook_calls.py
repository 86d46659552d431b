"""Calling hooks: a command with the event on its standard input, or a page.

Run by the threads of a HookRunner, and by `hook test`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from typing import NamedTuple

from odbctl.engine.managers.processes import list_processes, signal_group
from odbctl.engine.model.core import Event
from odbctl.engine.worker.mark import VARIABLE, worn_mark

_MAX_OUTPUT_CHARS = 300


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
        if process is None:
            return "the manager is ending"
        try:
            text = json.dumps(call.document).encode()
            output = process.communicate(text, timeout=call.timeout_seconds)[0]
        except subprocess.TimeoutExpired:
            _kill(process)
            process.communicate()
            return f"it took longer than {call.timeout_seconds:g} s and was killed"
        finally:
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
                start_new_session=True,
                env={**os.environ, **_told(call), **self._marked()},
                cwd="/",
            )
            self._running.add(process)
            return process

    def _marked(self) -> dict[str, str]:
        return {VARIABLE: self._mark} if self._mark else {}


def carry_out(call: HookCall, commands: HookCommands) -> str:
    """Carry out one call; return what went wrong, empty when nothing did."""
    return _call_page(call) if call.url else commands.run(call)


def _told(call: HookCall) -> dict[str, str]:
    names = ("level", "object", "service", "reason", "message", "actor", "release", "at", "count")
    return {f"ODBCTL_EVENT_{n.upper()}": str(call.document.get(n) or "") for n in names}


def _problem(code: int, output: bytes) -> str:
    if code == 0:
        return ""
    said = output.decode(errors="replace").strip()[-_MAX_OUTPUT_CHARS:]
    return f"exit code {code}{': ' if said else ''}{said}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _call_page(call: HookCall) -> str:
    import urllib.error
    import urllib.request

    headers = {"Content-Type": "application/json", **call.headers}
    body = json.dumps(call.document).encode()
    request = urllib.request.Request(call.url, body, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=call.timeout_seconds) as answer:
            answer.read(1 << 16)
    except urllib.error.HTTPError as error:
        return f"{call.url}: {error.code} {error.reason}"
    except (OSError, ValueError) as error:
        return f"{call.url}: {getattr(error, 'reason', error)}"
    return ""
