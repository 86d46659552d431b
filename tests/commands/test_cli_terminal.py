"""What a person at a terminal sees: colors, questions, a width."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest
from cli_runner import odbctl
from stocked_home import stock

from odbctl.paths import Home


def at_terminal(
    *words: str, answer: str = "", env: dict[str, str] | None = None
) -> tuple[int, str]:
    """Run a command at a terminal of 80 columns; return its exit code and what it showed."""
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "odbctl", *words],
        stdin=inside,
        stdout=inside,
        stderr=inside,
        env={**os.environ, "TERM": "xterm", **(env or {})},
        start_new_session=True,
    )
    os.close(inside)
    os.write(terminal, answer.encode())
    shown = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux says so when the other end is closed
            part = b""
        if not part:
            break
        shown += part
    os.close(terminal)
    return process.wait(timeout=30), shown.decode()


pytestmark = pytest.mark.usefixtures("stocked")


@pytest.fixture
def stocked(home: Home) -> None:
    stock(home, subject="a long subject " * 20)


def test_states_have_colors_and_lines_fit() -> None:
    code, shown = at_terminal("codebase", "list", "--color", "never")
    assert code == 0
    assert max(map(len, shown.splitlines())) <= 80
    assert "\x1b[" in at_terminal("service", "list")[1]


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colors_can_be_refused(env: dict[str, str]) -> None:
    assert "\x1b" not in at_terminal("service", "list", env=env)[1]


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [("\n", 1, "cancelled; nothing was changed"), ("y\n", 0, "removed service")],
)
def test_removing_asks_and_no_is_the_default(answer: str, code: int, words: str) -> None:
    ended, shown = at_terminal("service", "remove", "hello", answer=answer)
    assert (ended, words in shown) == (code, True), shown
    assert "[y/N]" in shown
    assert odbctl("service", "show", "hello").code == (0 if code else 4)


def test_json_is_indented_for_people() -> None:
    assert '\r\n    "kind": "service"' in at_terminal("service", "list", "--json")[1]
