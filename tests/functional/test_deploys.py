"""Deploys: what is new runs before what is old goes, and what fails changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from real_world import World, kill
from waiting import eventually

from odbctl.engine.api import instance_listing, releases, services, status
from odbctl.engine.api.documents import ReleaseDocument
from odbctl.engine.model.core import Service
from odbctl.engine.model.states import CodebaseLock, InstanceState
from odbctl.engine.odb import Database
from odbctl.errors import (
    CodebaseLockedError,
    ConflictError,
    NotFoundError,
    ServiceClassError,
    StartFailedError,
)


def version(number: int) -> str:
    return f"""
class Svc(ServiceBase):
    def initialize(self):
        print("version {number}")
"""


FAILS = """
class Svc(ServiceBase):
    def initialize(self):
        raise RuntimeError("no such table")
"""


def release(world: World, number: int) -> ReleaseDocument:
    return status.list_releases(world.engine, "svc")[number - 1]


@contextmanager
def watching(world: World, name: str = "svc") -> Generator[list[tuple[int, int]]]:
    """Yield a list of (live, running) counts, one for each change that was seen.

    As the database says at one moment: what the process table says is of a later one.
    """
    seen: list[tuple[int, int]] = []
    done = threading.Event()
    db = Database(world.home.database, run_dir=world.home.run)

    def look() -> bool:
        service = Service.lookup_one(name=name)
        found = [i for i in service.current_instances() if i.ended_at is None]
        running = sum(i.state is InstanceState.RUNNING for i in found)
        seen.append((len(found), running))
        return False

    def watch() -> None:
        while not done.is_set():
            db.wait_for_condition(look, timeout_seconds=0.05)
        db.close()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        eventually(lambda: seen)
        yield seen
    finally:
        done.set()
        thread.join()


def test_a_deploy_replaces_all_instances_by_those_of_the_new_commit(world: World) -> None:
    old = world.run(version(1), count=2)
    commit = world.commit(version(2))
    number = world.deploy()
    world.settle(release=number)
    new = world.wait_running(count=2)
    assert {i["commit"] for i in new} == {commit}
    assert not {i["pid"] for i in new} & {i["pid"] for i in old}
    assert world.texts() == ["version 2", "version 2"]
    outcomes = [r["outcome"] for r in status.list_releases(world.engine, "svc")]
    assert outcomes == ["superseded", "active"]


def test_never_fewer_than_wanted_are_ready_while_rolling(world: World) -> None:
    world.run(version(1), count=3)
    world.commit(version(2))
    with watching(world) as seen:
        world.settle(release=world.deploy())
    assert min(running for _live, running in seen) >= 3


def test_a_singleton_is_never_there_twice_while_rolling(world: World) -> None:
    world.run(version(1), singleton=True)
    world.commit(version(2))
    with watching(world) as seen:
        world.settle(release=world.deploy())
    assert max(live for live, _running in seen) == 1
    assert world.texts() == ["version 2"]


def test_a_commit_that_does_not_import_is_refused_before_anything_changes(world: World) -> None:
    (old,) = world.run(version(1))
    world.commit("import nothing_of_that_name\n" + version(2))
    with pytest.raises(ServiceClassError, match="No module named 'nothing_of_that_name'"):
        world.deploy()
    assert [i["pid"] for i in world.ready()] == [old["pid"]]
    assert len(status.list_releases(world.engine, "svc")) == 1


def test_a_commit_without_the_class_is_refused_with_near_names(world: World) -> None:
    world.run(version(1))
    world.commit(version(2).replace("Svc", "Svcs"))
    with pytest.raises(ServiceClassError) as caught:
        world.deploy()
    assert "svc:Svcs" in (caught.value.hint or "")


def test_a_ref_that_does_not_exist_changes_nothing(world: World) -> None:
    (old,) = world.run(version(1))
    with pytest.raises(NotFoundError):
        world.deploy(ref="nowhere")
    assert [i["pid"] for i in world.ready()] == [old["pid"]]


def test_a_failing_initialize_leaves_the_old_running_and_says_why(world: World) -> None:
    old = world.run(version(1), count=2)
    world.commit(FAILS)
    number = world.deploy()
    with pytest.raises(StartFailedError, match="no such table") as caught:
        world.settle(release=number)
    assert any("no such table" in line["text"] for line in caught.value.log_lines)
    world.wait(lambda: all(i["ended_at"] for i in world.instances() if i["release"] == number))
    assert [i["pid"] for i in world.ready()] == [i["pid"] for i in old]
    failed = release(world, number)
    assert failed["outcome"] == "failed"
    assert "no such table" in (failed["reason"] or "")
    assert world.status()["failed_starts"] == 0
    (event,) = (e for e in world.events() if e["reason"] == "deploy-failed")
    assert "no such table" in event["message"]
    assert event["level"] == "error"


def test_an_old_singleton_comes_back_when_the_new_one_fails(world: World) -> None:
    world.run(version(1), singleton=True)
    world.commit(FAILS)
    number = world.deploy()
    with pytest.raises(StartFailedError, match="no such table"):
        world.settle(release=number)
    (back,) = world.wait_running()
    assert back["release"] == 1
    assert release(world, number)["outcome"] == "failed"


def test_a_deploy_after_a_failed_one_goes_through(world: World) -> None:
    world.run(version(1))
    world.commit(FAILS)
    with pytest.raises(StartFailedError):
        world.settle(release=world.deploy())
    world.commit(version(3))
    world.settle(release=world.deploy())
    assert world.texts() == ["version 3"]
    outcomes = [r["outcome"] for r in status.list_releases(world.engine, "svc")]
    assert outcomes == ["superseded", "failed", "active"]


def test_a_later_deploy_overtakes_one_that_hangs(world: World) -> None:
    world.run(version(1))
    hangs = (
        "class Svc(ServiceBase):\n"
        "    def initialize(self):\n"
        "        print('hangs')\n"
        "        signal.sigwait([signal.SIGUSR1])\n"
    )
    world.commit(hangs)
    world.deploy()
    world.wait(lambda: len(instance_listing.list_instances(world.engine, service="svc")) == 2)
    world.commit(version(3))
    world.settle(release=world.deploy())
    assert {i["release"] for i in world.ready()} == {3}
    outcomes = [r["outcome"] for r in status.list_releases(world.engine, "svc")]
    assert outcomes == ["superseded", "superseded", "active"]


def test_a_deploy_of_a_stopped_service_is_taken_at_its_next_start(world: World) -> None:
    world.service(version(1))
    world.commit(version(2))
    world.deploy()
    assert [r["outcome"] for r in status.list_releases(world.engine, "svc")] == [
        "superseded",
        "active",
    ]
    world.start()
    world.wait_running()
    assert world.texts() == ["version 2"]


def test_a_killed_old_instance_is_replaced_while_a_candidate_hangs(world: World) -> None:
    (old,) = world.run(version(1))
    world.commit(
        "class Svc(ServiceBase):\n"
        "    def initialize(self):\n"
        "        signal.sigwait([signal.SIGUSR1])\n"
    )
    world.deploy()
    world.wait(lambda: len(instance_listing.list_instances(world.engine, service="svc")) == 2)
    kill(old["pid"])
    world.wait(lambda: [i["release"] for i in world.ready() if i["pid"] != old["pid"]] == [1])


def test_a_locked_service_refuses_other_code_and_takes_a_restart(world: World) -> None:
    world.run(version(1))
    services.set_lock(world.engine, "svc", CodebaseLock.LOCKED)
    world.commit(version(2))
    with pytest.raises(CodebaseLockedError) as caught:
        world.deploy()
    assert caught.value.hint is not None
    assert "odbctl service prepare svc" in caught.value.hint
    releases.restart_service(world.engine, "svc")
    world.settle(release=2)


def test_a_prepared_service_takes_one_deploy_and_is_locked(world: World) -> None:
    world.run(version(1))
    services.set_lock(world.engine, "svc", CodebaseLock.PREPARED)
    world.commit(version(2))
    world.settle(release=world.deploy())
    assert world.status()["lock"] == "locked"
    world.commit(version(3))
    with pytest.raises(CodebaseLockedError):
        world.deploy()
    services.set_lock(world.engine, "svc", CodebaseLock.UNLOCKED)
    world.settle(release=world.deploy())
    assert world.texts() == ["version 3"]


def test_a_restart_replaces_every_process_by_the_same_commit(world: World) -> None:
    old = world.run(version(1), count=2)
    releases.restart_service(world.engine, "svc")
    world.settle(release=2)
    new = world.wait_running(count=2)
    assert not {i["pid"] for i in new} & {i["pid"] for i in old}
    assert {i["commit"] for i in new} == {i["commit"] for i in old}


def test_a_stopped_service_cannot_be_restarted(world: World) -> None:
    world.service()
    with pytest.raises(ConflictError, match="is stopped"):
        releases.restart_service(world.engine, "svc")


def test_other_services_of_the_codebase_keep_their_commit(world: World) -> None:
    world.run(version(1))
    world.another("other")
    world.start("other")
    (other,) = world.wait_running("other")
    world.commit(version(2))
    world.settle(release=world.deploy())
    (same,) = world.ready("other")
    assert (same["pid"], same["commit"]) == (other["pid"], other["commit"])


def test_a_stop_ends_a_rollout_that_hangs(world: World) -> None:
    world.run(version(1))
    world.commit(
        "class Svc(ServiceBase):\n    def initialize(self):\n        signal.sigwait([10])\n"
    )
    world.deploy()
    world.wait(lambda: len(instance_listing.list_instances(world.engine, service="svc")) == 2)
    world.stop()
    assert world.status()["state"] == "stopped"
