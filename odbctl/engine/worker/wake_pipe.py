"""WakePipe: what ends a sleep, from a thread, a signal handler or a signal itself."""

from __future__ import annotations

import contextlib
import os
import select
import signal

_READ_BYTES = 4096


class WakePipe:
    """A pipe whose one end somebody sleeps on. Neither end ever blocks."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        for end in (self._read, self._write):
            os.set_blocking(end, False)

    def fileno(self) -> int:
        """Return the end that is readable after a wake."""
        return self._read

    def wake(self, word: bytes = b"\0") -> None:
        """End the sleep, or the next one."""
        with contextlib.suppress(OSError):  # it is full of wakes
            os.write(self._write, word)

    def sleep(self, seconds: float) -> None:
        """Sleep so long, or until a wake."""
        poll = select.poll()
        poll.register(self._read, select.POLLIN)
        poll.poll(seconds * 1000)
        self.drain()

    def drain(self) -> bytes:
        """Return the words of the wakes so far, and forget them; empty when there was none."""
        try:
            return os.read(self._read, _READ_BYTES)
        except BlockingIOError:
            return b""

    def wake_on_signals(self) -> None:
        """Have every signal that Python handles end the sleep; its number is the word.

        A handler alone does not when its signal comes between the interpreter's last look
        for one and the system call that sleeps: it runs when the sleep is over. Main thread only.
        """
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)

    def close(self) -> None:
        """Close both ends."""
        os.close(self._read)
        os.close(self._write)
