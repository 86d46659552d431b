"""Order and jobs: what waits for what, what runs once, and what runs by the clock."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from cli_runner import odbctl
from real_world import World

from odbctl.engine.api import services, why
from odbctl.engine.api.settings import ServiceSettings, set_service
from odbctl.engine.model.core import Service
from odbctl.errors import ConflictError, NotFoundError, StartFailedError, UsageError

GATED = """
import time

class Svc(ServiceBase):
    def initialize(self):
        while not os.path.exists(os.environ.get("GATE", "/")):
            time.sleep(0.01)
"""
JOB = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        print("done", os.environ.get("CODE", "0"))
        sys.exit(int(os.environ.get("CODE", "0")))
"""
SLOW_JOB = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        while not os.path.exists(os.environ["GATE"]) and not should_stop.wait(0.01):
            pass
"""


def make_due(world: World, name: str = "svc") -> None:
    """Have the next run of a service be due now, as if its time had come."""
    world.wait(lambda: world.status(name)["next_run_at"] is not None)

    def write() -> None:
        service = Service.lookup_unique(name=name)
        assert service is not None
        service.next_run_at = time.time() - 1.0

    world.engine.db.run(write)


def test_a_service_waits_until_what_it_depends_on_is_ready(world: World, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    world.service(GATED, "db", env={"GATE": str(gate)})
    world.another("web", depends_on=("db",))
    world.start("web")
    assert services.start_dependencies(world.engine, "web") == ["db"]
    document = world.wait_state("web", "waiting")
    assert (document["reason"], document["waits_for"]) == ("waits for db", ["db"])
    assert any("waits for db" in line for line in why.why(world.engine, "web")["lines"])
    world.wait(lambda: world.status("db")["instances"] != [])
    assert world.instances("web") == []
    gate.touch()
    world.wait_running("web")


def test_a_dependency_that_goes_away_stops_nobody(world: World) -> None:
    world.service(name="db")
    world.another("web", depends_on=("db",))
    world.start("db")
    world.wait_running("db")
    world.start("web")
    (before,) = world.wait_running("web")
    change = services.stop_service(world.engine, "db")
    assert change.notes == ("service web depends on db",)
    world.settle("db")
    assert world.ready("web")[0]["pid"] == before["pid"]


def test_a_job_that_ended_well_fulfills_a_dependency(world: World) -> None:
    world.service(JOB, "migrate", restart="never")
    world.another("web", depends_on=("migrate",), restart="never")
    world.start("web")
    services.start_dependencies(world.engine, "web")
    world.wait(lambda: world.instances("web") != [])
    assert world.instances("migrate")[0]["exit"] == {"code": 0, "signal": None, "cause": "exit"}


def test_a_circle_is_refused_and_named(world: World) -> None:
    world.service(name="a")
    world.another("b", depends_on=("a",))
    world.another("c", depends_on=("b",))
    with pytest.raises(ConflictError, match="a -> c -> b -> a"):
        set_service(world.engine, "a", ServiceSettings(depends_on=("c",)))
    with pytest.raises(ConflictError, match="a -> a"):
        set_service(world.engine, "a", ServiceSettings(depends_on=("a",)))
    with pytest.raises(NotFoundError, match="no service 'd'"):
        set_service(world.engine, "a", ServiceSettings(depends_on=("d",)))


def test_what_others_depend_on_is_not_removed(world: World) -> None:
    world.service(name="db")
    world.another("web", depends_on=("db",))
    with pytest.raises(ConflictError, match="web depends on service"):
        services.remove_service(world.engine, "db")
    set_service(world.engine, "web", ServiceSettings(depends_on=("none",)))
    services.remove_service(world.engine, "db")


def test_a_job_that_ended_well_is_no_failure(world: World) -> None:
    world.service(JOB, restart="never")
    world.start()
    world.wait_ended("svc-1")
    world.settle()
    assert world.status()["state"] == "stopped"
    services.run_service(world.engine, "svc")
    world.wait(lambda: len(world.instances()) == 2)
    world.wait_ended("svc-2")


def test_a_job_that_failed_is_told_with_its_last_lines(world: World) -> None:
    world.service(JOB, restart="never", env={"CODE": "3"})
    world.start()
    world.wait_ended("svc-1")
    with pytest.raises(StartFailedError) as caught:
        world.settle()
    assert "exit code 3" in str(caught.value)
    assert [line["text"] for line in caught.value.log_lines] == ["done 3"]


def test_a_scheduled_service_runs_when_it_is_due_and_not_before(world: World) -> None:
    world.service(JOB, schedule="0 0 1 1 *", restart="never")
    world.start()
    world.settle()
    assert world.instances() == []
    document = world.status()
    assert (document["state"], document["next_run_at"] is not None) == ("waiting", True)
    assert "its next run is due in" in document["reason"]
    for name in ("svc-1", "svc-2"):
        make_due(world)
        world.wait_ended(name)
        world.wait(lambda: (world.status()["next_run_at"] or 0) > time.time())
    shown = odbctl("service", "runs", "svc", "-o", "json").json
    assert [run["exit"]["code"] for run in shown] == [0, 0]


@pytest.mark.parametrize("overlap", ["skip", "queue", "replace"])
def test_a_run_that_is_due_while_one_runs(world: World, tmp_path: Path, overlap: str) -> None:
    gate = tmp_path / "gate"
    world.service(
        SLOW_JOB, schedule="@yearly", restart="never", overlap=overlap, env={"GATE": str(gate)}
    )
    world.start()
    make_due(world)
    world.wait_running()
    make_due(world)
    if overlap == "skip":
        world.wait(lambda: any(e["reason"] == "run-skipped" for e in world.events()))
        assert [i["id"] for i in world.ready()] == ["svc-1"]
    elif overlap == "replace":
        world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])
        assert world.instance("svc-1")["state"] == "stopped"
    else:
        assert [i["id"] for i in world.ready()] == ["svc-1"]
        gate.touch()
        world.wait_ended("svc-2")


def test_a_run_that_was_missed_is_made_up_for_once(world: World) -> None:
    world.service(JOB, schedule="* * * * *", restart="never")
    services.start_service(world.engine, "svc")

    def write() -> None:
        service = Service.lookup_unique(name="svc")
        assert service is not None
        service.next_run_at = time.time() - 86_400

    world.engine.db.run(write)
    world.manager()
    world.wait_ended("svc-1")
    assert (world.status()["next_run_at"] or 0) > time.time()
    (run,) = [e for e in world.events() if e["reason"] == "run"]
    assert "late" in run["message"]


def test_a_stopped_schedule_runs_nothing(world: World) -> None:
    world.service(JOB, schedule="@yearly", restart="never")
    world.start()
    world.settle()
    services.stop_service(world.engine, "svc")
    assert world.status()["next_run_at"] is None
    assert world.status()["state"] == "stopped"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (ServiceSettings(schedule="* *"), "no schedule"),
        (ServiceSettings(schedule="0 0 30 2 *"), "schedule"),
        (ServiceSettings(schedule="@daily", time_zone="Mars/Olympus"), "no time zone"),
        (
            ServiceSettings(schedule="@daily", restart="always"),
            "needs the restart policy never",
        ),
        (ServiceSettings(schedule="@daily", restart="never", overlap="pile"), "'pile'"),
    ],
)
def test_wrong_schedules_are_refused(world: World, settings: ServiceSettings, text: str) -> None:
    world.service()
    with pytest.raises(UsageError, match=text):
        set_service(world.engine, "svc", settings)
    assert world.status()["schedule"] is None
