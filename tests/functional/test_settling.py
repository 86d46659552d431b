"""Settling: a release that crashes at once is given up, and a start says why it failed."""

from __future__ import annotations

from typing import Any

import pytest
from real_world import PATIENCE_SECONDS, World

from odbctl.engine.api import instance_listing, releases, status, waiting
from odbctl.engine.api.results import Progress
from odbctl.errors import StartFailedError, UsageError

CRASHES_LATE = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        print("about to go")
        should_stop.wait(0.2)
        raise RuntimeError("the queue is gone")
"""
NEVER_READY = """
class Svc(ServiceBase):
    def health(self):
        from odbctl import Health
        return Health(is_healthy=False, message="no beans")
"""
QUICK: dict[str, Any] = {"probe_period_seconds": 0.1, "start_grace_seconds": 0.4}


def wait(world: World, name: str = "svc", **options: Any) -> list[Progress]:
    seen: list[Progress] = []
    waiting.wait_for_service(
        world.engine,
        name,
        timeout_seconds=PATIENCE_SECONDS,
        on_progress=seen.append,
        **options,
    )
    return seen


@pytest.mark.parametrize("singleton", [False, True])
def test_release_that_crashes_while_settling_is_given_up(world: World, *, singleton: bool) -> None:
    (old,) = world.run(singleton=singleton)
    world.commit(CRASHES_LATE)
    number = world.deploy(settle=60.0)
    with pytest.raises(StartFailedError, match="the queue is gone") as caught:
        world.settle(release=number)
    assert any("about to go" in str(line["text"]) for line in caught.value.log_lines)
    (runs,) = world.wait_running()
    assert runs["release"] == 1
    assert singleton or runs["pid"] == old["pid"]
    failed = status.list_releases(world.engine, "svc")[number - 1]
    assert (failed["outcome"], failed["settle_seconds"]) == ("failed", 60.0)


def test_old_instances_stay_until_the_new_ones_have_settled(world: World) -> None:
    world.run(count=2)
    number = world.deploy(settle=0.5)
    seen = wait(world, release=number)
    assert Progress(2, 2, "settling for 0.5s") in seen
    release = status.list_releases(world.engine, "svc")[number - 1]
    new = [i for i in world.instances() if i["release"] == number]
    assert release["finished_at"] is not None
    assert len(new) == 2
    assert all(release["finished_at"] - (i["running_at"] or 0.0) >= 0.5 for i in new)
    old = [i for i in world.instances() if i["release"] == 1]
    assert len(old) == 2
    assert all((i["stopping_at"] or 0.0) >= release["finished_at"] for i in old)


def test_deploy_and_configure_settle_by_default_and_restart_does_not(world: World) -> None:
    world.service()
    releases.deploy_service(world.engine, "svc", "main", force=True)
    releases.configure_service(world.engine, "svc", env={"A": "1"})
    world.run("class Svc(ServiceBase):\n    pass\n", "other")
    releases.restart_service(world.engine, "other")
    assert [r["settle_seconds"] for r in status.list_releases(world.engine, "svc")[1:]] == [3, 3]
    assert status.list_releases(world.engine, "other")[-1]["settle_seconds"] == 0


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_settle_time_out_of_range_is_refused(world: World, seconds: float) -> None:
    world.service()
    with pytest.raises(UsageError, match="settle time must be from 0s to 1d"):
        world.deploy(settle=seconds)


def test_crash_during_a_start_that_waits_ends_the_wait(world: World) -> None:
    world.service(CRASHES_LATE, readiness="exec:false", start_grace_seconds=60.0)
    world.start()
    with pytest.raises(StartFailedError, match="crashed while it started: svc-") as caught:
        wait(world, crashes=0)
    assert "the queue is gone" in str(caught.value)
    assert any("about to go" in str(line["text"]) for line in caught.value.log_lines)


def test_crash_of_one_of_several_during_a_start_ends_the_wait(world: World) -> None:
    source = """
    import time

    class Svc(ServiceBase):
        def initialize(self):
            if os.path.basename(os.getcwd()) == "svc-1":
                return
            while not os.path.exists(os.path.join(os.path.dirname(os.getcwd()), "go")):
                time.sleep(0.01)

        def do_work(self, should_stop):
            raise RuntimeError("the queue is gone")
    """
    world.service(source)
    world.start(count=2)
    try:
        with pytest.raises(StartFailedError, match="crashed while it started: svc-"):
            wait(world, crashes=0)
    finally:
        (world.home.storage / "svc" / "go").touch()


def test_start_that_succeeds_does_not_wait_for_the_settle_time(world: World) -> None:
    world.service()
    world.start()
    seen = wait(world, crashes=0)
    assert not [p for p in seen if "settling" in p.note]
    (instance,) = world.ready()
    assert instance["state"] == "running"


def test_first_start_fails_with_the_message_of_the_probe(world: World) -> None:
    world.service(NEVER_READY, **QUICK)
    world.start()
    seen: list[Progress] = []
    with pytest.raises(StartFailedError, match=r"not ready within 0\.4s: no beans") as caught:
        waiting.wait_for_service(
            world.engine, "svc", timeout_seconds=PATIENCE_SECONDS, on_progress=seen.append
        )
    assert caught.value.hint == "odbctl why svc"
    assert any(p.note == "no beans" for p in seen)
    (instance,) = instance_listing.list_instances(world.engine, service="svc")
    assert (instance["state"], instance["ready"], instance["health"]) == (
        "running",
        False,
        "no beans",
    )


def test_instance_that_becomes_ready_within_the_grace_is_waited_for(world: World) -> None:
    world.service(readiness="exec:test -e ready", probe_period_seconds=0.1)
    world.start()
    world.wait(lambda: world.status()["running_count"] == 1)
    (world.home.storage / "svc" / "svc-1" / "ready").touch()
    world.settle()
    assert world.status()["ready_count"] == 1
