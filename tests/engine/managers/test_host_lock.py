"""The lock of a host: one manager has it, and who comes after a killed one waits for it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest

from odbctl.engine.managers import host
from odbctl.engine.managers.host import LOCK_SECONDS, HostLock, host_lock_path
from odbctl.engine.worker.identity import identify
from odbctl.errors import ConflictError
from odbctl.paths import Home

NO_PID = 2**22 + 1  # above the largest pid that Linux gives


@contextmanager
def held(home: Home, says: str) -> Generator[Callable[[], None]]:
    """Hold the lock of host `local` by a file that says this; yield what lets go."""
    with open(host_lock_path(home, "local"), "w+") as file:
        file.write(says)
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        yield lambda: fcntl.flock(file, fcntl.LOCK_UN)


def of(pid: int) -> str:
    boot_id, _, ticks = identify() or ("", 0, 0)
    return json.dumps([boot_id, pid, ticks])


@pytest.mark.parametrize("says", [None, "", "[]", "{", "nonsense"])
def test_a_lock_of_a_manager_at_work_is_refused(
    home: Home, says: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "ENDING_SECONDS", 600.0)  # it is not taken for one that ends
    with (
        held(home, of(os.getpid()) if says is None else says),
        pytest.raises(ConflictError, match="already running"),
    ):
        HostLock(home, "local").acquire()


def test_a_lock_of_a_manager_that_is_gone_is_waited_for(home: Home) -> None:
    lock = HostLock(home, "local")
    with held(home, of(NO_PID)) as let_go:
        timer = threading.Timer(2 * LOCK_SECONDS, let_go)
        timer.start()
        lock.acquire()
        timer.join()
        with pytest.raises(ConflictError):
            HostLock(home, "local").acquire()
        lock.release()
    HostLock(home, "local").acquire()


@pytest.mark.parametrize("is_in_order", [True, False])
def test_who_waits_for_a_manager_at_work_takes_the_place_of_a_killed_one_only(
    home: Home, *, is_in_order: bool
) -> None:
    """Two managers may be started at once; stopping one of them is not to bring up the other."""
    home.create()
    first, lock = HostLock(home, "local"), HostLock(home, "local")
    with contextlib.ExitStack() as stack:
        if is_in_order:
            first.acquire()
            end: Callable[[], None] = first.release
        else:
            end = stack.enter_context(held(home, of(os.getpid())))
        timer = threading.Timer(LOCK_SECONDS / 5, end)
        timer.start()
        if is_in_order:
            with pytest.raises(ConflictError, match="was stopped while"):
                lock.acquire()
        else:
            lock.acquire()
            lock.release()
        timer.join()
    HostLock(home, "local").acquire()  # nobody is waited for now


def test_a_released_lock_is_free_at_once(home: Home) -> None:
    home.create()
    first, second = HostLock(home, "local"), HostLock(Home.at(home.data), "local")
    first.acquire()
    with pytest.raises(ConflictError):
        second.acquire()
    first.release()
    second.acquire()
    second.release()
