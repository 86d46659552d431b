"""Short forms, several names at a time, and suggestions for unknown words."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from cli_runner import odbctl
from stocked_home import stock

from odbctl.engine.api.engine import Engine
from odbctl.engine.model.core import Service
from odbctl.paths import Home


def _add_services(home: Home, *names: str) -> None:
    with Engine.open(home) as engine, engine.db.transaction():
        for name in names:
            Service(name=name, created_at=time.time())


def _write_log(home: Home, service: str, instance: str, *texts: str) -> None:
    folder = home.logs / service
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{instance}.log").write_text("".join(texts))


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("sevice",), "odbctl service"),
        (("create",), "odbctl service create"),
        (("show",), "odbctl service show"),
        (("list",), "odbctl service list"),
        (("remove",), "odbctl service remove"),
        (("drain",), "odbctl host drain"),
        (("figures",), "odbctl instance figures"),
        (("add",), "odbctl codebase add or odbctl hook add"),
        (("reboot", "x"), "odbctl restart"),
        (("undo",), "odbctl rollback"),
        (("services",), "odbctl service list"),
        (("hosts", "show", "local"), "odbctl host show"),
        (("stauts",), "odbctl status"),
        (("restrat",), "odbctl restart"),
        (("bananas",), "odbctl --help"),
        (("service", "reboot", "x"), "odbctl service restart"),
        (("service", "delete", "x"), "odbctl service remove"),
        (("service", "scael", "x"), "odbctl service scale"),
        (("host", "restart"), "odbctl host --help"),
        (("codebase", "describe"), "odbctl codebase show"),
        (("configure",), "odbctl service configure"),
        (("check",), "odbctl db check"),
        (("host", "top"), "odbctl tui"),
    ],
)
def test_unknown_words_suggest_the_command_that_was_meant(
    words: tuple[str, ...], hint: str, home: Home
) -> None:
    del home
    error = odbctl("--json", *words).error
    assert error["code"] == "usage"
    assert error["hint"] == hint


@pytest.mark.parametrize(
    "words",
    [
        ("ls",),
        ("service", "ls"),
        ("status",),
        ("codebase", "ls"),
        ("host", "ls"),
        ("hook", "ls"),
        ("event", "ls"),
    ],
)
def test_short_forms_list(words: tuple[str, ...], home: Home) -> None:
    stock(home)
    ran = odbctl(*words, "--json")
    assert ran.code == (3 if words == ("status",) else 0)
    assert isinstance(ran.json, list)


def test_several_names_and_patterns_are_stopped_and_failures_make_it_partly_done(
    home: Home,
) -> None:
    _add_services(home, "api-1", "api-2", "web")
    ran = odbctl("stop", "api-*", "web", "nobody", "--json")
    assert ran.code == 8
    assert [(d["kind"], d["name"]) for d in ran.json] == [
        ("service", "api-1"),
        ("service", "api-2"),
        ("service", "web"),
        ("error", "nobody"),
    ]
    error = json.loads(ran.err.splitlines()[-1])
    assert (error["code"], error["exit_code"]) == ("partly-done", 8)


def test_each_result_is_printed_for_people(home: Home) -> None:
    _add_services(home, "api-1", "api-2")
    ran = odbctl("service", "stop", "api-1", "nobody", "api-2")
    assert ran.code == 8
    assert [line.split(":")[0] for line in ran.out.splitlines()] == ["unchanged"] * 2
    assert "api-1" in ran.out
    assert "api-2" in ran.out
    assert "no service 'nobody'" in ran.err


@pytest.mark.parametrize("words", [("api-1", "api-1"), ("api-*", "api-1"), ("api-1", "api-?")])
def test_a_service_that_is_named_twice_is_changed_once(words: tuple[str, ...], home: Home) -> None:
    _add_services(home, "api-1")
    ran = odbctl("stop", *words, "--json")
    assert ran.code == 0
    assert [d["name"] for d in ran.json] == ["api-1"]


def test_several_failures_of_one_kind_have_its_exit_code(home: Home) -> None:
    _add_services(home, "web")
    assert odbctl("stop", "nobody", "no-one").code == 4


def test_all_stands_for_every_service(home: Home) -> None:
    _add_services(home, "api-1", "web")
    assert [d["name"] for d in odbctl("stop", "--all", "--json").json] == ["api-1", "web"]
    removed = odbctl("rm", "--all", "--yes", "--json")
    assert removed.code == 0
    assert [(d["name"], d["action"]) for d in removed.json] == [
        ("api-1", "removed"),
        ("web", "removed"),
    ]
    assert odbctl("ls", "--json").json == []
    assert odbctl("stop", "--all", "--json").json == []


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "rm"])
def test_a_change_needs_a_name_or_all(verb: str, home: Home) -> None:
    stock(home)
    ran = odbctl(verb, "--yes") if verb == "rm" else odbctl(verb)
    assert ran.code == 2
    assert "--all" in ran.err
    assert odbctl(verb, "hello", "--all").code == 2


def test_a_pattern_that_matches_nothing_is_not_found(home: Home) -> None:
    stock(home)
    ran = odbctl("stop", "web-*", "--json")
    assert ran.code == 4
    assert ran.error["message"] == "no service 'web-*'"


def test_one_name_keeps_its_single_document(home: Home) -> None:
    stock(home)
    assert odbctl("stop", "hello", "--json").json["name"] == "hello"
    assert odbctl("status", "hello", "--json").json["name"] == "hello"


def test_ps_and_status_of_several_names(home: Home) -> None:
    stock(home)
    _add_services(home, "web")
    listed = odbctl("ps", "hello", "web", "--all", "--json")
    assert [d["id"] for d in listed.json] == ["hello-1"]
    assert [d["name"] for d in odbctl("status", "*", "--json").json] == ["hello", "web"]
    partly = odbctl("status", "hello", "nobody", "--json")
    assert partly.code == 8
    assert [d["name"] for d in partly.json] == ["hello"]
    assert partly.error["code"] == "not-found"


def test_removing_several_asks_once_and_names_them(home: Home) -> None:
    _add_services(home, "api-1", "api-2")
    ran = odbctl("rm", "api-*")
    assert ran.code == 2
    assert "api-1, api-2" in ran.err
    dry = odbctl("rm", "api-*", "--dry-run", "--json").json
    assert [d["action"] for d in dry] == ["would remove"] * 2
    assert len(odbctl("ls", "--json").json) == 2


def test_logs_without_a_name_merge_all_services(home: Home) -> None:
    stock(home)
    _add_services(home, "web")
    _write_log(home, "hello", "hello-1", "2026-11-23T23:14:05.123Z INFO stdout one\n")
    _write_log(home, "web", "web-1", "2026-11-23T23:14:06.123Z INFO stdout two\n")
    _write_log(home, "hello", "hello-2", "2026-11-23T23:14:07.123Z INFO stdout three\n")

    def texts(*words: str) -> list[str]:
        ran = odbctl("logs", *words, "--all", "-o", "json")
        assert ran.code == 0, ran
        return [json.loads(line)["text"] for line in ran.out.splitlines()]

    assert texts() == ["one", "two", "three"]
    assert texts("hello") == ["one", "three"]
    assert texts("h*", "web") == ["one", "two", "three"]
    assert texts("--tail", "1") == ["three"]


def test_logs_without_records_say_what_is_the_case(home: Home) -> None:
    def said(*words: str) -> tuple[int, str, str]:
        ran = odbctl("logs", *words)
        return ran.code, ran.out, ran.err

    assert said() == (0, "", "no services: odbctl service create --help\n")
    assert said("--json") == (0, "", "")
    _add_services(home, "api")
    assert said() == (0, "", "no log records: odbctl service status\n")
    assert said("--tail", "0") == (0, "", "")
    _write_log(home, "api", "api-1", "2026-11-23T10:00:00.000Z INFO stdout one\n")
    assert said("--all", "--grep", "two") == (0, "", "no matching log records\n")
    assert said("--all", "--since", "1s") == (0, "", "no matching log records\n")


def test_logs_of_an_instance_by_its_own_name(home: Home) -> None:
    stock(home)
    _write_log(home, "hello", "hello-1", "2026-11-23T23:14:05.123Z INFO stdout one\n")
    _write_log(home, "hello", "hello-2", "2026-11-23T23:14:06.123Z INFO stdout two\n")
    ran = odbctl("logs", "hello-1", "-o", "json")
    assert [json.loads(line)["text"] for line in ran.out.splitlines()] == ["one"]
    missing = odbctl("logs", "nobody-1", "-o", "json")
    assert missing.code == 4


def test_the_home_flag_and_short_forms_go_together(tmp_path: Path) -> None:
    ran = odbctl("--home", str(tmp_path / "home"), "ls", "--json")
    assert ran.json == []
