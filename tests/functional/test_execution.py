"""`service exec` and `shell`: in the instance's place, in the caller's own terminal."""

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
import time

import pytest
from cli_runner import odbctl
from real_world import World

ODBCTL = (sys.executable, "-m", "odbctl")


class Terminal:
    """A command in a pseudo-terminal of its own."""

    def __init__(self, *words: str) -> None:
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.execv(sys.executable, [*ODBCTL, *words])
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
        self.said = ""

    def read_until(self, text: str, seconds: float = 15.0) -> str:
        """Read until a text has come."""
        deadline = time.monotonic() + seconds
        while text not in self.said and time.monotonic() < deadline:
            if select.select([self.descriptor], [], [], 0.1)[0]:
                try:
                    self.said += os.read(self.descriptor, 4096).decode(errors="replace")
                except OSError:  # its end
                    break
        assert text in self.said, self.said
        return self.said

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self.descriptor, text.encode())

    def end(self) -> int:
        """Wait for its end; return its exit code."""
        deadline = time.monotonic() + 15
        while select.select([self.descriptor], [], [], max(0, deadline - time.monotonic()))[0]:
            try:
                if not os.read(self.descriptor, 4096):
                    break
            except OSError:
                break
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.descriptor)
        return os.waitstatus_to_exitcode(status)


def test_a_command_runs_where_the_instance_does(world: World) -> None:
    world.run(env={"MODE": "test"})
    script = "import os, svc; print(os.getcwd(), os.environ['MODE'], os.environ['ODBCTL_INSTANCE'])"
    ran = odbctl("service", "exec", "svc", "--", sys.executable, "-c", script)
    assert ran.out.split() == [str(world.home.storage / "svc" / "svc-1"), "test", "svc-1"]


def test_bytes_pass_through_unchanged_and_so_does_the_exit_code(world: World) -> None:
    world.run()
    data = bytes(range(256)) * 100
    ran = subprocess.run(
        [*ODBCTL, "service", "exec", "svc", "--", "sh", "-c", "cat; exit 7"],
        input=data, capture_output=True, check=False,
    )  # fmt: skip
    assert (ran.stdout, ran.returncode) == (data, 7)


def test_a_real_terminal_is_there(world: World) -> None:
    world.run()
    terminal = Terminal(
        "service", "exec", "svc", "--", "sh", "-c", "test -t 0 && sleep 0.3; stty size"
    )
    assert "33 99" in terminal.read_until("33 99")
    assert terminal.end() == 0


def test_ctrl_c_reaches_the_command(world: World) -> None:
    world.run()
    terminal = Terminal("service", "exec", "svc", "--", "sh", "-c", "echo begun; exec sleep 600")
    terminal.read_until("begun")
    terminal.type("\x03")
    assert terminal.end() == -signal.SIGINT
    assert world.status()["state"] == "running"


def test_a_shell_is_opened_and_left(world: World) -> None:
    world.run()
    terminal = Terminal("service", "shell", "svc")
    terminal.type("echo in $ODBCTL_INSTANCE; exit 3\n")
    terminal.read_until("in svc-1")
    assert terminal.end() == 3
    assert world.status()["state"] == "running"


def test_an_interpreter_has_the_database(world: World) -> None:
    world.run()
    terminal = Terminal("service", "shell", "svc", "--python")
    terminal.read_until("db is connected")
    terminal.type("print('is', db.last_commit() > 0); exit()\n")
    terminal.read_until("is True")
    assert terminal.end() == 0


def test_the_place_of_the_last_run_serves_when_none_runs(world: World) -> None:
    world.run()
    world.stop()
    ran = odbctl("service", "exec", "svc", "--", "pwd")
    assert ran.out.strip().endswith("svc-1")
    assert "svc-1 has ended" in ran.err


def test_what_cannot_be_run_is_told(world: World) -> None:
    world.service()
    assert odbctl("service", "exec", "svc", "--", "true").code == 4
    world.start()
    world.wait_running()
    assert odbctl("service", "exec", "svc").code == 2
    assert odbctl("service", "exec", "nobody", "--", "true").code == 4
    ran = odbctl("service", "exec", "svc", "--", "no-such-program")
    assert (ran.code, "no command 'no-such-program'" in ran.err) == (4, True)
    assert odbctl("service", "exec", "svc", "--instance", "svc-9", "--", "true").code == 4


@pytest.mark.parametrize("words", [("service", "exec", "--help"), ("service", "shell", "--help")])
def test_help_has_an_example(words: tuple[str, ...]) -> None:
    assert "Example:" in odbctl(*words).out
