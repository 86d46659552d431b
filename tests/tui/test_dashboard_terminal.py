"""The dashboard in a real terminal: it ends cleanly, and leaves the terminal as it was."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator

import pytest
from waiting import eventually

from odbctl.errors import UsageError
from odbctl.paths import Home
from odbctl.tui.opening import Options, open_dashboard

LEAVE_ALTERNATE_SCREEN = b"\x1b[?1049l"
SHOW_CURSOR = b"\x1b[?25h"
MOUSE_OFF = b"\x1b[?1000l"


class Terminal:
    """A pseudo-terminal with the dashboard in it, and everything it wrote."""

    def __init__(self, home: Home) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._slave = slave
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "odbctl.tui"],
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

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def settings(self) -> list[object]:
        return termios.tcgetattr(self._slave)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._is_closed.set()
        self._thread.join()
        os.close(self._slave)
        os.close(self._master)

    def _read(self) -> None:
        while not self._is_closed.is_set():
            if select.select([self._master], [], [], 0.05)[0]:
                self.output += os.read(self._master, 65_536)


@pytest.fixture
def terminal(home: Home) -> Iterator[Terminal]:
    found = Terminal(home)
    try:
        eventually(lambda: b"No services yet" in found.output, timeout_seconds=30)
        yield found
    finally:
        found.close()


def assert_left_sane(terminal: Terminal) -> None:
    assert terminal.process.wait(20) == 0
    wanted = (LEAVE_ALTERNATE_SCREEN, SHOW_CURSOR, MOUSE_OFF)
    eventually(lambda: all(sequence in terminal.output for sequence in wanted))
    assert b"Traceback" not in terminal.output
    assert terminal.settings() == terminal.before


def test_q_leaves_the_terminal_sane(terminal: Terminal) -> None:
    terminal.type(b"q")
    assert_left_sane(terminal)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_sane(terminal: Terminal, number: signal.Signals) -> None:
    terminal.process.send_signal(number)
    assert_left_sane(terminal)


def test_without_a_terminal_it_says_what_to_use(home: Home) -> None:
    with pytest.raises(UsageError) as caught:
        open_dashboard(home, Options())
    assert caught.value.hint == "odbctl ps"
