"""The dashboard in a pseudo-terminal: keys in, bytes out."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Generator
from contextlib import contextmanager

from waiting import eventually

from odbctl.paths import Home

_ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\^_=>])")


class Terminal:
    """A pseudo-terminal with the dashboard in it, and everything it wrote."""

    def __init__(self, home: Home, *words: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._slave = slave
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            [sys.executable, *(words or ("-m", "odbctl.tui"))],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "ODBCTL_HOME": str(home.data), "TERM": "xterm-256color"},
            start_new_session=True,
        )
        self.output = b""
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    @property
    def text(self) -> str:
        """Everything that was drawn so far, without escape sequences."""
        return _ESCAPES.sub(b"", self.output).decode(errors="replace")

    def type(self, keys: bytes) -> None:
        """Write keys to the terminal, all in one call."""
        os.write(self._master, keys)

    def settings(self) -> list[object]:
        """Return how the terminal is set."""
        return termios.tcgetattr(self._slave)

    def hang_up(self) -> None:
        """Close both ends that this process has, as a terminal that goes away does."""
        self._end_reading()
        os.close(self._slave)
        os.close(self._master)
        self._slave = self._master = -1

    def close(self) -> None:
        """End the process, and close the terminal."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self._master >= 0:
            self.hang_up()

    def _end_reading(self) -> None:
        self._is_closed.set()
        self._thread.join()

    def _read(self) -> None:
        while not self._is_closed.is_set():
            if select.select([self._master], [], [], 0.05)[0]:
                self.output += os.read(self._master, 65_536)


@contextmanager
def shown(home: Home, *words: str, text: str = "No services yet") -> Generator[Terminal]:
    """Yield a terminal in which the dashboard shows a text."""
    found = Terminal(home, *words)
    try:
        eventually(lambda: text in found.text, timeout_seconds=60)
        yield found
    finally:
        found.close()
