"""The quick way of a command and typer's way print the same and end the same."""

from __future__ import annotations

import os

import pytest
from stocked_home import stock

from odbctl.commands.output.render import render
from odbctl.commands.parsing import app
from odbctl.commands.quick import quick_result
from odbctl.commands.session import Session, set_session
from odbctl.config import load_settings
from odbctl.errors import OdbctlError
from odbctl.paths import Home

PLAIN: list[tuple[str | None, str, list[str]]] = [
    (None, "version", []),
    (None, "version", ["-o", "json"]),
    (None, "ps", []),
    (None, "ps", ["--all"]),
    (None, "ps", ["hello", "-a", "-o", "name"]),
    (None, "ps", ["none"]),
    (None, "ps", ["-a", "-q"]),
    ("service", "list", ["--quiet"]),
    ("service", "status", []),
    ("service", "status", ["hello", "--json"]),
    ("service", "status", ["hello"]),
    ("service", "status", ["hello", "-o", "wide"]),
    ("service", "status", ["none"]),
    ("service", "status", ["hello", "none"]),
    ("service", "status", ["h*"]),
    (None, "ps", ["hello", "none", "--json"]),
    ("service", "start", ["none", "nobody", "--json"]),
    ("service", "logs", []),
    ("service", "logs", ["hello-1", "--tail", "3"]),
    ("service", "list", ["--output", "yaml"]),
    ("service", "list", ["--color", "always"]),
    ("service", "start", ["none", "--count", "2"]),
    ("service", "stop", ["none", "-o", "json"]),
    ("instance", "list", ["-a", "-o", "json"]),
    ("service", "logs", ["hello"]),
    ("service", "logs", ["hello", "-n", "3", "--all", "-o", "json"]),
    ("service", "logs", ["none"]),
    ("service", "logs", ["hello", "--since", "1h", "-g", "["]),
    ("service", "logs", ["hello", "--since", "soon"]),
    ("service", "logs", ["hello", "--level", "warning", "--instance", "hello-1", "--until", "1s"]),
    ("service", "logs", ["hello", "-p"]),
    (None, "why", ["hello"]),
    (None, "why", ["none", "-o", "json"]),
]
NOT_PLAIN: list[tuple[str | None, str, list[str]]] = [
    ("service", "list", ["extra"]),
    (None, "ps", ["-o", "xml"]),
    (None, "ps", ["-o"]),
    (None, "ps", ["-q", "-o", "json"]),
    (None, "ps", ["--sort", "up"]),
    (None, "ps", ["--no-headers"]),
    ("service", "stop", ["hello", "-q"]),
    (None, "ps", ["-ojson"]),
    (None, "ps", ["--output=json"]),
    (None, "ps", ["--help"]),
    (None, "ps", ["--", "hello"]),
    (None, "ps", ["--home", "/x"]),
    (None, "version", ["--all"]),
    ("service", "start", ["hello", "--no-wait"]),
    ("service", "start", ["hello", "--count", "-1"]),
    ("service", "start", ["hello", "--count"]),
    ("service", "stop", ["hello", "--timeout", "3"]),
    ("service", "stop", ["hello", "--count", "3"]),
    ("service", "logs", ["hello", "-n", "-1"]),
    ("service", "logs", ["hello", "--grep"]),
    ("service", "logs", ["hello", "--grep", "-x"]),
    ("service", "logs", ["hello", "-n3"]),
    (None, "why", ["hello", "--all"]),
]


def _session() -> Session:
    session = Session(load_settings({}, os.environ, None))
    set_session(session)
    return session


def _outcome(noun: str | None, name: str, words: list[str], *, quick: bool) -> object:
    session = _session()
    try:
        found = quick_result(noun, name, words, session) if quick else None
        assert quick == (found is not None)
        result = found or app.run(noun, name, words)
        return render(result, session)
    except OdbctlError as error:
        return error.code, error.message, error.hint


@pytest.mark.parametrize(("noun", "name", "words"), PLAIN)
def test_both_ways_agree(
    noun: str | None,
    name: str,
    words: list[str],
    home: Home,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stock(home)
    quick = _outcome(noun, name, words, quick=True), *capsys.readouterr()
    slow = _outcome(noun, name, words, quick=False), *capsys.readouterr()
    assert quick == slow


@pytest.mark.parametrize(("noun", "name", "words"), NOT_PLAIN)
def test_anything_else_is_left_to_typer(
    noun: str | None, name: str, words: list[str], home: Home
) -> None:
    stock(home)
    assert quick_result(noun, name, words, _session()) is None
