"""An instance that is stopped, or has crashed, has left nothing that runs."""

from __future__ import annotations

import signal

import pytest
from real_world import World, is_running, kill

# Starts daemons in sessions of their own: one obeys SIGTERM, the other one does not; a third
# one has a child that is found only when the third has gone.
DAEMONS = """
import time

def daemon(code):
    command = [sys.executable, "-c", "import os, signal, subprocess, sys, time; " + code]
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        process = subprocess.Popen(
            command, start_new_session=True, stdout=subprocess.PIPE, text=True
        )
        pids = process.stdout.readline()
        os.write(write, pids.encode())
        os._exit(0)
    os.wait()
    print("left", os.read(read, 100).decode().strip())

class Svc(ServiceBase):
    def do_work(self, should_stop):
        daemon("print(os.getpid(), flush=True); time.sleep(600)")
        deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        daemon(deaf + "print(os.getpid(), flush=True); time.sleep(600)")
        child = "p = subprocess.Popen(['sleep', '600'], start_new_session=True); "
        daemon(child + "print(os.getpid(), p.pid, flush=True); time.sleep(600)")
        print("ready")
        should_stop.wait()
"""


def left(world: World) -> list[int]:
    """Return the pids of the processes that the service has started."""
    world.wait_line("ready")
    lines = [text for text in world.texts() if text.startswith("left ")]
    return [int(word) for line in lines for word in line.split()[1:]]


@pytest.mark.parametrize("start_method", ["fork", "exec"])
def test_nothing_runs_any_more_when_a_service_is_stopped(world: World, start_method: str) -> None:
    world.manager(start_method=start_method)
    world.run(DAEMONS)
    found = left(world)
    assert len(found) == 4
    assert all(map(is_running, found))
    world.stop()
    assert [pid for pid in found if is_running(pid)] == []
    assert {i["state"] for i in world.instances()} == {"stopped"}


def test_nothing_runs_any_more_when_an_adopted_instance_is_stopped(world: World) -> None:
    world.run(DAEMONS)
    found = left(world)
    for pid in world.launcher_pids():
        kill(pid)
    world.stop()
    assert [pid for pid in found if is_running(pid)] == []


def test_nothing_runs_any_more_when_a_worker_ended_before_its_adoption(world: World) -> None:
    (first,) = world.run(DAEMONS)
    found = left(world)
    manager = world.manager_pid()
    kill(manager, signal.SIGSTOP)
    for pid in (*world.launcher_pids(), first["pid"]):
        kill(pid)
    kill(manager, signal.SIGCONT)
    world.wait_ended("svc-1")
    assert [pid for pid in found if is_running(pid)] == []


def test_a_killed_instance_is_replaced_when_nothing_of_it_runs(world: World) -> None:
    (first,) = world.run(DAEMONS)
    found = left(world)
    kill(first["pid"])
    world.wait_ended("svc-1")
    assert [pid for pid in found if is_running(pid)] == []
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])
    assert world.instance("svc-1")["exit"] == {"code": None, "signal": 9, "cause": "signal"}


def test_a_manager_that_comes_meanwhile_hears_the_true_end(world: World) -> None:
    (first,) = world.run(DAEMONS)
    found = left(world)
    manager = world.manager_pid()
    kill(first["pid"])
    kill(manager)
    world.manager()
    ended = world.wait_ended("svc-1")
    assert ended["exit"] == {"code": None, "signal": 9, "cause": "signal"}
    assert [pid for pid in found if is_running(pid)] == []
