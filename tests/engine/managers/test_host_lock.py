"""The lock of a host: one manager has it, and who comes after a killed one waits for it."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest

from odbctl.engine.managers.host import LOCK_SECONDS, HostLock
from odbctl.engine.worker.identity import identify
from odbctl.errors import ConflictError
from odbctl.paths import Home

NO_PID = 2**22 + 1  # above the largest pid that Linux gives


@contextmanager
def held(home: Home, says: str) -> Generator[Callable[[], None]]:
    """Hold the lock of host `local` by a file that says this; yield what lets go."""
    home.run.mkdir(parents=True, exist_ok=True)
    with open(home.run / "manager-local.lock", "w+") as file:
        file.write(says)
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        yield lambda: fcntl.flock(file, fcntl.LOCK_UN)


def of(pid: int) -> str:
    boot_id, _, ticks = identify() or ("", 0, 0)
    return json.dumps([boot_id, pid, ticks])


@pytest.mark.parametrize("says", [None, "", "[]", "{", "nonsense"])
def test_a_lock_of_a_manager_at_work_is_refused(home: Home, says: str | None) -> None:
    with (
        held(home, of(os.getpid()) if says is None else says),
        pytest.raises(ConflictError, match="runs already"),
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
