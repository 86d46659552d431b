"""What people do to instances and hooks is on record, and is no crash."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_runner import odbctl
from real_world import PATIENCE_SECONDS, World
from waiting import eventually

from odbctl.engine.api import hooks, instances, status
from odbctl.engine.api.hooks import HookChanges, HookOptions
from odbctl.engine.api.lookups import actor
from odbctl.engine.api.why import why
from odbctl.errors import ConflictError

JOB = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        should_stop.wait()
"""


def acts(world: World, instance: str) -> list[tuple[str, str]]:
    """Return reason and message of the events of an instance that this person caused."""
    found = status.list_events(world.engine, service="svc", limit=1000)
    own = [e for e in found if e["object"] == f"instance/{instance}" and e["actor"] == actor()]
    return [(e["reason"], e["message"]) for e in own]


def test_a_kill_by_a_person_is_on_record_and_is_no_crash(world: World) -> None:
    (before,) = world.run()
    assert odbctl("instance", "kill", "svc-1").code == 0
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])
    world.wait_ended("svc-1")
    assert acts(world, "svc-1") == [("killed", f"SIGKILL to pid {before['pid']}, on request")]
    ended = world.instance("svc-1")
    assert (ended["state"], ended["exit"]) == (
        "stopped",
        {"code": None, "signal": 9, "cause": "kill"},
    )
    assert ended["stopped_by"] == actor()
    assert world.ready()[0]["failures"] == 0
    assert (world.status()["crashes"], world.status()["restarts"]) == (0, 0)
    assert f"killed by {actor()}" in " ".join(why(world.engine, "svc")["lines"])
    assert f"killed by {actor()}" in odbctl("ps", "-a").out


def test_kills_by_a_person_never_lead_to_a_back_off(world: World) -> None:
    world.run()
    for number in range(1, 7):
        instances.kill_instance(world.engine, f"svc-{number}")
        expected = [f"svc-{number + 1}"]
        world.wait(lambda ids=expected: [i["id"] for i in world.ready()] == ids)  # type: ignore[misc] # a lambda's default
    assert world.status()["state"] == "running"


def test_a_kill_by_a_person_fires_no_crash_hook(world: World, tmp_path: Path) -> None:
    file = tmp_path / "calls"
    world.run()
    options = HookOptions(
        command=("sh", "-c", f"cat >> {file}; echo >> {file}"),
        reasons=("crashed", "failed", "stopped"),
        debounce_seconds=0,
    )
    hooks.add_hook(world.engine, "log", options)
    errors = HookOptions(command=("sh", "-c", f"cat >> {file}"), level="error")
    hooks.add_hook(world.engine, "errors", errors)
    instances.kill_instance(world.engine, "svc-1")
    world.wait_running()
    eventually(lambda: file.exists() and file.read_text().endswith("\n"), PATIENCE_SECONDS)
    (call,) = [json.loads(line) for line in file.read_text().splitlines() if line]
    assert (call["reason"], call["level"]) == ("stopped", "info")


def test_a_stop_by_a_person_is_on_record(world: World) -> None:
    world.run()
    instances.stop_instance(world.engine, "svc-1")
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])
    world.wait_ended("svc-1")
    assert acts(world, "svc-1") == [("stopping", "on request")]
    assert world.instance("svc-1")["stopped_by"] == actor()
    assert f"stopped by {actor()}" in " ".join(why(world.engine, "svc-1")["lines"])


@pytest.mark.parametrize("verb", ["kill", "stop"])
def test_a_job_that_a_person_ends_is_not_run_again(world: World, verb: str) -> None:
    world.run(JOB, restart="never")
    assert odbctl("instance", verb, "svc-1").code == 0
    world.wait_ended("svc-1")
    document = world.wait_state("svc", "stopped")
    assert [i["id"] for i in document["instances"]] == ["svc-1"]
    world.start()
    world.wait_running()
    assert [i["id"] for i in world.ready()] == ["svc-2"]


def test_a_kill_of_an_instance_inside_its_manager_is_refused(world: World) -> None:
    world.service(JOB)
    world.start(strategy="in-process")
    world.wait_running()
    with pytest.raises(ConflictError, match="no process of its own"):
        instances.kill_instance(world.engine, "svc-1")
    assert [m["state"] for m in world.managers()] == ["running"]


def test_hook_changes_are_on_record(world: World) -> None:
    hooks.add_hook(world.engine, "mail", HookOptions(command=("true",)))
    hooks.set_hook(world.engine, "mail", HookChanges(level="error"))
    hooks.enable_hook(world.engine, "mail", is_enabled=False)
    hooks.enable_hook(world.engine, "mail", is_enabled=True)
    hooks.remove_hook(world.engine, "mail")
    found = [e for e in status.list_events(world.engine) if e["object"] == "hook/mail"]
    assert [(e["reason"], e["actor"]) for e in found] == [
        (reason, actor()) for reason in ("added", "set", "disabled", "enabled", "removed")
    ]
