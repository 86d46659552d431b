from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runner import odbctl

from odbctl.cli import main, wants_json
from odbctl.paths import Home

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize(
    ("words", "code", "text", "hint"),
    [
        (("sevice", "list"), 2, "no command 'sevice'", "odbctl service"),
        (("service", "strat"), 2, "no command 'strat'", "odbctl service start"),
        (("--bad",), 2, "no option '--bad'", "odbctl --help"),
        (("service", "start"), 2, "missing argument", "--all"),
        (("service", "show"), 2, "missing argument", "odbctl service show --help"),
        (("service", "list", "--bad"), 2, "no such option", "odbctl service list --help"),
        (("service", "list", "-o", "xml"), 2, "no output 'xml'", "json"),
        (("service", "show", "none"), 4, "no service 'none'", "odbctl service list"),
        (("status",), 3, "", ""),
        (("service", "start", "none"), 4, "no service 'none'", "hint"),
        (("instance", "show", "none-1"), 4, "no instance 'none-1'", ""),
        (("manager", "status"), 3, "", ""),
        (("completion", "tcsh"), 2, "no shell 'tcsh'", "bash"),
        (("logs", "x", "--since", "never"), 2, "neither a duration nor a time", "10m"),
    ],
)
def test_errors_have_their_code_and_a_hint(
    words: tuple[str, ...], code: int, text: str, hint: str
) -> None:
    ran = odbctl(*words)
    assert ran.code == code, ran
    assert text in ran.err
    assert hint in ran.err
    assert "Traceback" not in ran.err


def test_an_error_is_a_document_with_json() -> None:
    ran = odbctl("service", "show", "none", "-o", "json")
    assert ran.out == ""
    assert ran.error == {
        "kind": "error",
        "version": 1,
        "code": "not-found",
        "message": "no service 'none'",
        "hint": "odbctl service list",
        "exit_code": 4,
    }


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ps", "--json"], True),
        (["ps", "-o", "json"], True),
        (["ps", "-ojson"], True),
        (["ps", "--output=json"], True),
        (["service", "configure", "x", "--", "--json"], False),
        (["ps", "-o", "yaml"], False),
    ],
)
def test_json_is_noticed_in_words_that_make_no_sense(words: list[str], expected: bool) -> None:
    assert wants_json(words) is expected


def test_an_unforeseen_error_leaves_a_report_without_a_traceback(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise KeyError("surprise")

    monkeypatch.setattr("odbctl.commands.actions.reads.version", broken)
    assert main(["version"]) == 1
    shown = capsys.readouterr().err
    assert "unexpected KeyError" in shown
    assert "Traceback" not in shown
    (report,) = home.crashes.iterdir()
    assert str(report) in shown
    assert "KeyError: 'surprise'" in report.read_text()
    assert report.stat().st_mode & 0o077 == 0


def test_a_home_that_cannot_be_written_to_is_not_permitted(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("")
    ran = odbctl("ps", env={"ODBCTL_HOME": str(place / "home")})
    assert ran.code == 6, ran
    assert "cannot write to the home" in ran.err


def test_a_reader_that_has_gone_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "odbctl", "--help"],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no /dev/full")
@pytest.mark.parametrize("words", [["--help"], ["version"], ["service", "start", "--help"]])
def test_a_full_disk_is_told(words: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "odbctl", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "error: cannot write the output: No space left on device\n"


def test_removing_asks_and_without_a_terminal_names_the_flag(home: Home) -> None:
    from stocked_home import stock

    stock(home)
    ran = odbctl("service", "remove", "hello")
    assert ran.code == 2
    assert "--yes" in ran.err
    assert odbctl("service", "show", "hello").code == 0
    assert odbctl("service", "remove", "hello", "--dry-run").out.startswith("would remove")
    assert odbctl("service", "show", "hello").code == 0
    assert odbctl("service", "remove", "hello", "--yes").code == 0
    assert odbctl("service", "show", "hello").code == 4
