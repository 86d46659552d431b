"""The dashboard in a real terminal: it ends cleanly, and leaves the terminal as it was."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest
from waiting import eventually

from odbctl.errors import UsageError
from odbctl.paths import Home
from odbctl.tui.opening import Options, open_dashboard

ENTER_ALTERNATE_SCREEN, LEAVE_ALTERNATE_SCREEN = b"\x1b[?1049h", b"\x1b[?1049l"
HIDE_CURSOR, SHOW_CURSOR = b"\x1b[?25l", b"\x1b[?25h"
MOUSE_ON, MOUSE_OFF = b"\x1b[?1000h", b"\x1b[?1000l"
# The dashboard, but its help raises.
BREAKS_ON_HELP = """
import runpy
from odbctl.tui.frame_screen import FrameScreen

def broken(screen):
    raise RuntimeError("it is [broken]")

FrameScreen.action_help = broken
runpy.run_module("odbctl.tui", run_name="__main__")
"""


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


@contextmanager
def shown(home: Home, *words: str) -> Generator[Terminal]:
    """Yield a terminal in which the dashboard is shown."""
    found = Terminal(home, *words)
    try:
        eventually(lambda: b"No services yet" in found.output, timeout_seconds=30)
        yield found
    finally:
        found.close()


@pytest.fixture
def terminal(home: Home) -> Iterator[Terminal]:
    with shown(home) as found:
        yield found


def assert_left_sane(terminal: Terminal, *, exit_code: int = 0) -> None:
    assert terminal.process.wait(20) == exit_code
    assert terminal.output.count(ENTER_ALTERNATE_SCREEN) == 1
    eventually(lambda: is_last(terminal.output, LEAVE_ALTERNATE_SCREEN, ENTER_ALTERNATE_SCREEN))
    eventually(lambda: is_last(terminal.output, SHOW_CURSOR, HIDE_CURSOR))
    eventually(lambda: is_last(terminal.output, MOUSE_OFF, MOUSE_ON))
    assert terminal.settings() == terminal.before


def is_last(output: bytes, sequence: bytes, opposite: bytes) -> bool:
    """Tell whether a sequence was written, and its opposite before it only."""
    return output.rfind(sequence) > output.rfind(opposite) >= 0


def test_q_leaves_the_terminal_sane(terminal: Terminal) -> None:
    terminal.type(b"q")
    assert_left_sane(terminal)
    assert b"Traceback" not in terminal.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_sane(terminal: Terminal, number: signal.Signals) -> None:
    terminal.process.send_signal(number)
    assert_left_sane(terminal)
    assert b"Traceback" not in terminal.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_under_a_prompt_leaves_the_terminal_sane(
    terminal: Terminal, number: signal.Signals
) -> None:
    terminal.type(b"/x?")
    eventually(lambda: b"/" in terminal.output)
    terminal.process.send_signal(number)
    assert_left_sane(terminal)


def test_an_error_in_the_event_loop_leaves_the_terminal_sane(home: Home) -> None:
    with shown(home, "-c", BREAKS_ON_HELP) as terminal:
        terminal.type(b"?")
        assert_left_sane(terminal, exit_code=1)
        # What went wrong is told where the person can read it: behind the screen.
        behind = terminal.output.rpartition(LEAVE_ALTERNATE_SCREEN)[2]
        told = re.sub(rb"\x1b\[[0-9;]*m", b"", behind)
        assert b"it is [broken]" in told
        assert b"the dashboard ended by an error of its own" in told


def test_without_a_terminal_it_says_what_to_use(home: Home) -> None:
    with pytest.raises(UsageError) as caught:
        open_dashboard(home, Options())
    assert caught.value.hint == "odbctl ps"
