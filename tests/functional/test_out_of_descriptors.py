"""Who has no descriptor left is not dead: no worker of such a manager, and no such worker."""

from __future__ import annotations

import resource
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli_runner import odbctl
from real_world import World, is_running, kill, wait_until_idle
from waiting import eventually

from odbctl.engine.api import services, status

COUNT = 12
READY = """
class Svc(ServiceBase):
    def health(self):
        return True
"""


@contextmanager
def without_descriptors(pid: int, limit: int) -> Generator[None]:
    """Let a process open nothing more."""
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def reasons(world: World) -> list[str]:
    found = status.list_events(world.engine, limit=1000)
    return [e["reason"] for e in found if e["object"] == "host/local"]


@pytest.mark.parametrize("limit", [1, 6])
def test_living_workers_are_not_lost_without_descriptors(world: World, limit: int) -> None:
    world.manager(is_kept=True)
    found = world.run(
        READY, count=COUNT, liveness="health", probe_period_seconds=0.2,
        probe_timeout_seconds=0.5, probe_failures=1, start_grace_seconds=0.1,
    )  # fmt: skip
    pids = [i["pid"] for i in found]
    manager = world.manager_pid()
    with without_descriptors(manager, limit):
        for pid in world.launcher_pids():
            kill(pid)
        services.reset_service(world.engine, "svc")  # wakes the manager
        eventually(lambda: "out-of-descriptors" in reasons(world), 20)
        (document,) = world.managers()
        assert "out of file descriptors" in document["problem"]
        assert "out of file descriptors" in odbctl("doctor").out
        wait_until_idle(manager)
        assert is_running(manager)
        assert [i["pid"] for i in world.ready()] == pids
    eventually(lambda: "descriptors-available" in reasons(world), 20)
    kill(pids[0])  # it is watched again
    world.wait(lambda: len({i["pid"] for i in world.ready()} - set(pids)) == 1)
    assert sum(i["ended_at"] is not None for i in world.instances()) == 1
    assert {i["pid"] for i in world.ready()} >= set(pids[1:])
    assert world.status()["restarts"] == 1
    world.stop()
    assert not any(map(is_running, pids))


HUNGRY = """
import resource

class Svc(ServiceBase):
    asked = 0

    def do_work(self, should_stop):
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        held = []
        try:
            while True:
                held.append(os.dup(0))
        except OSError:
            print("no descriptor is left")
        should_stop.wait()

    def health(self):
        self.asked += 1
        print("asked", self.asked)
        return True
"""


def test_a_worker_without_descriptors_answers_its_probes(world: World, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    [found] = world.run(
        HUNGRY, liveness="health", readiness=f"exec:sh -c 'echo x >> {asked}'",
        probe_period_seconds=0.1, probe_failures=1, start_grace_seconds=0.5,
    )  # fmt: skip
    world.wait_line("asked 3")
    first = len(asked.read_text())
    eventually(lambda: len(asked.read_text()) > first + 4)
    assert [i["pid"] for i in world.ready()] == [found["pid"]]
    assert world.status()["restarts"] == 0
    texts = world.texts()
    assert texts.index("no descriptor is left") < texts.index("asked 1")
    assert sum("out of file descriptors" in text for text in texts) == 1
