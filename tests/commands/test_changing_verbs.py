"""`scale` by a difference, and `set`, `enable`, `disable` of services, hooks and hosts."""

from __future__ import annotations

import pytest
from cli_runner import odbctl
from stocked_home import stock

from odbctl.engine.api.engine import Engine
from odbctl.engine.managers.host import HostSettings, record_host_up
from odbctl.engine.model.core import Service
from odbctl.paths import Home


@pytest.fixture
def stocked(home: Home) -> Home:
    stock(home)
    with Engine.open(home) as engine, engine.db.transaction():
        for service in Service.lookup_all():
            service.desired_count = 2
    return home


@pytest.mark.parametrize(
    ("words", "count"),
    [(("+3",), 5), (("-1",), 1), (("--", "-2"), 0), (("7",), 7), (("+0",), 2)],
)
def test_scale_takes_a_number_or_a_difference(
    words: tuple[str, ...], count: int, stocked: Home
) -> None:
    del stocked
    ran = odbctl("scale", "hello", "--no-wait", "--json", *words)
    odbctl("manager", "stop", "--with-services")
    assert ran.code == 0, ran
    assert ran.json["desired_count"] == count


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("-3", "has a desired count of 2, which cannot change by -3"),
        ("+9999", "cannot change by +9999"),
        ("many", "'many' is not a number"),
        ("--bogus", "'--bogus' is not a number"),
        ("1.5", "is not a number"),
        ("10001", "from 0 to 10000"),
    ],
)
def test_a_count_that_makes_no_sense_is_refused(word: str, text: str, stocked: Home) -> None:
    del stocked
    ran = odbctl("scale", "hello", word)
    assert ran.code == 2
    assert text in ran.err
    assert odbctl("service", "show", "hello", "--json").json["desired_count"] == 2


def test_set_without_anything_to_set_is_refused(stocked: Home) -> None:
    del stocked
    for noun, name in (("service", "hello"), ("host", "local")):
        ran = odbctl(noun, "set", name)
        assert ran.code == 2
        assert "nothing to change" in ran.err


def test_supervision_is_set_without_a_release(stocked: Home) -> None:
    del stocked
    ran = odbctl("service", "set", "hello", "--stop-grace", "1m", "--json")
    assert ran.json["action"] == "set"
    assert ran.json["release"] == 1
    assert odbctl("service", "history", "hello", "-q").out.split() == ["1"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--memory-limit 200M --cpu-limit 1.5", "memory limit: none -> 200M; cpu limit: 0 -> 1.5"),
        ("--readiness tcp:8080", "readiness: none -> tcp:8080"),
        (
            "--liveness health --probe-period 2m",
            "liveness: none -> health; probe period: 10s -> 2m",
        ),
        ("--port auto --depends-on none", "port: none -> auto"),
        ("--on-unhealthy report", "on unhealthy: replace -> report"),
        ("--log-max-size 1.5M", "log max size: 10M -> 1536K"),
        ("--move-after 90", "move after: 1m -> 1m30s"),
    ],
)
def test_set_reports_options_with_old_and_new_value(
    words: str, expected: str, stocked: Home
) -> None:
    del stocked
    ran = odbctl("service", "set", "hello", *words.split())
    assert ran.out == f"set service hello: {expected}\n", ran
    assert odbctl("event", "list", "--json").json[-1]["message"] == expected


def test_a_removed_probe_is_reported_without_its_times(stocked: Home) -> None:
    del stocked
    assert odbctl("service", "set", "hello", "--liveness", "health", "--probe-period", "2m").out
    ran = odbctl("service", "set", "hello", "--liveness", "none")
    assert ran.out == "set service hello: liveness: health -> none\n"


def test_a_time_of_one_of_two_probes_counts_as_a_change(stocked: Home) -> None:
    del stocked
    odbctl("service", "set", "hello", "--readiness", "tcp:1", "--probe-period", "3s")
    odbctl("service", "set", "hello", "--liveness", "health")
    ran = odbctl("service", "set", "hello", "--probe-period", "3s")
    assert ran.out == "set service hello: probe period: 3s and 10s -> 3s\n"


def test_hosts_and_hooks_report_options_with_old_and_new_value(stocked: Home) -> None:
    del stocked
    odbctl("host", "set", "local", "--cores", "4")
    ran = odbctl("host", "set", "local", "--cores", "2", "--max-instances", "20")
    assert ran.out == "set host local: cores: 4 -> 2; max instances: none -> 20\n"
    odbctl("hook", "add", "mail", "--", "mail", "me")
    ran = odbctl("hook", "set", "mail", "--debounce", "5m", "--", "mail", "--token", "x1y2z3")
    assert ran.out == (
        "set hook mail: command: mail me -> mail --token '********'; debounce: 10s -> 5m\n"
    )


def test_a_configuration_that_fails_says_what_took_effect(stocked: Home) -> None:
    del stocked
    ran = odbctl("service", "set", "hello", "greeting=x", "--stop-grace", "1m")
    assert ran.code != 0
    assert (
        "stop grace: 10s -> 1m (set without a restart); the configuration is unchanged" in ran.err
    )


def test_a_hook_is_changed_disabled_and_enabled(home: Home) -> None:
    del home
    assert odbctl("hook", "add", "mail", "--level", "error", "--", "true").code == 0
    changed = odbctl("hook", "set", "mail", "--debounce", "5m", "--reason", "crashed", "--json")
    assert (changed.json["action"], changed.json["debounce_seconds"]) == ("set", 300.0)
    assert (changed.json["reasons"], changed.json["level"]) == (["crashed"], "error")
    assert odbctl("hook", "set", "mail", "--reason", "", "--json").json["reasons"] == []
    assert odbctl("hook", "set", "mail", "--level", "error", "--json").json["action"] == "unchanged"
    page = odbctl("hook", "set", "mail", "--url", "https://example.org/x", "--json").json
    assert (page["url"], page["command"]) == ("https://example.org/x", [])
    assert odbctl("hook", "set", "mail", "--json", "--", "false").json["command"] == ["false"]
    assert odbctl("hook", "disable", "mail", "--json").json["enabled"] is False
    assert odbctl("hook", "disable", "mail", "--json").json["action"] == "unchanged"
    assert odbctl("hook", "enable", "mail", "--json").json["enabled"] is True
    assert odbctl("hook", "rm", "mail", "--yes").code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("mail",),
        ("mail", "--url", "ftp://example.org"),
        ("mail", "--level", "loud"),
        ("mail", "--timeout", "0"),
        ("nobody", "--level", "info"),
    ],
)
def test_a_wrong_change_of_a_hook_changes_nothing(words: tuple[str, ...], home: Home) -> None:
    del home
    odbctl("hook", "add", "mail", "--", "true")
    before = odbctl("hook", "show", "mail", "--json").json
    ran = odbctl("hook", "set", *words, "--json")
    assert ran.code == (4 if words[0] == "nobody" else 2)
    assert bool(ran.error["hint"]) is (words[0] != "nobody")
    assert odbctl("hook", "show", "mail", "--json").json == before


def test_host_settings_outlive_a_start_of_its_manager(stocked: Home) -> None:
    changed = odbctl("host", "set", "local", "--placement", "Workers", "--max-instances", "7")
    assert changed.code == 0, changed
    assert odbctl("host", "set", "local", "--cores", "2.5", "--json").json["cores"] == 2.5
    with Engine.open(stocked) as engine, engine.db.transaction():
        record_host_up(
            HostSettings(placement="Master", max_instances=3),
            strategy="subprocess",
            start_method=None,
            limits_held_by="",
            is_kept=False,
        )
    found = odbctl("host", "show", "local", "--json").json
    assert (found["placement"], found["cores"], found["max_instances"]) == ("Workers", 2.5, 7)
    assert odbctl("host", "set", "local", "--max-instances", "none").code == 0
    assert odbctl("host", "show", "local", "--json").json["max_instances"] is None
    assert odbctl("host", "set", "local", "--max-instances", "few").code == 2


def test_a_host_is_disabled_and_enabled(stocked: Home) -> None:
    del stocked
    assert odbctl("host", "disable", "local", "--json").json["action"] == "draining"
    assert odbctl("host", "disable", "local", "--json").json["action"] == "unchanged"
    assert odbctl("host", "enable", "local", "--json").json["action"] == "undrained"
