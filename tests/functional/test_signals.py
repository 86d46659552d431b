"""A signal is heard whenever it comes: also just before a sleep, and inside of a lock.

The interpreter runs a signal's handler between two of its own instructions. A signal
that comes after the last of them, and before the system call that sleeps, is handled
when that sleep is over, unless the sleep itself is woken. Here the signal and the sleep
are two C functions in one call, so that no instruction comes in between.
"""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from real_world import World, kill
from waiting import eventually

from odbctl.engine.api.documents import InstanceDocument
from odbctl.engine.model.core import ServiceInstance
from odbctl.engine.worker.control import control_path, send_control

# A manager that gets the signal of argument 2 just before its first sleep that nothing disturbs.
MANAGER = """
import ctypes, os, select, sys, types
from functools import partial
from operator import call
from pathlib import Path
from odbctl.engine.managers import housekeeping, service_manager
from odbctl.engine.managers.background import ManagerOptions
from odbctl.engine.managers.daemon import run_manager
from odbctl.engine.managers.host import HostSettings
from odbctl.paths import Home

housekeeping.HEARTBEAT_SECONDS = 600.0
home, number = Home.at(Path(sys.argv[1])), int(sys.argv[2])
send = partial(ctypes.CDLL(None).kill, os.getpid(), number)

class Poll:
    def __init__(self):
        self.real = select.poll()
        self.register = self.real.register

    def poll(self, milliseconds):
        if events := self.real.poll(min(milliseconds, 500)):
            return events
        return list(map(call, (send, partial(self.real.poll, milliseconds))))[1]

service_manager.select = types.SimpleNamespace(poll=Poll, POLLIN=1, POLLOUT=4)
run_manager(home, ManagerOptions(host=HostSettings()))
"""

# Sleeps in C until another thread has heard that it should stop.
SLEEPS_IN_C = """
import ctypes, threading
from functools import partial
from operator import call

class Svc(ServiceBase):
    def do_work(self, should_stop):
        bed = threading.Lock()
        bed.acquire()

        def wake():
            should_stop.wait()
            bed.release()

        threading.Thread(target=wake).start()
        send = partial(ctypes.CDLL(None).kill, os.getpid(), SIGNAL)
        list(map(call, (send, bed.acquire)))
        print("woken")
"""

# Gets the signal at the one moment of `should_stop.wait()` in which it holds the event's lock.
HOLDS_THE_LOCK = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        with should_stop._cond:
            os.kill(os.getpid(), SIGNAL)
        should_stop.wait()
        print("woken")
"""

KEEPS_SIGTERM = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        signal.signal(signal.SIGTERM, lambda *_: print("mine"))
        print("ready")
        should_stop.wait()
"""

# Ends a copy of itself as multiprocessing does, after a second.
FORKS = """
import multiprocessing, time

class Svc(ServiceBase):
    def do_work(self, should_stop):
        copy = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
        copy.start()
        print("forked")
        should_stop.wait(1.0)
        copy.terminate()
        copy.join(10)
        print("copy", copy.exitcode, should_stop.is_set())
        should_stop.wait()
"""

# A copy of it comes to the end of `do_work` as well.
RETURNS_TWICE = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        if copy := os.fork():
            print("copy", os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]))
            should_stop.wait()

    def teardown(self):
        print("torn down")
"""

# Sends itself the signal while asyncio has the interpreter tell *its* loop of signals.
AWAITS = """
import asyncio

class Svc(ServiceBase):
    def do_work(self, should_stop):
        asyncio.run(self.work(should_stop))

    async def work(self, should_stop):
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, lambda: None)
        loop.call_later(0.1, os.kill, os.getpid(), SIGNAL)
        await asyncio.to_thread(should_stop.wait)
        print("woken")
"""

# The same with a loop that the worker runs.
IS_AWAITED = """
import asyncio

class Svc(ServiceBase):
    async def do_work(self, should_stop):
        asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), SIGNAL)
        await self.stop_requested()
        print("woken")
"""

MOMENTS = {
    "sleep": SLEEPS_IN_C,
    "lock": HOLDS_THE_LOCK,
    "asyncio": AWAITS,
    "coroutine": IS_AWAITED,
}
STOPPING = (signal.SIGTERM, signal.SIGINT)


@pytest.mark.parametrize("number", STOPPING)
def test_a_manager_hears_a_signal_that_comes_just_before_it_sleeps(
    world: World, number: signal.Signals
) -> None:
    command = [sys.executable, "-c", MANAGER, str(world.home.data), str(int(number))]
    manager = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (manager.returncode, manager.stderr) == (0, "")
    assert [m["state"] for m in world.managers()] == ["stopped"]


@pytest.mark.parametrize("number", STOPPING)
@pytest.mark.parametrize("source", MOMENTS.values(), ids=MOMENTS)
def test_a_worker_hears_a_signal_whatever_it_does(
    world: World, source: str, number: signal.Signals
) -> None:
    world.service(source.replace("SIGNAL", str(int(number))), restart="never")
    world.start()
    world.wait_line("woken")
    assert exit_of(world.wait_ended("svc-1")) == (0, None)


def test_a_copy_that_a_service_forked_ends_on_sigterm_alone(world: World) -> None:
    world.run(FORKS)
    assert world.wait_line("copy ")["text"] == "copy -15 False"
    assert [i["id"] for i in world.ready()] == ["svc-1"]
    world.stop()
    assert exit_of(world.instance("svc-1")) == (0, None)


def test_a_copy_that_comes_back_takes_nothing_from_the_worker(world: World) -> None:
    world.run(RETURNS_TWICE, stop_grace_seconds=60.0)
    assert world.wait_line("copy ")["text"] == "copy 0"
    assert send_control(control_path(world.home.run, instance_oid(world)), b"?")
    assert [i["id"] for i in world.ready()] == ["svc-1"]
    world.stop()
    assert exit_of(world.instance("svc-1")) == (0, None)
    assert world.texts()[1:] == ["torn down"]


def instance_oid(world: World) -> int:
    with world.engine.db.view():
        (found,) = ServiceInstance.lookup_all()
        return found.oid


def test_a_signal_that_a_service_handles_itself_does_not_stop_it(world: World) -> None:
    (found,) = world.run(KEEPS_SIGTERM)
    world.wait_line("ready")
    kill(found["pid"], signal.SIGTERM)
    world.wait_line("mine")
    kill(found["pid"], signal.SIGTERM)
    eventually(lambda: world.texts().count("mine") == 2)
    assert [i["id"] for i in world.ready()] == ["svc-1"]
    world.stop()
    assert exit_of(world.instance("svc-1")) == (0, None)


def exit_of(instance: InstanceDocument) -> tuple[int | None, int | None]:
    found = instance["exit"]
    assert found is not None
    return found["code"], found["signal"]
