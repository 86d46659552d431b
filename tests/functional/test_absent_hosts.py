"""A host without a manager: every display says so, and its instances are not forgotten."""

from __future__ import annotations

from typing import Any

from cli_runner import odbctl
from real_world import World, is_running, kill, parent_of

from odbctl.engine.api import managers, services
from odbctl.engine.api.documents import InstanceDocument
from odbctl.engine.api.status import list_events
from odbctl.engine.api.why import why


def test_every_display_says_that_a_host_has_no_manager(world: World) -> None:
    world.service(placement="far")
    world.manager()
    world.start(count=1)
    world.manager("far", placement="far")
    world.wait_running()
    assert odbctl("status").code == 0
    assert odbctl("doctor").code == 0
    managers.stop_manager(world.engine, "far")
    text = "host far has had no manager since"
    document = world.status()
    assert (document["state"], text in document["reason"]) == ("degraded", True)
    assert document["hosts_without_manager"] == ["far"]
    assert text in (document["instances"][0]["reason"] or "")
    assert text in odbctl("ps").out
    assert text in odbctl("service", "list").out
    assert f"{text}" in odbctl("host", "list").out
    lines = " ".join(why(world.engine, "svc")["lines"])
    assert text in lines
    assert "odbctl manager start --host far" in lines
    for words in (("status",), ("status", "svc"), ("doctor",)):
        ran = odbctl(*words)
        assert (ran.code, text in ran.out) == (1, True), words
    world.manager("far", placement="far")
    assert world.status()["state"] == "running"
    assert odbctl("status").code == 0


def lose_far(world: World) -> None:
    """Kill the manager of host far and its launcher, so that neither starts the other."""
    far = world.manager_pid("far")
    launchers = [pid for pid in world.launcher_pids() if parent_of(pid) == far]
    for pid in (*launchers, far):
        kill(pid)


def start_on_far(world: World, **options: Any) -> InstanceDocument:
    """Run an instance on host far, while the manager of host local leads."""
    world.service(**options)
    world.manager("far")
    services.start_service(world.engine, "svc")
    (before,) = world.wait_running()
    assert before["host"] == "far"
    world.manager("a-leader")  # the first name leads
    return before


def test_an_instance_of_a_lost_host_moves_and_its_process_ends(world: World) -> None:
    before = start_on_far(world, move_after="1s")
    lose_far(world)
    world.wait(lambda: [i["host"] for i in world.ready()] == ["a-leader"])
    world.wait_ended("svc-1")
    assert not is_running(before["pid"])
    assert any("moved: host far has no manager" in e["message"] for e in world.events())
    lost = [e for e in list_events(world.engine) if e["object"] == "host/far"]
    assert (lost[-1]["reason"], lost[-1]["level"]) == ("down", "warning")


def test_a_dead_instance_of_a_lost_host_is_recorded_and_replaced(world: World) -> None:
    before = start_on_far(world, move_after="1s")
    lose_far(world)
    kill(before["pid"])
    world.wait(lambda: [i["host"] for i in world.ready()] == ["a-leader"])
    ended = world.wait_ended("svc-1")
    assert (ended["state"], ended["reason"]) == ("lost", "host far has no manager")


def test_an_instance_that_does_not_move_is_stopped_by_the_leader(world: World) -> None:
    before = start_on_far(world, move_after="never")
    lose_far(world)
    world.stop()
    assert world.instance("svc-1")["state"] == "stopped"
    assert not is_running(before["pid"])
