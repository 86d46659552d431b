"""Leftovers: what workers that ended have left in their sessions, ended as well.

Run by launchers, for the workers they reap, and by managers, for those they
adopted. Soon after an end one look at the process table serves all workers
that ended lately: what still lives gets SIGTERM, and SIGKILL until the
session is empty.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import NamedTuple

from odbctl.engine.managers.processes import members_of_sessions, signal_process
from odbctl.engine.worker.identity import ProcessIdentity, read_boot_id

LOOK_AFTER_SECONDS = 0.2
GRACE_SECONDS = 1.0


class _Session(NamedTuple):
    """The session of a worker that is gone, and the signal that is due to it."""

    due_at: float
    number: int
    signal: signal.Signals


class Leftovers:
    """The sessions of workers that ended lately. Times are monotonic."""

    def __init__(self) -> None:
        self._sessions: list[_Session] = []

    def __bool__(self) -> bool:
        return bool(self._sessions)

    def note(self, worker_pid: int) -> None:
        """Remember a worker that has ended; its pid is the number of its session."""
        due_at = time.monotonic() + LOOK_AFTER_SECONDS
        self._sessions.append(_Session(due_at, worker_pid, signal.SIGTERM))

    def due_seconds(self) -> float | None:
        """Return in how many seconds `end` has something to do; None if never."""
        if not self._sessions:
            return None
        return max(0.0, min(s.due_at for s in self._sessions) - time.monotonic())

    def hurry(self) -> None:
        """Have the sessions that were not looked at yet be due now."""
        now = time.monotonic()
        self._sessions = [
            s._replace(due_at=now) if s.signal is signal.SIGTERM else s for s in self._sessions
        ]

    def end(self) -> None:
        """Look at the sessions that are due, and signal what lives in them."""
        now = time.monotonic()
        due = [s for s in self._sessions if s.due_at <= now]
        if not due:
            return
        self._sessions = [s for s in self._sessions if s.due_at > now]
        living = members_of_sessions({s.number for s in due})
        for session in due:
            if _signal(session, living.get(session.number, [])):
                again = session._replace(due_at=now + GRACE_SECONDS, signal=signal.SIGKILL)
                self._sessions.append(again)

    def kill(self) -> None:
        """End all at once, for nobody will be there to look again."""
        living = members_of_sessions({s.number for s in self._sessions})
        for session in self._sessions:
            _signal(session._replace(signal=signal.SIGKILL), living.get(session.number, []))
        self._sessions.clear()


def _signal(session: _Session, members: list[ProcessIdentity]) -> bool:
    """Signal the members of a session; return whether there were any.

    A number is not given to a new process while it names a session (pid
    allocation of the kernel), so one whose leader lives is another session.
    """
    if not read_boot_id():
        return _signal_group(session)
    if any(member.pid == session.number for member in members):
        return False
    for member in members:
        with contextlib.suppress(PermissionError):
            signal_process(member, session.signal)
    return bool(members)


def _signal_group(session: _Session) -> bool:
    """Do with the worker's own group, where there is no process table to read."""
    try:
        os.killpg(session.number, session.signal)
    except (ProcessLookupError, PermissionError):
        return False
    return True
