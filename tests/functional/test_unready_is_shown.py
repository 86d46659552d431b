"""A service none of whose instances is ready looks healthy nowhere."""

from __future__ import annotations

from typing import Any

import pytest
from cli_runner import odbctl
from real_world import World
from waiting import eventually

NEVER_READY = """
class Svc(ServiceBase):
    def health(self):
        from odbctl import Health
        return Health(is_healthy=False, message="no beans")
"""
OPTIONS: dict[str, Any] = {"probe_period_seconds": 0.1, "start_grace_seconds": 0.3}


@pytest.fixture
def unready(world: World) -> World:
    """Return a world whose service runs and is not ready, after its start grace."""
    world.service(NEVER_READY, **OPTIONS)
    world.start(count=2)
    world.wait(lambda: [i["health"] for i in world.instances()] == ["no beans"] * 2)
    eventually(lambda: world.status()["state"] == "degraded")  # the grace ends without a commit
    return world


def columns(text: str) -> list[dict[str, str]]:
    """Return the rows of a table by column, whose texts have no gap of two blanks inside."""
    head, *rows = [line for line in text.splitlines() if line]
    starts = [(head.index(name), name) for name in head.split()]
    ends = [at for at, _ in starts[1:]] + [None]
    return [
        {name: row[at:end].strip() for (at, name), end in zip(starts, ends, strict=True)}
        for row in rows
    ]


def test_instances_say_that_they_are_not_ready_and_why(unready: World) -> None:
    del unready
    rows = columns(odbctl("ps").out)
    assert [(r["STATE"], r["READY"], r["REASON"]) for r in rows] == [
        ("running", "no", "no beans")
    ] * 2
    documents = odbctl("ps", "-o", "json").json
    assert [(d["ready"], d["health"]) for d in documents] == [(False, "no beans")] * 2


def test_services_say_that_none_is_ready_and_why(unready: World) -> None:
    del unready
    (row,) = columns(odbctl("service", "list").out)
    assert (row["STATE"], row["READY"]) == ("degraded", "0/2")
    assert row["REASON"] == "2 running, 0 of 2 ready: no beans"


@pytest.mark.parametrize("words", [("service", "status", "svc"), ("status", "svc"), ("status",)])
def test_status_fails_while_none_is_ready(unready: World, words: tuple[str, ...]) -> None:
    del unready
    ran = odbctl(*words)
    assert ran.code == 3
    assert "degraded" in ran.out
    assert "0/2" in ran.out
    assert "no beans" in ran.out


def test_doctor_names_the_service_that_is_not_ready(unready: World) -> None:
    del unready
    ran = odbctl("doctor", "-o", "json")
    (check,) = (c for c in ran.json if c["name"] == "services")
    assert ran.code != 0
    assert not check["ok"]
    assert check["message"] == "svc is degraded: 2 running, 0 of 2 ready: no beans"
    assert check["hint"] == "odbctl why svc"


def test_ready_instance_reads_yes(world: World) -> None:
    world.run()
    (row,) = columns(odbctl("ps").out)
    assert (row["STATE"], row["READY"]) == ("running", "yes")
    assert odbctl("service", "status", "svc").code == 0


def test_start_fails_with_the_message_of_the_probe(world: World) -> None:
    world.service(NEVER_READY, **OPTIONS)
    ran = odbctl("service", "start", "svc")
    assert ran.code != 0
    assert "svc: starting 0/1 (no beans)" in ran.err
    assert "error: service 'svc' is not ready: svc-1 was not ready within 0.3s: no beans" in ran.err
    assert "hint: odbctl why svc" in ran.err
