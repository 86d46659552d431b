"""From a git ref to supervised instances: the story that everything else is about."""

from __future__ import annotations

import time

from real_world import World, is_running, kill
from waiting import eventually

TALKER = """
import logging

class Svc(ServiceBase):
    def initialize(self):
        print("out of", self.runtime.name)
        print("err of", self.runtime.name, file=sys.stderr)
        logging.getLogger("talker").warning("logged by %s", self.runtime.name)
"""


def test_started_instances_run_as_processes(world: World) -> None:
    found = world.run(TALKER, count=2)
    assert [i["id"] for i in found] == ["svc-1", "svc-2"]
    assert world.status()["state"] == "running"
    assert all(i["pid"] is not None and is_running(i["pid"]) for i in found)
    assert {i["commit"] for i in found} == {world.repo.head()}


def test_log_records_have_time_level_and_stream(world: World) -> None:
    began_at = time.time()
    world.run(TALKER)
    lines = {line["text"]: line for line in world.log()}
    out, err = lines["out of svc-1"], lines["err of svc-1"]
    logged = next(line for text, line in lines.items() if "logged by svc-1" in text)
    assert [line["stream"] for line in (out, err, logged)] == ["stdout", "stderr", "log"]
    assert logged["level"].lower() == "warning"
    assert all(began_at <= line["at"] <= time.time() for line in (out, err, logged))


def test_a_killed_instance_is_replaced_and_its_signal_recorded(world: World) -> None:
    first, second = world.run(TALKER, count=2)
    kill(first["pid"])
    ended = world.wait_ended("svc-1")
    assert (ended["state"], ended["exit"]) == (
        "crashed",
        {"code": None, "signal": 9, "cause": "signal"},
    )
    now = world.wait_running(count=2)
    assert [i["id"] for i in now] == ["svc-2", "svc-3"]
    assert now[0]["pid"] == second["pid"]
    assert (now[1]["slot"], now[1]["failures"]) == (first["slot"], 1)
    assert world.status()["crashes"] == 1


def test_the_log_of_the_killed_instance_stays(world: World) -> None:
    (first,) = world.run(TALKER)
    kill(first["pid"])
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])
    assert "out of svc-1" in world.texts(instance="svc-1")
    world.wait_line("out of svc-2", instance="svc-2")


def test_stopped_instances_are_gone_and_ended_as_asked(world: World) -> None:
    found = world.run(TALKER, count=2)
    world.stop()
    assert world.status()["state"] == "stopped"
    eventually(lambda: not any(is_running(i["pid"]) for i in found))
    ends = [(i["state"], i["exit"]) for i in world.instances()]
    assert ends == [("stopped", {"code": 0, "signal": None, "cause": "stop"})] * 2
