"""Children of an instance: they run beside it, are not counted, and end with it."""

from __future__ import annotations

from real_world import World, ignore, is_running, kill

from odbctl.engine.api import instance_listing, releases, services, waiting
from odbctl.engine.api.documents import InstanceDocument

FAMILY = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Settings:
    role: str = "parent"

class Svc(ServiceBase):
    Config = Settings

    def do_work(self, should_stop):
        print("role", self.config.role)
        if self.config.role == "parent":
            self.spawn_child(role="twin")
            self.spawn_child(Helper, role="helper")
        should_stop.wait()

class Helper(ServiceBase):
    Config = Settings

    def do_work(self, should_stop):
        print("I am a", type(self).__name__)
        should_stop.wait()

class Mortal(ServiceBase):
    def do_work(self, should_stop):
        sys.exit(5)

class Keeper(ServiceBase):
    def do_work(self, should_stop):
        self.spawn_child(Mortal)
        should_stop.wait()
"""


def children(world: World) -> list[InstanceDocument]:
    return [i for i in instance_listing.list_instances(world.engine, service="svc") if i["owner"]]


def start_family(world: World) -> list[InstanceDocument]:
    world.run(FAMILY)
    world.wait(lambda: sum(i["ready"] for i in children(world)) == 2)
    return children(world)


def test_children_run_with_their_own_class_and_configuration(world: World) -> None:
    twin, helper = start_family(world)
    assert world.wait_line("role", instance=twin["id"])["text"] == "role twin"
    assert world.wait_line("I am", instance=helper["id"])["text"] == "I am a Helper"
    assert {twin["owner"], helper["owner"]} == {"svc-1"}


def test_children_are_not_counted(world: World) -> None:
    start_family(world)
    document = world.status()
    assert (document["desired_count"], document["running_count"]) == (1, 1)
    assert document["state"] == "running"
    world.settle()


def test_children_end_when_their_owner_is_stopped(world: World) -> None:
    found = start_family(world)
    services.stop_service(world.engine, "svc")
    for child in found:
        ended = world.wait_ended(child["id"])
        assert ended["state"] == "stopped"
    world.settle()


def test_children_end_when_their_owner_is_killed(world: World) -> None:
    found = start_family(world)
    (owner,) = world.ready()
    kill(owner["pid"])
    for child in found:
        assert world.wait_ended(child["id"])["state"] == "stopped"
    world.wait(lambda: sum(i["ready"] for i in children(world)) == 2)
    assert not {i["id"] for i in children(world)} & {i["id"] for i in found}


def test_children_end_when_their_owner_is_replaced(world: World) -> None:
    found = start_family(world)
    releases.restart_service(world.engine, "svc")
    world.settle(release=2)
    for child in found:
        assert world.wait_ended(child["id"])["state"] == "stopped"


def test_children_end_when_their_service_is_removed(world: World) -> None:
    found = [*start_family(world), *world.ready()]
    services.remove_service(world.engine, "svc")
    waiting.wait_for_removal(world.engine, "svc", timeout_seconds=10, on_progress=ignore)
    assert not any(is_running(i["pid"]) for i in found)


def test_a_child_that_ends_is_neither_replaced_nor_counted_as_a_crash(world: World) -> None:
    world.service(FAMILY, class_name="Keeper")
    world.start()
    world.wait_running()
    ended = world.wait_ended("svc-2")
    assert (ended["state"], ended["owner"]) == ("crashed", "svc-1")
    world.wait(lambda: not children(world))
    document = world.status()
    assert (document["state"], document["crashes"]) == ("running", 0)
    assert len(world.instances()) == 2


def test_the_spawning_of_a_child_is_an_event(world: World) -> None:
    start_family(world)
    spawned = [e for e in world.events() if e["reason"] == "spawned"]
    assert [e["actor"] for e in spawned] == ["svc-1", "svc-1"]
