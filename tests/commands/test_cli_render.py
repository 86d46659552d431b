from __future__ import annotations

import json
import subprocess
import sys

import pytest
from cli_runner import odbctl
from stocked_home import COMMIT, stock

from odbctl.commands.output.render import safe_json
from odbctl.commands.output.stream_lines import log_line
from odbctl.commands.output.views import fields
from odbctl.commands.session import Terminal
from odbctl.paths import Home

EVIL = "\x1b]0;owned\x07 \x9b2J \u202e"


@pytest.mark.parametrize("noun", ["service", "instance", "codebase", "host", "event", "manager"])
def test_an_empty_home_gives_empty_lists(noun: str, home: Home) -> None:
    del home
    verb = "status" if noun == "manager" else "list"
    ran = odbctl(noun, verb, "-o", "json")
    assert ran.json == []
    plain = odbctl(noun, verb)
    assert plain.out == ""
    assert plain.err != ""


def test_every_format_shows_the_same_service(home: Home) -> None:
    stock(home)
    (document,) = odbctl("service", "list", "-o", "json").json
    assert (document["kind"], document["version"]) == ("service", 1)
    assert document["codebase"] == {"name": "app", "ref": "main", "commit": COMMIT}
    assert odbctl("service", "list", "-o", "name").out == "hello\n"
    head, row = odbctl("service", "list").out.splitlines()
    assert head.split()[:3] == ["NAME", "STATE", "READY"]
    assert row.split()[:3] == ["hello", "stopped", "0/0"]
    assert "PLACEMENT" in odbctl("service", "list", "-o", "wide").out
    assert "- kind: service\n" in odbctl("service", "list", "-o", "yaml").out


@pytest.mark.parametrize("output", ["table", "wide", "json", "yaml", "name"])
@pytest.mark.parametrize("color", ["never", "always"])
def test_no_text_of_others_steers_the_terminal(output: str, color: str, home: Home) -> None:
    stock(home, subject=EVIL)
    ran = odbctl("codebase", "list", "-o", output, "--color", color)
    assert ran.code == 0, ran
    text = ran.out.replace("\x1b[", "", ran.out.count("\x1b[")) if color == "always" else ran.out
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)
    if output == "json":
        assert ran.json[0]["subject"] == EVIL


def test_show_leaves_out_what_is_empty_and_names_units(home: Home) -> None:
    stock(home)
    shown = odbctl("service", "show", "hello").out.partition("\n\n")[0]  # without instances
    rows = [line.partition(":") for line in shown.splitlines()]
    found = {name: text.strip() for name, _, text in rows}
    expected = {
        "move after": "1m",
        "stop grace": "10s",
        "log max": "10M",
        "log quota": "100M",
        "ram": "0",
        "paused": "no",
    }
    assert found.items() >= expected.items()
    assert not {"-", "[]", ""} & set(found.values())
    assert "hosts without manager" not in found
    document = odbctl("service", "show", "hello", "-o", "json").json
    assert (document["move_after_seconds"], document["log_quota_bytes"]) == (60.0, 100 * 2**20)
    assert document["hosts_without_manager"] == []


def test_units_of_fields_are_those_of_options() -> None:
    document = {
        "kind": "host",
        "ram_gb_reserved": 1.5,
        "timeout_seconds": 90.0,
        "rss_bytes": 16 * 2**20,
        "move_after_seconds": None,
        "hosts_without_manager": ["far", "near"],
        "reason": "",
    }
    assert fields(document) == [
        ("ram reserved", "1.5G"),
        ("timeout", "1m30s"),
        ("rss", "16M"),
        ("move after", "never"),
        ("hosts without manager", "far, near"),
    ]


def test_off_a_terminal_there_is_no_color(home: Home) -> None:
    stock(home)
    assert "\x1b" not in odbctl("service", "list").out
    assert "\x1b" in odbctl("service", "list", "--color", "always").out
    assert "\x1b" in odbctl("--color", "always", "service", "list").out


def test_json_of_a_list_has_an_object_on_each_line(home: Home) -> None:
    stock(home)
    ran = odbctl("event", "list", "-o", "json")
    assert len(ran.out.splitlines()) == len(ran.json)


def test_safe_json_reads_back_as_it_was() -> None:
    text = safe_json(json.dumps({"a": EVIL}, ensure_ascii=False))
    assert text.isprintable()
    assert json.loads(text) == {"a": EVIL}


def test_log_lines_lose_their_colors_and_keep_their_lines() -> None:
    record = {
        "at": 0.5,
        "instance": "hello-1",
        "level": "ERROR",
        "text": "\x1b[31mred\x1b[0m\n\ttraceback\x07",
    }
    line = log_line(record, Terminal(sys.stdout, None, False))
    assert line.endswith(".500 hello-1 ERROR red\n\ttraceback\\x07")


def test_text_that_the_locale_cannot_write_is_escaped(home: Home) -> None:
    stock(home, subject="日本")
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-m", "odbctl", "codebase", "list"],
        env={"PYTHONIOENCODING": "ascii", "ODBCTL_HOME": str(home.data), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"\\u65e5" in done.stdout
