"""The dashboard in a real terminal: it ends cleanly, and leaves the terminal as it was."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from pseudo_terminal import Terminal, shown
from waiting import eventually

from odbctl.errors import UsageError
from odbctl.paths import Home
from odbctl.tui.hangup import EXIT_CODE
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

# An app that is told that its terminal is gone, and does not end.
STAYS_AFTER_HANGUP = """
import threading
from odbctl.tui.hangup import HangupWatch

with HangupWatch(0, lambda: None, leave_seconds=0.1):
    print("watching", flush=True)
    threading.Event().wait()
"""


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


@pytest.mark.parametrize("keys", [b"", b"/x", b"1"], ids=["table", "prompt", "overview"])
def test_a_terminal_that_hangs_up_ends_it_without_a_signal(terminal: Terminal, keys: bytes) -> None:
    terminal.type(keys)
    # It is not the controlling terminal of the dashboard's session: no SIGHUP comes.
    terminal.hang_up()
    assert terminal.process.wait(30) == 0


def test_a_dashboard_that_cannot_leave_in_order_ends_anyway() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STAYS_AFTER_HANGUP], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"watching\n"
        process.stdin.close()
        assert process.wait(30) == EXIT_CODE


def test_an_error_in_the_event_loop_leaves_the_terminal_sane(home: Home) -> None:
    with shown(home, "-c", BREAKS_ON_HELP) as terminal:
        terminal.type(b"?")
        assert_left_sane(terminal, exit_code=1)
        # What went wrong is told where the person can read it: behind the screen.
        behind = terminal.output.rpartition(LEAVE_ALTERNATE_SCREEN)[2]
        told = re.sub(rb"\x1b\[[0-9;]*m", b"", behind)
        assert b"it is [broken]" in told
        assert b"the dashboard crashed" in told


def test_without_a_terminal_it_says_what_to_use(home: Home) -> None:
    with pytest.raises(UsageError) as caught:
        open_dashboard(home, Options())
    assert caught.value.hint == "odbctl ps"
