"""Which host takes an instance, and what is said when none can."""

from __future__ import annotations

from typing import Any

import pytest
from real_world import World, kill

from odbctl.engine.api import hosts, services, status
from odbctl.errors import StartFailedError, UsageError


def test_a_singleton_runs_once(world: World) -> None:
    world.service(singleton=True)
    world.start()
    world.wait_running()
    with pytest.raises(UsageError, match="singleton"):
        services.scale_service(world.engine, "svc", 2)


def test_a_killed_singleton_is_never_there_twice(world: World) -> None:
    (first,) = world.run(singleton=True)
    kill(first["pid"])
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])
    one, two = world.instances()
    assert (one["ended_at"] or 0.0) <= two["created_at"]


def test_a_placement_that_no_host_has_is_told(world: World) -> None:
    world.service(placement="gpu")
    world.start()
    document = world.wait_state("svc", "unplaceable")
    assert document["reason"] == "local: its placement group is Master, not gpu"
    with pytest.raises(StartFailedError, match="its placement group is Master, not gpu"):
        world.settle()
    assert any(e["reason"] == "unplaceable" for e in world.events())


def test_a_host_of_that_placement_takes_what_waited(world: World) -> None:
    world.service(placement="gpu")
    world.start()
    world.wait_state("svc", "unplaceable")
    world.manager("far", placement="gpu")
    (found,) = world.wait_running()
    assert found["host"] == "far"


@pytest.mark.parametrize(
    ("need", "text"),
    [
        ({"cores": 3.0}, "local: needs 3 cores, 2 of 2 free"),
        ({"ram_gb": 9.0}, "local: needs 9 GB of RAM, 4 of 4 free"),
    ],
)
def test_the_resource_that_is_short_is_named(world: World, need: dict[str, Any], text: str) -> None:
    world.service(**need)
    world.start(cores=2.0, ram_gb=4.0)
    assert world.wait_state("svc", "unplaceable")["reason"] == text


def test_what_fits_runs_and_the_rest_is_told(world: World) -> None:
    world.service(cores=1.0)
    world.start(count=3, cores=2.0)
    world.wait_running(count=2)
    document = world.wait_state("svc", "unplaceable")
    assert (document["running_count"], document["desired_count"]) == (2, 3)
    assert "needs 1 cores, 0 of 2 free" in document["reason"]


def test_room_that_becomes_free_is_used(world: World) -> None:
    world.service(cores=2.0)
    world.another("next", cores=1.0)
    world.start(cores=2.0)
    world.wait_running()
    world.start("next")
    world.wait_state("next", "unplaceable")
    world.stop()
    world.wait_running("next")


def test_what_declares_nothing_reserves_nothing(world: World) -> None:
    world.service()
    world.start(count=5, cores=1.0, ram_gb=0.5)
    world.wait_running(count=5)
    (host,) = status.list_hosts(world.engine)
    assert (host["cores_reserved"], host["ram_gb_reserved"]) == (0.0, 0.0)


def test_the_needs_of_the_class_count_unless_others_are_given(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        cores_used = 0.5
        gb_ram_used = 0.25
    """
    world.run(source)
    world.another("other", cores=0.0)
    assert (world.status()["cores"], world.status()["ram_gb"]) == (0.5, 0.25)
    assert world.status("other")["cores"] == 0.0
    (host,) = status.list_hosts(world.engine)
    assert (host["cores_reserved"], host["ram_gb_reserved"]) == (0.5, 0.25)


def test_a_draining_host_takes_nothing_more_and_keeps_what_runs(world: World) -> None:
    world.run()
    hosts.set_draining(world.engine, "local", True)
    services.scale_service(world.engine, "svc", 2)
    assert "draining" in world.wait_state("svc", "unplaceable")["reason"]
    assert len(world.ready()) == 1
    hosts.set_draining(world.engine, "local", False)
    world.wait_running(count=2)


def test_instances_are_spread_over_two_hosts(world: World) -> None:
    world.service()
    world.manager("a")
    world.manager("b")
    world.start(count=4)
    found = world.wait_running(count=4)
    assert sorted(i["host"] for i in found) == ["a", "a", "b", "b"]
    world.stop()
