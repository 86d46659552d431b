"""The JSON documents have the fields that scripts rely on."""

from __future__ import annotations

import pytest
from cli_runner import odbctl
from stocked_home import stock

from odbctl.paths import Home

FIELDS: dict[tuple[str, ...], set[str]] = {
    ("service", "list"): {
        *("kind", "version", "name", "state", "reason", "desired_count", "running_count"),
        *("ready_count", "codebase", "class", "placement", "cores", "ram_gb", "restart"),
        *("restarts", "release", "lock", "instances"),
    },
    ("ps", "--all"): {
        *("kind", "version", "id", "service", "host", "state", "ready", "pid", "commit"),
        *("release", "started_at", "running_at", "ended_at", "exit", "cpu_percent"),
        *("rss_bytes", "log"),
    },
    ("codebase", "list"): {
        *("kind", "version", "name", "repo", "ref", "commit", "added_at", "path", "state"),
        *("environment", "used_by"),
    },
    ("host", "list"): {
        *("kind", "version", "name", "placement", "state", "cores", "cores_reserved"),
        *("ram_gb", "ram_gb_reserved", "instances", "last_seen_at"),
    },
    ("manager", "status"): {"kind", "version", "host", "strategy", "state", "pid", "started_at"},
    ("event", "list"): {
        *("kind", "version", "at", "level", "object", "reason", "message", "actor", "release"),
    },
    ("service", "history", "hello"): {"kind", "version", "service", "number", "outcome"},
    ("doctor",): {"kind", "version", "name", "ok", "message", "hint"},
    ("config", "show"): {"kind", "version", "name", "value", "origin"},
}


@pytest.mark.parametrize("words", FIELDS)
def test_lists_hold_documents_with_their_fields(words: tuple[str, ...], home: Home) -> None:
    stock(home)
    found = odbctl(*words, "--json").json
    assert found
    for document in found:
        assert document.keys() >= FIELDS[words]
        assert document["version"] == 1


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("service", "show", "hello"), "service"),
        (("service", "status", "hello"), "service"),
        (("instance", "show", "hello-1"), "instance"),
        (("codebase", "show", "app"), "codebase"),
        (("host", "show", "local"), "host"),
        (("why", "hello"), "why"),
        (("version",), "version"),
        (("service", "lock", "hello"), "service"),
        (("service", "reset", "hello"), "service"),
        (("service", "remove", "hello", "--dry-run"), "service"),
        (("host", "drain", "local"), "host"),
    ],
)
def test_single_things_are_objects_of_their_kind(
    words: tuple[str, ...], kind: str, home: Home
) -> None:
    stock(home)
    assert odbctl(*words, "--json").json["kind"] == kind


@pytest.mark.parametrize("words", [("ps", "--all"), ("service", "show", "hello"), ("why", "hello")])
@pytest.mark.parametrize("output", ["table", "wide", "yaml", "name"])
def test_every_format_prints_something(words: tuple[str, ...], output: str, home: Home) -> None:
    stock(home)
    ran = odbctl(*words, "-o", output)
    assert ran.code == 0, ran
    assert ran.out.strip()
