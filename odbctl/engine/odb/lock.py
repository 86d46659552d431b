"""The commit lock: who may write, one at a time, in fair order.

SQLite's own write lock would do, but its waiters retry with growing pauses,
so that one of four writers can starve. An flock on a side file queues them.
It orders writers and no more: correctness rests on BEGIN IMMEDIATE.

The side file also holds the number of the last commit, written just before
it: whoever finds the number that he knows need not ask SQLite whether there
was another. After a commit that failed the number is too large, never too small.
"""

from __future__ import annotations

import os
import time
from _thread import allocate_lock, get_ident  # `threading` would take 1 ms more
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock
from os import pread, pwrite
from types import TracebackType

from odbctl.errors import NotPermittedError, StoreBusyError, StoreFullError
from odbctl.light_typing import TYPE_CHECKING
from odbctl.units import exact_duration

if TYPE_CHECKING:
    from typing import Final

# A commit takes microseconds, a nap at least sixty: look again and again for about as long as a
# commit takes, so that another processor works meanwhile; then yield and nap, longer each time, so
# that those who commit go on a while; at last queue in a thread, so that nobody waits for long.
_LOOKS: Final = 20
_YIELDS: Final = 2
_NAPS_SECONDS: Final = (0.0001, 0.0002, 0.0004, 0.0008, 0.0016, *[0.003] * 5)
_NUMBER_BYTES: Final = 8
_TRY: Final = LOCK_EX | LOCK_NB


class CommitLock:
    """A lock between processes and between threads; use it in a `with`."""

    def __init__(self, path: str, timeout_seconds: float) -> None:
        self._path = path
        self._timeout_seconds = timeout_seconds
        self._threads = allocate_lock()
        self._descriptor = -1
        self._held = -1
        # The thread that took the lock before its commit; 0 if none did.
        self._keeper = 0

    def __enter__(self) -> None:
        # Without a time-out first: that is cheaper, and nearly always enough.
        if not self._threads.acquire(False):
            if self._keeper == get_ident():
                # This is what the lock was kept for; it is let go when this is done.
                self._keeper = 0
                return
            if not self._threads.acquire(timeout=self._timeout_seconds):
                raise self._busy()
        try:
            descriptor = self._descriptor
            if descriptor >= 0:
                flock(descriptor, _TRY)
                self._held = descriptor
                return
        except BlockingIOError:
            pass  # the common case is over: it is held
        except BaseException:
            self._threads.release()
            raise
        try:
            self._held = self._acquire()
        except BaseException:
            self._threads.release()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        held, self._held = self._held, -1
        # Unlocked before it is closed: code that ran meanwhile may have forked a copy of it.
        flock(held, LOCK_UN)
        if held != self._descriptor:
            os.close(held)
        self._threads.release()

    def keep(self) -> None:
        """Take the lock for this thread, until it commits or calls `let_go`.

        Raises:
            StoreBusyError: Others hold it for too long.
        """
        self.__enter__()
        self._keeper = get_ident()

    def let_go(self) -> None:
        """Let go of a kept lock; does nothing when this thread keeps none."""
        if self._keeper == get_ident():
            self._keeper = 0
            self.__exit__(None, None, None)

    def mark(self, seq: int) -> None:
        """Note, holding the lock, that a commit is about to get this number.

        Raises:
            StoreFullError: It cannot be noted, so the commit must not be made.
        """
        try:
            pwrite(self._held, seq.to_bytes(_NUMBER_BYTES, "little"), 0)
        except OSError as error:
            raise StoreFullError(
                f"cannot write {self._path}: {error.strerror}", hint="free some space on its disk"
            ) from error

    def is_last(self, seq: int) -> bool:
        """Tell whether `seq` is the number of the last commit; False if that is not known."""
        try:
            if self._descriptor < 0:
                with self._threads:
                    if self._descriptor < 0:
                        self._descriptor = self._open()
            number = pread(self._descriptor, _NUMBER_BYTES, 0)
        except (OSError, NotPermittedError):
            return False
        return seq >= 0 and number == seq.to_bytes(_NUMBER_BYTES, "little")

    def close(self) -> None:
        """Close the lock's file."""
        self.let_go()
        with self._threads:
            descriptor, self._descriptor = self._descriptor, -1
            if descriptor >= 0:
                os.close(descriptor)

    def _acquire(self) -> int:
        if self._descriptor < 0:
            self._descriptor = self._open()
        for _ in range(_LOOKS):
            if _try_lock(self._descriptor):
                return self._descriptor
        for nap_seconds in (*[0.0] * _YIELDS, *_NAPS_SECONDS):
            if _try_lock(self._descriptor):
                return self._descriptor
            # A sleep of no time yields.
            time.sleep(nap_seconds)
        return self._queue()

    def _queue(self) -> int:
        """Wait in the kernel's queue, which is fair, yet not for ever.

        flock has no time-out, so a thread waits on a descriptor of its own:
        one that gives up leaves nothing locked.
        """
        from odbctl.engine.odb.lock_waiter import LockWaiter

        waiter = LockWaiter(self._open())
        waiter.start()
        if not waiter.wait(self._timeout_seconds):
            raise self._busy()
        return waiter.descriptor

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise NotPermittedError(
                f"cannot lock the database: {self._path}: {error.strerror}"
            ) from error

    def _busy(self) -> StoreBusyError:
        return StoreBusyError(
            f"another process has held {self._path} for {exact_duration(self._timeout_seconds)}",
            hint="try again when that process has finished",
        )


def _try_lock(descriptor: int) -> bool:
    try:
        flock(descriptor, _TRY)
    except BlockingIOError:
        return False
    return True
