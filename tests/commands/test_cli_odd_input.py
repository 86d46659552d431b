"""Odd input has clear errors: never a crash report."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runner import odbctl
from stocked_home import stock

from odbctl.cli import main
from odbctl.commands.parsing.environment_options import read_environment
from odbctl.config import PROJECT_FILE, load_settings
from odbctl.engine.managers.host import HostSettings
from odbctl.errors import UsageError
from odbctl.paths import Home

HUGE = "100000000000000000000"  # 10^20


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("service", "show", "\udcff"), 2),
        (("codebase", "add", "main", "--repo", "/tmp/\udcff"), 2),
        (("service", "create", "x", "--class", "a:b", "--codebase", "c", "--env", "A=\udcff"), 2),
        (("codebase", "add", "main", "--repo", "x" * 5000), 2),
        (("codebase", "add", "main", "--repo", "~nobody-of-that-name/x"), 2),
        (("db", "backup", "x" * 5000), 2),
        (("db", "show", HUGE), 4),
        (("db", "show", "9" * 5000), 4),
        (("db", "show", "\u00b2"), 4),
        (("db", "list", "core.Service", "-n", HUGE), 0),
        (("event", "list", "-n", HUGE), 0),
        (("logs", "hello", "-n", HUGE), 0),
        (("service", "scale", "hello", HUGE), 2),
        (("service", "set", "hello", "--cores", "nan"), 2),
        (("service", "set", "hello", "--cores", "-1"), 2),
        (("service", "set", "hello", "--ram-gb", "inf"), 2),
        (("service", "set", "hello", "--cpu-limit", "1e300"), 2),
        (("manager", "run", "--host", "a/b"), 2),
        (("manager", "run", "--host", "../x"), 2),
        (("manager", "start", "--host", "a\nb"), 2),
        (("manager", "start", "--host", "x" * 300), 2),
        (("manager", "start", "--host", ""), 2),
        (("manager", "start", "--cores", "nan"), 2),
        (("manager", "start", "--ram-gb", "-1"), 2),
        (("metrics", "--listen", "127.0.0.1:\u00b2"), 2),
        (("metrics", "--listen", f"unix:/tmp/{'x' * 300}"), 7),
    ],
)
def test_odd_words_have_clear_errors(
    words: tuple[str, ...], code: int, home: Home, capsys: pytest.CaptureFixture[str],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    stock(home)
    monkeypatch.chdir(tmp_path)
    found = main(list(words))
    error = capsys.readouterr().err
    assert (found, "defect" in error) == (code, False), error
    assert len(error) < 1000
    assert not home.crashes.exists()


def test_odd_bytes_of_a_command_line_are_refused(home: Home) -> None:
    words = [os.fsencode(sys.executable), b"-m", b"odbctl", b"service", b"show", b"\xff"]
    done = subprocess.run(words, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"is not UTF-8 text" in done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a = " + b"[" * 100_000, "nested too deeply"),
        (b"\xff\xfe", "codec can't decode"),
        (b"# " + b"x" * 3_000_000, "longer than 1,000,000 bytes"),
        (b"[settings]\noutput = 1e400", "no output 'inf'"),
        (b"[settings]\ntimeout_seconds = " + b"9" * 5000, "cannot read"),
    ],
)
def test_odd_settings_files_are_refused(text: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / PROJECT_FILE).write_bytes(text)
    with pytest.raises(UsageError, match=message) as caught:
        load_settings({}, {}, str(tmp_path))
    assert len(caught.value.message) < 1000


def test_a_variable_that_no_program_can_have_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text(f"A=1\nBIG={'x' * 3_000_000}\n")
    with pytest.raises(UsageError, match=f"{file}:2: the value of BIG is longer than 130,000"):
        read_environment((), str(file))


def test_a_file_of_headers_that_is_no_text_is_refused(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "headers"
    file.write_bytes(b"A: \xff\n")
    ran = odbctl("hook", "add", "x", "--url", "http://h/", "--header-file", str(file))
    assert (ran.code, "is not UTF-8 text" in ran.err) == (2, True), ran


def test_a_repository_whose_path_is_no_text_is_refused(home: Home, tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/\xff"
    os.mkdir(folder)
    subprocess.run(["git", "init", "--quiet", "."], cwd=folder, check=True)
    words = [sys.executable, "-m", "odbctl", "codebase", "add", "HEAD"]
    done = subprocess.run(words, cwd=folder, capture_output=True, check=False, text=True)
    assert (done.returncode, "is not UTF-8 text" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize("name", ["local", "big one", "\u00e9", "a.b-c_d", "x" * 63])
def test_sensible_host_names_are_taken(name: str) -> None:
    assert HostSettings(name=name).name == name
