"""Back-off, throttling and restart policies, with processes that really end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from real_world import World, kill

from odbctl.engine.api import instances, services
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.results import Change
from odbctl.engine.model.core import ServiceInstance
from odbctl.engine.reconcile.snapshot import MAX_FAILED_STARTS
from odbctl.errors import StartFailedError

Act = Callable[[Engine, str], Change]

# Fails until a file of that name is there.
PICKY = """
class Svc(ServiceBase):
    def initialize(self):
        if not os.path.exists({path!r}):
            raise RuntimeError("not yet")
"""

ENDS_WELL = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        print("done")
"""

ENDS_BADLY = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        sys.exit(7)
"""


def age(world: World, seconds: float) -> None:
    """Let ends and resets lie further back, as if time had passed."""

    def write() -> None:
        for instance in ServiceInstance.lookup_all(is_current=True):
            instance.service.reset_at -= seconds
            if instance.ended_at is not None and instance.running_at is not None:
                instance.running_at -= seconds
            if instance.ended_at is not None:
                instance.ended_at -= seconds

    world.engine.db.run(write)


def fail_until_throttled(world: World) -> None:
    """Let time pass whenever the next try is waited for."""

    def is_throttled() -> bool:
        state = world.status()["state"]
        if state in ("backoff", "crash-loop"):
            age(world, 60)
        return state == "throttled"

    while not is_throttled():
        world.wait(lambda: world.status()["state"] in ("backoff", "crash-loop", "throttled"))


def test_the_first_restart_is_immediate_and_the_second_waits(world: World) -> None:
    world.service(ENDS_BADLY)
    world.start()
    world.wait(lambda: len(world.instances()) == 2)
    first, second = world.instances()
    assert second["created_at"] - (first["ended_at"] or 0.0) < 0.9
    document = world.wait_state("svc", "backoff")
    assert "failed 2 times in a row" in document["reason"]


def test_a_loop_of_crashes_is_called_one(world: World) -> None:
    world.service(ENDS_BADLY)
    world.start()
    world.wait(lambda: len(world.instances()) == 2 and _all_ended(world))
    age(world, 60)
    world.wait(lambda: len(world.instances()) == 3 and _all_ended(world))
    age(world, 60)
    world.wait(lambda: len(world.instances()) == 4 and _all_ended(world))
    assert world.wait_state("svc", "crash-loop")["crashes"] == 4


def _all_ended(world: World) -> bool:
    return all(i["ended_at"] for i in world.instances())


def test_failed_starts_throttle_a_service_and_say_so(world: World) -> None:
    world.service(PICKY.format(path="/nowhere"))
    world.start()
    fail_until_throttled(world)
    document = world.status()
    assert document["failed_starts"] == MAX_FAILED_STARTS
    assert "odbctl service reset svc" in document["reason"]
    assert len(world.instances()) == MAX_FAILED_STARTS
    with pytest.raises(StartFailedError, match="throttled"):
        world.settle()


@pytest.mark.parametrize("act", [services.reset_service, services.start_service])
def test_reset_and_start_end_throttling_at_once(world: World, act: Act) -> None:
    path = str(world.home.data / "ready")
    world.service(PICKY.format(path=path))
    world.start()
    fail_until_throttled(world)
    open(path, "w").close()
    act(world.engine, "svc")
    world.wait_running()
    assert world.status()["failed_starts"] == 0


def test_start_ends_a_back_off_at_once(world: World) -> None:
    path = str(world.home.data / "ready")
    world.service(PICKY.format(path=path))
    world.start()
    world.wait_state("svc", "backoff")
    open(path, "w").close()
    services.start_service(world.engine, "svc")
    world.wait_running()


@pytest.mark.parametrize(
    ("policy", "source", "restarts"),
    [
        ("always", ENDS_WELL, True),
        ("always", ENDS_BADLY, True),
        ("on-failure", ENDS_WELL, False),
        ("on-failure", ENDS_BADLY, True),
        ("never", ENDS_WELL, False),
        ("never", ENDS_BADLY, False),
    ],
)
def test_the_restart_policy_decides(
    world: World, policy: str, source: str, *, restarts: bool
) -> None:
    world.service(source, restart=policy)
    world.start()
    world.wait_ended("svc-1")
    if restarts:
        world.wait_ended("svc-2")
    else:
        assert world.wait_state("svc", "stopped")["reason"].startswith("ended, and its restart")
        assert len(world.instances()) == 1


def test_a_finished_job_runs_again_when_it_is_started_again(world: World) -> None:
    world.service(ENDS_WELL, restart="never")
    world.start()
    world.wait_ended("svc-1")
    services.start_service(world.engine, "svc")
    world.wait_ended("svc-2")


def test_one_crashing_slot_does_not_hold_back_the_others(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            if self.runtime.name != "svc-1":
                sys.exit(1)
            should_stop.wait()
    """
    world.service(source)
    world.start(count=2)
    world.wait(lambda: len(world.instances()) >= 3 and len(world.ready()) == 1)
    world.wait(lambda: sum(i["ended_at"] is not None for i in world.instances()) >= 2)
    (good,) = (i for i in world.instances() if i["id"] == "svc-1")
    assert good["ready"]


def test_an_end_that_lies_in_the_future_is_replaced(world: World) -> None:
    world.service(ENDS_BADLY, restart="always")
    world.start()
    world.wait(lambda: len(world.instances()) == 2 and _all_ended(world))
    age(world, -1_000_000)  # the clock was set back by that much
    world.wait(lambda: len(world.instances()) >= 3)


def test_scaling_down_stops_the_newest_and_up_starts_more(world: World) -> None:
    world.run(count=3)
    services.scale_service(world.engine, "svc", 1)
    assert [i["id"] for i in world.wait_running(count=1)] == ["svc-1"]
    services.scale_service(world.engine, "svc", 2)
    assert [i["id"] for i in world.wait_running(count=2)] == ["svc-1", "svc-4"]


def test_a_stopped_instance_is_replaced_while_its_service_is_wanted(world: World) -> None:
    (first,) = world.run()
    instances.stop_instance(world.engine, first["id"])
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])
    assert world.instance("svc-1")["state"] == "stopped"
    assert world.status()["crashes"] == 0


def test_a_sigterm_by_the_user_is_told_as_an_end_in_order(world: World) -> None:
    (first,) = world.run()
    kill(first["pid"], 15)
    ended = world.wait_ended("svc-1")
    assert ended["exit"] == {"code": 0, "signal": None, "cause": "exit"}
