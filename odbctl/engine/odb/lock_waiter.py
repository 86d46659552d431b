"""The thread that waits in the kernel's queue for the commit lock; imported when it is needed."""

from __future__ import annotations

import fcntl
import os
import threading


class LockWaiter(threading.Thread):
    """A thread that waits for the lock on a descriptor of its own."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(name="odb-lock", daemon=True)
        self.descriptor = descriptor
        self._decision = threading.Lock()
        self._granted = threading.Event()
        self._is_abandoned = False

    def run(self) -> None:
        """Wait, and let the lock go when nobody waits for it any more."""
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)
        with self._decision:
            if self._is_abandoned:
                os.close(self.descriptor)
            else:
                self._granted.set()

    def wait(self, timeout_seconds: float) -> bool:
        """Wait until the lock is ours; after False it will be let go."""
        if self._granted.wait(timeout_seconds):
            return True
        with self._decision:
            self._is_abandoned = not self._granted.is_set()
            return not self._is_abandoned
