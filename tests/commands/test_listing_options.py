"""`-q`, `--no-headers`, `--sort` and `--filter` of lists; `-o` that is never ignored; durations."""

from __future__ import annotations

import json
import re
import time

import pytest
from cli_runner import odbctl
from stocked_home import stock

from odbctl.commands.catalog import UNFORMATTED
from odbctl.config import OUTPUTS
from odbctl.engine.api.engine import Engine
from odbctl.engine.model.core import Service
from odbctl.paths import Home

AGE = re.compile(r"\b\d+s\b|\d+\.\d+")  # passes on between two commands


@pytest.fixture
def services(home: Home) -> Home:
    now = time.time()
    with Engine.open(home) as engine, engine.db.transaction():
        found = (
            Service(name="api-10", created_at=now - 10, restarts=3, placement="Workers"),
            Service(name="api-9", created_at=now - 500, restarts=20),
            Service(name="web", created_at=now - 60, restarts=0, placement="Workers"),
        )
        for service, seconds in zip(found, (10.25, 10.3, 9.5), strict=True):
            service.stop_grace_seconds = seconds
        found[2].time_zone = "UTC"
    return home


def _names(*words: str) -> list[str]:
    ran = odbctl("ls", *words, "-q")
    assert ran.code == 0, ran
    return ran.out.split()


def test_quiet_prints_names_only(services: Home) -> None:
    del services
    assert odbctl("ls", "-q").out == "api-10\napi-9\nweb\n"
    assert odbctl("status", "--quiet").out == "api-10\napi-9\nweb\n"
    assert odbctl("ps", "-q").out == ""


def test_no_headers_leaves_the_rows(services: Home) -> None:
    del services
    whole = odbctl("ls").out.splitlines()
    bare = odbctl("ls", "--no-headers").out.splitlines()
    assert [line.split() for line in bare] == [line.split() for line in whole[1:]]


@pytest.mark.parametrize(
    ("column", "names"),
    [
        ("restarts", ["web", "api-10", "api-9"]),
        ("-RESTARTS", ["api-9", "api-10", "web"]),
        ("name", ["api-9", "api-10", "web"]),
        ("age", ["api-10", "web", "api-9"]),
        ("created_at", ["api-9", "web", "api-10"]),
        ("desired_count", ["api-10", "api-9", "web"]),
        ("stop_grace_seconds", ["web", "api-10", "api-9"]),  # by number, not as text
        ("time_zone", ["web", "api-10", "api-9"]),  # those without a value are last
        ("-time_zone", ["web", "api-10", "api-9"]),
    ],
)
def test_lists_are_sorted_by_a_column_or_a_field(
    column: str, names: list[str], services: Home
) -> None:
    del services
    assert _names("--sort", column) == names


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (["placement=Workers"], ["api-10", "web"]),
        (["PLACEMENT=workers", "name=api-*"], ["api-10"]),
        (["name!=api-*"], ["web"]),
        (["restarts=20"], ["api-9"]),
        (["state=stopped"], ["api-10", "api-9", "web"]),
        (["singleton=false", "restarts=3"], ["api-10"]),
        (["state=running"], []),
        (["time_zone="], ["api-10", "api-9"]),
        (["memory_limit_bytes=", "name=web"], ["web"]),
    ],
)
def test_lists_are_filtered(filters: list[str], names: list[str], services: Home) -> None:
    del services
    words = [word for text in filters for word in ("--filter", text)]
    assert _names(*words) == names
    assert [d["name"] for d in odbctl("ls", *words, "--json").json] == names


def test_a_filter_that_leaves_nothing_says_so(services: Home) -> None:
    del services
    ran = odbctl("ls", "--filter", "name=x")
    assert ran.code == 0
    assert "nothing matches name=x" in ran.out + ran.err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--sort", "colour"), "no column 'colour'"),
        (("--filter", "colour=red"), "no column 'colour'"),
        (("--filter", "name"), "not KEY=VALUE"),
    ],
)
def test_unknown_columns_are_refused(words: tuple[str, ...], text: str, services: Home) -> None:
    del services
    error = odbctl("ls", *words, "--json").error
    assert text in error["message"]
    assert error["hint"]


@pytest.mark.parametrize(
    "words",
    [
        ("ls", "-o=json"),
        ("ls", "-ojson"),
        ("-o=json", "ls"),
        ("-ojson", "ls"),
        ("ls", "--output=json"),
        ("service", "runs", "hello", "-o=json"),
    ],
)
def test_formats_may_be_joined_to_their_option(words: tuple[str, ...], home: Home) -> None:
    stock(home)
    assert isinstance(odbctl(*words).json, list)


@pytest.mark.parametrize("output", OUTPUTS)
def test_every_format_may_be_joined_to_its_option(output: str, home: Home) -> None:
    stock(home)
    joined, apart = odbctl("ls", f"-o={output}").out, odbctl("ls", "-o", output).out
    assert AGE.sub("AGE", joined) == AGE.sub("AGE", apart)


def test_words_behind_two_dashes_are_no_formats(home: Home) -> None:
    del home
    assert odbctl("hook", "add", "mail", "--", "echo", "-o=json", "-ojson").code == 0
    assert odbctl("hook", "show", "mail", "--json").json["command"] == ["echo", "-o=json", "-ojson"]


def test_a_joined_format_that_does_not_exist_is_refused(home: Home) -> None:
    del home
    ran = odbctl("ls", "-o=xml")
    assert ran.code == 2
    assert "'xml'" in ran.err


@pytest.mark.parametrize(("noun", "name"), sorted(UNFORMATTED, key=str))
@pytest.mark.parametrize("place", ["before", "behind"])
def test_commands_without_formats_refuse_them(
    noun: str | None, name: str, place: str, home: Home
) -> None:
    del home
    words = [*filter(None, (noun, name))]
    ran = odbctl("-o", "json", *words) if place == "before" else odbctl(*words, "-o", "json")
    assert ran.code == 2, ran
    assert "does not support output formats" in ran.error["message"]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("config", "path"), "path"),
        (("manager", "install", "--print"), "unit"),
        (("manager", "install", "--init"), "unit"),
        (("--version",), "version"),
    ],
)
def test_texts_have_documents(words: tuple[str, ...], kind: str, home: Home) -> None:
    del home
    found = odbctl(*words, "-o", "json").json
    assert (found[0] if isinstance(found, list) else found)["kind"] == kind


def test_the_log_of_a_manager_has_documents(home: Home) -> None:
    stock(home)
    (home.logs / "manager-local.log").write_text("one\ntwo\n")
    lines = odbctl("manager", "logs", "--tail", "1", "-o", "json").json
    assert [line["text"] for line in lines] == ["two"]


@pytest.mark.parametrize("text", ["5m", "1h30m", "10", "0.5"])
@pytest.mark.parametrize(
    "words",
    [
        ("stop", "hello", "--timeout"),
        ("service", "set", "hello", "--stop-grace"),
        ("service", "set", "hello", "--probe-period"),
    ],
)
def test_durations_are_taken_wherever_seconds_are(
    words: tuple[str, ...], text: str, home: Home
) -> None:
    stock(home)
    ran = odbctl(*words, text)
    assert ran.code == 0, ran


def test_a_duration_is_stored_in_seconds(home: Home) -> None:
    stock(home)
    assert odbctl("service", "set", "hello", "--stop-grace", "1m30s").code == 0
    assert odbctl("service", "show", "hello", "--json").json["stop_grace_seconds"] == 90.0


def test_the_time_limit_of_the_settings_may_have_units(home: Home) -> None:
    stock(home)
    assert odbctl("stop", "hello", env={"ODBCTL_TIMEOUT_SECONDS": "5m"}).code == 0
    ran = odbctl("stop", "hello", "--json", env={"ODBCTL_TIMEOUT_SECONDS": "soon"})
    assert ran.code == 2
    assert "not a duration" in json.loads(ran.err)["message"]
