"""A host is removed when nothing of it is left, or what is left may be killed."""

from __future__ import annotations

from cli_runner import odbctl
from real_world import World, is_running

from odbctl.engine.api import managers, services
from odbctl.engine.api.lookups import actor
from odbctl.engine.api.status import list_events


def test_a_host_with_a_manager_or_instances_is_not_removed(world: World) -> None:
    world.run()
    refused = odbctl("host", "remove", "local", "--yes", "--force", "-o", "json")
    assert (refused.code, refused.error["code"]) == (7, "conflict")
    assert refused.error["hint"] == "odbctl manager stop --host local"
    managers.stop_manager(world.engine)
    refused = odbctl("host", "remove", "local", "--yes", "-o", "json")
    assert (refused.code, "--force" in refused.error["hint"]) == (7, True)
    assert len(world.ready()) == 1


def test_force_kills_what_is_left_and_the_manager_adds_the_host_again(world: World) -> None:
    (before,) = world.run()
    managers.stop_manager(world.engine)
    assert odbctl("host", "remove", "local", "--force").code == 2  # nobody can be asked
    assert odbctl("host", "remove", "local", "--force", "--yes").code == 0
    assert not is_running(before["pid"])
    ended = world.instance("svc-1")
    assert (ended["state"], ended["stopped_by"]) == ("stopped", actor())
    assert odbctl("host", "list", "-o", "json").json == []
    assert odbctl("host", "show", "local").code == 4
    found = [e for e in list_events(world.engine) if e["object"] == "host/local"]
    assert (found[-1]["reason"], found[-1]["actor"]) == ("removed", actor())
    world.manager()
    assert [i["id"] for i in world.wait_running()] == ["svc-2"]
    assert [h["name"] for h in odbctl("host", "list", "-o", "json").json] == ["local"]


def test_a_removed_host_is_no_reason_that_nothing_can_be_placed(world: World) -> None:
    world.service(placement="nowhere")
    world.manager("far")
    world.manager()
    managers.stop_manager(world.engine, "far")
    assert odbctl("host", "remove", "far", "--yes").code == 0
    services.start_service(world.engine, "svc")
    assert "far" not in world.wait_state("svc", "unplaceable")["reason"]
