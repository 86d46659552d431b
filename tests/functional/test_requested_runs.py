"""`service run` runs a job once and leaves its schedule, and whether it is stopped, alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_runner import odbctl
from real_world import World, kill

from odbctl.engine.api import services
from odbctl.engine.api.lookups import actor
from odbctl.errors import ConflictError

JOB = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        print("working")
        sys.exit(int(os.environ.get("CODE", "0")))
"""
SLOW_JOB = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        while not os.path.exists(os.environ["GATE"]) and not should_stop.wait(0.01):
            pass
"""


def test_a_run_of_a_stopped_schedule_leaves_it_stopped(world: World) -> None:
    world.service(JOB, schedule="@yearly")
    shown = odbctl("service", "run", "svc", "--wait", "-o", "json")
    assert shown.code == 0
    assert (shown.json["kind"], shown.json["id"], shown.json["one_off"]) == (
        *("instance", "svc-1"),
        True,
    )
    document = world.status()
    assert (document["state"], document["target_count"]) == ("stopped", 0)
    assert document["next_run_at"] is None
    assert [i["id"] for i in world.instances()] == ["svc-1"]
    (event,) = [e for e in world.events() if e["reason"] == "run"]
    assert (event["actor"], "svc-1" in event["message"]) == (actor(), True)


def test_a_run_leaves_the_date_of_the_next_scheduled_run(world: World) -> None:
    world.service(JOB, schedule="@yearly")
    world.start()
    world.settle()
    due_at = world.status()["next_run_at"]
    assert due_at is not None
    assert odbctl("service", "run", "svc", "--wait").code == 0
    document = world.status()
    assert (document["next_run_at"], document["state"]) == (due_at, "waiting")


def test_run_says_its_id_at_once(world: World) -> None:
    world.service(JOB, schedule="@yearly")
    shown = odbctl("service", "run", "svc", "-o", "json")
    assert (shown.code, shown.json["run"]) == (0, "svc-1")
    assert world.wait_ended("svc-1")["exit"] == {"code": 0, "signal": None, "cause": "exit"}


def test_wait_has_the_exit_code_of_the_run(world: World) -> None:
    world.service(JOB, restart="never", env={"CODE": "7"})
    shown = odbctl("service", "run", "svc", "--wait", "-o", "json")
    assert (shown.code, shown.json["exit"]["code"]) == (7, 7)
    text = odbctl("service", "run", "svc", "--wait")
    assert (text.code, "svc-2: code 7" in text.out) == (7, True)


def test_wait_reports_a_signal_as_a_shell_does(world: World, tmp_path: Path) -> None:
    world.service(SLOW_JOB, restart="never", env={"GATE": str(tmp_path / "never")})
    services.run_service(world.engine, "svc")
    world.manager()
    (run,) = world.wait_running()
    from odbctl.engine.api.job_runs import exit_code_of

    kill(run["pid"])
    assert exit_code_of(world.wait_ended("svc-1")) == 128 + 9


def test_follow_prints_what_the_run_writes_and_has_its_exit_code(world: World) -> None:
    world.service(JOB, schedule="@yearly", env={"CODE": "3"})
    shown = odbctl("service", "run", "svc", "--follow")
    assert (shown.code, "working" in shown.out) == (3, True)
    assert "svc-1" in shown.err
    assert world.instance("svc-1")["exit"] == {"code": 3, "signal": None, "cause": "exit"}


def test_a_run_that_fails_is_not_tried_again(world: World) -> None:
    world.service(JOB, schedule="@yearly", restart="on-failure", env={"CODE": "1"})
    world.start()
    world.settle()
    assert odbctl("service", "run", "svc", "--wait").code == 1
    assert odbctl("service", "run", "svc", "--wait").code == 1
    assert [i["id"] for i in world.instances()] == ["svc-1", "svc-2"]
    document = world.status()
    assert (document["restarts"], document["failed_starts"]) == (0, 0)


def test_stop_ends_a_run_and_a_second_run_is_refused(world: World, tmp_path: Path) -> None:
    world.service(SLOW_JOB, schedule="@yearly", env={"GATE": str(tmp_path / "never")})
    assert odbctl("service", "run", "svc").code == 0
    world.wait_running()
    assert world.status()["state"] == "running"
    with pytest.raises(ConflictError, match="already running"):
        services.run_service(world.engine, "svc")
    assert odbctl("service", "stop", "svc").code == 0
    assert world.instance("svc-1")["state"] == "stopped"
    assert world.status()["state"] == "stopped"


def test_stop_cancels_a_run_that_has_not_begun(world: World) -> None:
    world.service(JOB, schedule="@yearly")
    services.run_service(world.engine, "svc")  # no manager, so it does not begin
    assert world.status()["state"] == "waiting"
    with pytest.raises(ConflictError, match="about to start"):
        services.run_service(world.engine, "svc")
    assert services.stop_service(world.engine, "svc").action == "stopped"
    assert world.status()["state"] == "stopped"
    assert services.stop_service(world.engine, "svc").action == "unchanged"


def test_a_run_that_ended_well_fulfills_a_dependency(world: World) -> None:
    world.service(JOB, "migrate", restart="never")
    world.another("web", depends_on=("migrate",), restart="never")
    world.start("web")
    world.wait_state("web", "waiting")
    services.run_service(world.engine, "migrate")
    world.wait_ended("web-1")
