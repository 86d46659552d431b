from __future__ import annotations

import io

from odbctl.commands.output.progress import ProgressLine
from odbctl.commands.session import Terminal
from odbctl.engine.api.results import Progress


def test_off_a_terminal_each_change_is_a_line() -> None:
    stream = io.StringIO()
    with ProgressLine(Terminal(stream, None, False), "hello") as tell:
        tell(Progress(0, 2, "starting"))
        tell(Progress(2, 2, "running"))
    assert stream.getvalue() == "hello: starting 0/2\nhello: running 2/2\n"


def test_on_a_terminal_one_line_lives_and_is_erased() -> None:
    stream = io.StringIO()
    with ProgressLine(Terminal(stream, 80, False), "hello") as tell:
        tell(Progress(1, 2, "starting"))
    text = stream.getvalue()
    assert "\n" not in text
    assert "━" * 10 + "─" * 10 in text
    assert text.endswith("\r\x1b[K")
