"""Removing services while they run, and the events that tell each transition."""

from __future__ import annotations

import getpass

import pytest
from real_world import World, ignore, is_running, kill
from waiting import eventually

from odbctl.engine.api import codebases, creation, managers, services, status, waiting
from odbctl.engine.api.documents import EventDocument
from odbctl.errors import AlreadyExistsError, ConflictError, NotFoundError


def gone(world: World, name: str = "svc") -> None:
    waiting.wait_for_removal(world.engine, name, timeout_seconds=10, on_progress=ignore)


def told(world: World) -> list[tuple[str, str]]:
    return [(e["object"], e["reason"]) for e in world.events()]


def one(world: World, reason: str) -> EventDocument:
    (found,) = (e for e in world.events() if e["reason"] == reason)
    return found


def test_a_running_service_is_stopped_and_removed(world: World) -> None:
    found = world.run(count=2)
    services.remove_service(world.engine, "svc")
    gone(world)
    assert not any(is_running(i["pid"]) for i in found)
    with pytest.raises(NotFoundError):
        world.status()
    assert status.list_services(world.engine) == []


def test_a_service_is_removed_at_once_where_nothing_runs(world: World) -> None:
    world.service()
    services.remove_service(world.engine, "svc")
    with pytest.raises(NotFoundError):
        world.status()
    world.another("svc")
    assert world.status()["state"] == "stopped"


def test_a_stopped_service_is_removed_with_a_manager(world: World) -> None:
    world.run()
    world.stop()
    services.remove_service(world.engine, "svc")
    gone(world)
    assert status.list_services(world.engine) == []


def test_a_removal_without_a_manager_is_done_by_the_next(world: World) -> None:
    (found,) = world.run()
    pid = world.manager_pid()
    kill(pid)
    eventually(lambda: not is_running(pid))
    services.remove_service(world.engine, "svc")
    assert is_running(found["pid"])
    world.manager()
    gone(world)
    assert not is_running(found["pid"])


def test_the_name_of_a_service_that_is_being_removed_is_taken_until_it_is_gone(
    world: World,
) -> None:
    source = """
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True:
                signal.pause()
    """
    (found,) = world.run(source, stop_grace_seconds=60.0)
    services.remove_service(world.engine, "svc")
    with pytest.raises(AlreadyExistsError) as caught:
        world.another("svc")
    assert "being removed" in (caught.value.hint or "")
    kill(found["pid"])
    gone(world)
    world.another("svc")


def test_logs_and_events_outlive_their_service(world: World) -> None:
    world.run()
    services.remove_service(world.engine, "svc")
    gone(world)
    assert ("service/svc", "removed") in told(world)
    assert (world.home.logs / "svc").is_dir()


def test_a_service_of_the_same_name_begins_to_count_its_instances_anew(world: World) -> None:
    world.run()
    services.remove_service(world.engine, "svc")
    gone(world)
    world.another("svc")
    world.start()
    assert [i["id"] for i in world.wait_running()] == ["svc-1"]


def test_a_codebase_in_use_is_not_removed_and_an_unused_one_is(world: World) -> None:
    world.run()
    with pytest.raises(ConflictError, match="used by svc"):
        codebases.remove_codebase(world.engine, "app")
    services.remove_service(world.engine, "svc")
    gone(world)
    codebases.remove_codebase(world.engine, "app")
    assert codebases.list_codebases(world.engine) == []


def test_a_service_that_exists_is_not_created_again(world: World) -> None:
    world.service()
    with pytest.raises(AlreadyExistsError):
        creation.create_service(
            world.engine,
            "svc",
            class_spec="svc:Svc",
            codebase="app",
            options=creation.ServiceOptions(),
        )


def test_the_whole_story_is_told_in_order(world: World) -> None:
    (first,) = world.run()
    kill(first["pid"])
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])
    world.stop()
    assert told(world) == [
        ("service/svc", "created"),
        ("service/svc", "started"),
        ("service/svc", "booting"),
        ("instance/svc-1", "running"),
        ("instance/svc-1", "crashed"),
        ("service/svc", "restarting"),
        ("instance/svc-2", "running"),
        ("service/svc", "stopped"),
        ("service/svc", "stopping"),
        ("instance/svc-2", "stopped"),
    ]


def test_every_event_has_its_actor_and_release(world: World) -> None:
    (first,) = world.run()
    kill(first["pid"])
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])
    world.commit("class Svc(ServiceBase):\n    cores_used = 0.0\n")
    world.settle(release=world.deploy())
    world.wait(lambda: world.instance("svc-2")["ended_at"])
    me = getpass.getuser()
    assert one(world, "created")["actor"] == one(world, "started")["actor"] == me
    assert one(world, "crashed")["actor"] == "local"
    assert (one(world, "deploying")["actor"], one(world, "deploying")["release"]) == (me, 1)
    assert (one(world, "deployed")["actor"], one(world, "deployed")["release"]) == ("local", 2)
    assert {e["release"] for e in world.events() if e["object"] == "instance/svc-3"} == {2}
    assert all(e["actor"] for e in world.events())


def test_a_manager_tells_when_it_comes_and_goes(world: World) -> None:
    world.manager()
    managers.stop_manager(world.engine)
    told_of_host = [
        e["reason"] for e in status.list_events(world.engine) if e["object"] == "host/local"
    ]
    assert told_of_host == ["up", "down"]
