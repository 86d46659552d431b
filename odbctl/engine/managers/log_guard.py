"""The log guard: a process of the launcher that holds raw output to its quota.

Children and C code write to their files without anybody in between, as fast as the disk
takes it: within a few milliseconds more than a quota allows. Whoever trims those files must
run at once, so it shares no interpreter lock with a manager that is busy, and lives as long
as the launcher does, whether a manager runs or not. One guard of a host works at a time;
that of another launcher waits until it is gone.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import sys
from collections.abc import Mapping
from typing import NoReturn

from odbctl.engine.managers.retry_pause import RetryPause
from odbctl.engine.worker.process import set_process_name

# How often a guard that waits for another looks whether that one is gone.
TURN_SECONDS = 5.0
_READ_BYTES = 1 << 16
_NICE = -10
_REAL_TIME_PRIORITY = 1


class LogGuard:
    """The launcher's end: the quotas, and the process while there is one."""

    def __init__(self) -> None:
        self.pid: int | None = None
        self.pause = RetryPause()  # after guards that ended
        self._descriptor = -1
        self._quota_bytes: dict[tuple[str, str], int] = {}

    @property
    def has_work(self) -> bool:
        """Whether there is a quota to hold."""
        return bool(self._quota_bytes)

    def hold(self, logs: str, quota_bytes: Mapping[str, int]) -> None:
        """Hold the raw files of services to their quotas from now on.

        Args:
            logs: The folder of all logs.
            quota_bytes: By the name of the service.
        """
        for service, limit in quota_bytes.items():
            key = (logs, service)
            if self._quota_bytes.get(key) != limit:
                self._quota_bytes[key] = limit
                self._tell(key, limit)

    def begin(self, pid: int, descriptor: int) -> None:
        """Take a new process, and the end of a pipe that it reads."""
        self.pid, self._descriptor = pid, descriptor
        os.set_blocking(descriptor, False)
        for key, limit in list(self._quota_bytes.items()):
            self._tell(key, limit)

    def end(self) -> None:
        """Forget a process that has ended; another may begin after a pause."""
        self.pid = None
        self.close()
        self.pause.begin()

    def close(self) -> None:
        """Close the pipe: a guard ends when no launcher holds it any more. Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _tell(self, key: tuple[str, str], limit: int) -> None:
        if self._descriptor >= 0:
            try:
                os.write(self._descriptor, json.dumps([*key, limit]).encode() + b"\n")
            except OSError:  # it has ended, or takes nothing: the next message tries again
                del self._quota_bytes[key]


class _Inbox:
    """The guard's end of the pipe."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.logs = ""
        self.quota_bytes: dict[str, int] = {}
        self._rest = b""

    def read(self) -> bool:
        """Take the messages that have come; tell whether there is still a launcher."""
        data = os.read(self.descriptor, _READ_BYTES)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.logs, service, limit = json.loads(line)
            self.quota_bytes[service] = limit
        return bool(data)

    def wait(self, seconds: float) -> bool:
        """Wait for messages, and take them; as `read`."""
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        return not poll.poll(seconds * 1000) or self.read()


def guard_logs(descriptor: int, lock_path: str) -> NoReturn:
    """Hold raw files to their quotas until no launcher holds the pipe: the life of a guard.

    Args:
        descriptor: The end of the pipe to read.
        lock_path: What the guard that works has locked.
    """
    code = 1
    try:
        set_process_name("log-guard")
        _run(_Inbox(descriptor), lock_path)
        code = 0
    except Exception as error:  # noqa: BLE001 - nothing may unwind into the launcher
        sys.stderr.write(f"odbctl log guard: {error!r}\n")
    finally:
        os._exit(code)


def _run(inbox: _Inbox, lock_path: str) -> None:
    while not inbox.logs:
        if not inbox.read():
            return
    lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    while not _has_turn(lock):
        if not inbox.wait(TURN_SECONDS):
            return
    _run_ahead_of_others()
    from pathlib import Path

    from odbctl.engine.telemetry.raw_time_index import RawTimeIndex  # workers need none of it

    index = RawTimeIndex(Path(inbox.logs))
    index.keep(inbox.quota_bytes)

    def read() -> bool:
        is_held = inbox.read()
        index.keep(inbox.quota_bytes)
        return is_held

    index.open()
    index.serve(inbox.descriptor, read)


def _has_turn(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _run_ahead_of_others() -> None:
    """Run before the processes whose output is bounded, as far as this user may."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    with contextlib.suppress(OSError, AttributeError):
        policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(_REAL_TIME_PRIORITY))
