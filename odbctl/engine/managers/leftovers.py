"""Leftovers: what workers that ended have left behind, ended as well.

Run by launchers, for the workers they reap, and by managers, for those they
adopted. Soon after an end one look at the process table serves all workers
that ended lately: what still lives in their sessions, or wears their marks,
gets SIGTERM, and SIGKILL until there is nothing.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import NamedTuple

from odbctl.engine.managers.processes import Suspect, signal_process, survivors
from odbctl.engine.worker.identity import ProcessIdentity, read_boot_id
from odbctl.engine.worker.mark import mark_of

LOOK_AFTER_SECONDS = 0.2
LOOK_AGAIN_SECONDS = 0.1
GRACE_SECONDS = 1.0


class _Ended(NamedTuple):
    """A worker that is gone, and when what it left is looked at.

    `kill_at` is when SIGKILL is due; None before SIGTERM was sent.
    """

    due_at: float
    suspect: Suspect
    kill_at: float | None = None


class Leftovers:
    """What workers that ended lately may have left. Times are monotonic."""

    def __init__(self, run: str | os.PathLike[str]) -> None:
        self._run = run
        self._ended: list[_Ended] = []

    def __bool__(self) -> bool:
        return bool(self._ended)

    def __contains__(self, session: int) -> bool:
        """Tell whether it is not known yet that nothing of a worker's session lives."""
        return any(e.suspect.session == session for e in self._ended)

    def note(self, instance: int, pid: int, start_ticks: int, *, is_due_now: bool = False) -> None:
        """Remember the worker of an instance, which has ended; its pid names its session."""
        due_at = time.monotonic() + (0.0 if is_due_now else LOOK_AFTER_SECONDS)
        mark = ""
        with contextlib.suppress(OSError):  # the home is gone: sessions will do
            mark = mark_of(self._run, instance)
        self._ended.append(_Ended(due_at, Suspect(pid, mark, start_ticks)))

    def due_seconds(self) -> float | None:
        """Return in how many seconds `end` has something to do; None if never."""
        if not self._ended:
            return None
        return max(0.0, min(e.due_at for e in self._ended) - time.monotonic())

    def hurry(self) -> None:
        """Have all be due now."""
        now = time.monotonic()
        self._ended = [e._replace(due_at=min(e.due_at, now)) for e in self._ended]

    def end(self) -> None:
        """Look at those that are due, and signal what lives on of them."""
        now = time.monotonic()
        due = [e for e in self._ended if e.due_at <= now]
        if not due:
            return
        try:
            living = survivors([e.suspect for e in due])
        except OSError:  # out of descriptors: look again a little later
            again_at = now + LOOK_AFTER_SECONDS
            self._ended = [e._replace(due_at=max(e.due_at, again_at)) for e in self._ended]
            return
        self._ended = [e for e in self._ended if e.due_at > now]
        for ended in due:
            members = living.get(ended.suspect.session, [])
            number = _due_signal(ended, now)
            if number is not None and not _signal(ended.suspect, members, number):
                continue
            if number is None and not members:
                continue
            kill_at = now + GRACE_SECONDS if ended.kill_at is None else ended.kill_at
            self._ended.append(_Ended(now + LOOK_AGAIN_SECONDS, ended.suspect, kill_at))

    def kill(self) -> None:
        """End all at once, because nobody will be there to look again."""
        living: dict[int, list[ProcessIdentity]] = {}
        with contextlib.suppress(OSError):
            living = survivors([e.suspect for e in self._ended])
        for ended in self._ended:
            _signal(ended.suspect, living.get(ended.suspect.session, []), signal.SIGKILL)
        self._ended.clear()


def _due_signal(ended: _Ended, now: float) -> signal.Signals | None:
    if ended.kill_at is None:
        return signal.SIGTERM
    return signal.SIGKILL if now >= ended.kill_at else None


def _signal(suspect: Suspect, members: list[ProcessIdentity], which: signal.Signals) -> bool:
    """Signal what a worker left; return whether there was anything.

    A number is not given to a new process while it names a session (pid
    allocation of the kernel), so one whose leader lives is another session.
    """
    number = suspect.session
    if not read_boot_id():
        return _signal_group(number, which)
    if any(member.pid == number for member in members):
        return False
    for member in members:
        with contextlib.suppress(OSError):  # not ours, or no descriptor is left
            signal_process(member, which)
    return bool(members)


def _signal_group(number: int, which: signal.Signals) -> bool:
    """Do with the worker's own group, where there is no process table to read."""
    try:
        os.killpg(number, which)
    except (ProcessLookupError, PermissionError):
        return False
    return True
