from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from odbctl.engine.codebases.interpreter import resolve_python
from odbctl.errors import UsageError


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_none_stands_for_ours() -> None:
    assert resolve_python(None) is None


def test_takes_an_interpreter_and_keeps_its_link(tmp_path: Path) -> None:
    link = tmp_path / "venv" / "bin" / "python"
    link.parent.mkdir(parents=True)
    link.symlink_to(sys.executable)
    assert resolve_python(str(link)) == str(link)
    assert resolve_python(str(tmp_path / "venv")) == str(link)


def test_takes_a_relative_path_and_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mypython").symlink_to(sys.executable)
    monkeypatch.chdir(tmp_path)
    assert resolve_python("./mypython") == str(tmp_path / "mypython")
    monkeypatch.chdir("/")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert resolve_python("mypython") == str(tmp_path / "mypython")


def test_refuses_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no interpreter"):
        resolve_python(str(tmp_path / "nothing"))
    with pytest.raises(UsageError, match="no interpreter"):
        resolve_python("no-such-command")
    with pytest.raises(UsageError, match="not a virtual environment"):
        resolve_python(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("echo '[[3, 10], true]'", "is Python 3.10"),
        ("echo '[[3, 12], false]'", "no sqlite3"),
        ("echo hello", "not a Python interpreter"),
        ("exit 3", "not a Python interpreter"),
    ],
)
def test_refuses_what_cannot_run_services(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        resolve_python(str(program(tmp_path / "python", text)))


def test_refuses_what_does_not_run(tmp_path: Path) -> None:
    plain = tmp_path / "python"
    plain.write_bytes(b"\x7fELF nonsense")
    with pytest.raises(UsageError, match="not executable"):
        resolve_python(str(plain))
    plain.chmod(0o755)
    with pytest.raises(UsageError, match="does not run"):
        resolve_python(str(plain))
