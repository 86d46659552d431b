"""A transaction of an author deletes what processes run by: all goes on, or ends in order."""

from __future__ import annotations

from cli_runner import odbctl
from real_world import World, is_running, kill
from waiting import eventually

from odbctl.engine.api.status import list_events, list_hosts
from odbctl.engine.model.core import Release, Service, ServiceHost, ServiceInstance


def test_instances_of_a_deleted_service_end_and_it_can_be_created_again(world: World) -> None:
    world.service()
    manager = world.manager()
    world.start(count=2)
    before = world.wait_running(count=2)
    with world.engine.db.transaction():
        Service.lookup_one(name="svc").delete()
    for instance in before:
        ended = world.wait_ended(instance["id"])
        assert (ended["state"], ended["service"]) == ("stopped", "svc")
        assert not is_running(instance["pid"])
    texts = [e["message"] for e in list_events(world.engine, service="svc")]
    assert "2 instances: its service was deleted" in texts
    world.another("svc")
    world.start()
    (after,) = world.wait_running()
    assert after["id"] == "svc-3"
    assert world.manager_pid() == manager


def test_a_manager_makes_its_deleted_host_again_and_keeps_its_instances(world: World) -> None:
    world.service()
    manager = world.manager()
    world.start()
    (before,) = world.wait_running()
    with world.engine.db.transaction():
        ServiceHost.lookup_one(name="local").delete()
    world.wait(lambda: [h["name"] for h in list_hosts(world.engine)] == ["local"])
    (after,) = world.wait_running()
    assert (after["pid"], after["host"], after["reason"]) == (before["pid"], "local", None)
    assert world.manager_pid() == manager
    world.stop()
    assert world.instance("svc-1")["state"] == "stopped"


def test_the_worker_of_a_deleted_instance_ends_and_is_replaced(world: World) -> None:
    world.service()
    world.manager()
    world.start()
    (before,) = world.wait_running()
    with world.engine.db.transaction():
        ServiceInstance.lookup_one(name="svc-1").delete()
    eventually(lambda: not is_running(before["pid"]))
    (after,) = world.wait_running()
    assert after["pid"] != before["pid"]


def test_an_instance_of_a_deleted_release_runs_on_and_its_successor_says_why_not(
    world: World,
) -> None:
    world.service()
    world.manager()
    world.start()
    (before,) = world.wait_running()
    with world.engine.db.transaction():
        Release.lookup_one(service=Service.lookup_one(name="svc")).delete()
    assert world.status()["state"] == "running"
    kill(before["pid"])
    text = "cannot start: its release was deleted"
    world.wait(lambda: any(i["reason"] == text for i in world.instances()))
    assert odbctl("deploy", "svc", "main").code == 7
    assert odbctl("deploy", "svc", "app@main").code == 7
    assert is_running(world.manager_pid())
