"""Services that raise, leave, hang or are killed: each end is told for what it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from real_world import World, is_running, kill, parent_of
from waiting import eventually

from odbctl.engine.api import services, why
from odbctl.engine.api.documents import InstanceDocument
from odbctl.engine.model.core import ServiceInstance
from odbctl.errors import StartFailedError

RAISES_AT_START = """
class Svc(ServiceBase):
    def initialize(self):
        raise RuntimeError("no coffee")

    def teardown(self):
        print("torn down")
"""

# How `do_work` ends, the state and the exit (code, signal, cause) that are recorded.
ENDS = {
    "raises": ("raise ValueError('tired')", "crashed", (1, None, "exit")),
    "returns": ("return", "stopped", (0, None, "exit")),
    "leaves at once": ("os._exit(3)", "crashed", (3, None, "exit")),
    "leaves with a code": ("sys.exit(4)", "crashed", (4, None, "exit")),
    "leaves with a text": ("sys.exit('enough')", "crashed", (1, None, "exit")),
    "leaves well": ("sys.exit()", "stopped", (0, None, "exit")),
    "kills itself": ("os.kill(os.getpid(), signal.SIGKILL)", "crashed", (None, 9, "signal")),
    "aborts": ("os.abort()", "crashed", (None, 6, "signal")),
}

DEAF = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
        print("child", subprocess.Popen([sys.executable, "-c", child]).pid)
        while True:
            signal.pause()
"""

# A process that would live on, in the service's group and in one of its own.
PARENT = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        command = ["sleep", "600"]
        print("child", subprocess.Popen(command).pid)
        print("child", subprocess.Popen(command, process_group=0).pid)
        should_stop.wait()
"""


def exit_of(instance: InstanceDocument) -> tuple[int | None, int | None, str | None]:
    found = instance["exit"]
    assert found is not None
    return found["code"], found["signal"], found["cause"]


def children(world: World) -> list[int]:
    return [int(text.split()[1]) for text in world.texts() if text.startswith("child ")]


def test_a_raising_initialize_is_a_failed_start_with_its_reason(world: World) -> None:
    world.service(RAISES_AT_START, restart="never")
    world.start()
    ended = world.wait_ended("svc-1")
    assert (ended["state"], exit_of(ended)) == ("failed", (1, None, "exit"))
    assert ended["reason"] == "RuntimeError: no coffee"
    assert world.status()["failed_starts"] == 1
    assert "torn down" in world.texts()


def test_the_traceback_of_a_failed_start_is_in_the_log_once(world: World) -> None:
    world.service(RAISES_AT_START, restart="never")
    world.start()
    world.wait_ended("svc-1")
    text = "\n".join(world.texts())
    assert text.count("Traceback (most recent call last):") == 1
    assert text.count("RuntimeError: no coffee") == 1
    assert "odbctl/engine" not in text


def test_waiting_for_a_failed_start_ends_with_its_reason_and_log(world: World) -> None:
    world.service(RAISES_AT_START, restart="never")
    world.start()
    with pytest.raises(StartFailedError, match="no coffee") as caught:
        world.settle()
    assert any("no coffee" in line["text"] for line in caught.value.log_lines)


@pytest.mark.parametrize("how", ENDS)
def test_an_early_end_is_recorded_as_it_was(world: World, how: str) -> None:
    statement, state, ended = ENDS[how]
    source = f"class Svc(ServiceBase):\n    def do_work(self, should_stop):\n        {statement}\n"
    world.service(source, restart="never")
    world.start()
    found = world.wait_ended("svc-1")
    assert (found["state"], exit_of(found)) == (state, ended)
    assert found["running_at"] is not None
    assert why.why(world.engine, "svc")["lines"]


@pytest.mark.parametrize("define", ["def", "async def"])
def test_what_do_work_raised_is_the_reason(world: World, define: str) -> None:
    world.service(
        f"class Svc(ServiceBase):\n    {define} do_work(self, should_stop):\n        1 / 0\n",
        restart="never",
    )
    world.start()
    assert world.wait_ended("svc-1")["reason"] == "ZeroDivisionError: division by zero"
    with world.engine.db.view():
        (text,) = (each.traceback or "" for each in ServiceInstance.lookup_all())
    assert "in do_work" in text.splitlines()[1]
    assert any("ZeroDivisionError" in line for line in why.why(world.engine, "svc")["lines"])


def test_one_that_ignores_the_stop_is_killed_after_its_grace_with_its_group(world: World) -> None:
    (deaf,) = world.run(DEAF, stop_grace_seconds=0.3)
    world.wait_line("child")
    (child,) = children(world)
    world.stop()
    ended = world.instance(deaf["id"])
    assert (ended["state"], exit_of(ended)) == ("stopped", (None, 9, "kill"))
    assert ended["ended_at"] is not None
    assert ended["stopping_at"] is not None
    assert ended["ended_at"] - ended["stopping_at"] >= 0.3
    eventually(lambda: not is_running(child))


def test_one_that_hears_sigterm_only_is_stopped_within_its_grace(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            print("deaf")
            while True:
                signal.pause()
    """
    world.run(source, stop_grace_seconds=4.0)
    world.wait_line("deaf")
    world.stop()
    assert exit_of(world.instance("svc-1")) == (0, None, "stop")


def test_children_are_gone_after_a_stop(world: World) -> None:
    world.run(PARENT)
    eventually(lambda: len(children(world)) == 2)
    found = children(world)
    assert all(map(is_running, found))
    world.stop()
    eventually(lambda: not any(map(is_running, found)))


def test_children_are_gone_after_a_kill(world: World) -> None:
    (parent,) = world.run(PARENT)
    eventually(lambda: len(children(world)) == 2)
    found = children(world)
    kill(parent["pid"])
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])
    eventually(lambda: not any(map(is_running, found)))


def test_children_are_gone_after_a_kill_without_a_launcher(world: World) -> None:
    (parent,) = world.run(PARENT)
    eventually(lambda: len(children(world)) == 2)
    found = children(world)
    (launcher,) = world.launcher_pids()
    kill(launcher)
    kill(parent["pid"])
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])
    eventually(lambda: not any(map(is_running, found)))


# A daemon: forked twice, leader of a session of its own, with and without another program.
DAEMONS = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        for program in (None, "sleep"):
            read, write = os.pipe()
            if os.fork() == 0:
                os.setsid()
                if (pid := os.fork()) == 0:
                    os.close(read)
                    os.close(write)
                    os.chdir("/")
                    if program:
                        os.execlp(program, program, "600")
                    while True:
                        signal.pause()
                os.write(write, b"%d" % pid)
                os._exit(0)
            os.wait()
            print("child", int(os.read(read, 20)))
        should_stop.wait()
"""


@pytest.mark.parametrize("end", ["stop", "kill", "kill without a launcher"])
def test_daemons_of_a_service_are_gone_with_it(world: World, end: str) -> None:
    (parent,) = world.run(DAEMONS)
    eventually(lambda: len(children(world)) == 2)
    found = children(world)
    assert all(map(is_running, found))
    if end == "stop":
        world.stop()
    else:
        if end == "kill without a launcher":
            kill(parent_of(parent["pid"]))
        kill(parent["pid"])
    eventually(lambda: not any(map(is_running, found)))


def test_forked_copies_of_a_worker_are_gone_after_a_stop(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            pid = os.fork()
            if pid == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                while True:
                    signal.pause()
            print("child", pid)
            should_stop.wait()
    """
    world.run(source)
    world.wait_line("child")
    (child,) = children(world)
    world.stop()
    eventually(lambda: not is_running(child))


def test_a_raising_teardown_is_told_and_stops_all_the_same(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def teardown(self):
            raise OSError("stuck door")
    """
    world.run(source)
    world.stop()
    (ended,) = world.instances()
    assert (ended["state"], ended["reason"]) == ("stopped", "OSError: stuck door")


def test_exit_functions_of_the_author_run(world: World) -> None:
    source = """
    import atexit

    class Svc(ServiceBase):
        def initialize(self):
            atexit.register(print, "at exit")
    """
    world.run(source)
    world.stop()
    assert "at exit" in world.texts()


def test_exit_functions_of_the_author_may_use_the_database(world: World) -> None:
    source = """
    import atexit

    class Svc(ServiceBase):
        def initialize(self):
            atexit.register(self.say_goodbye)

        def say_goodbye(self):
            with self.db.view():
                print("the end of", self.service.name)
    """
    world.run(source)
    world.stop()
    assert "the end of svc" in world.texts()


def test_a_service_that_was_wanted_no_more_while_it_initialized_never_runs(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def initialize(self):
            print("slow")
            signal.pause()

        def do_work(self, should_stop):
            print("worked")
    """
    world.service(source, stop_grace_seconds=0.2)
    world.start()
    world.wait_line("slow")
    world.stop()
    (ended,) = world.instances()
    assert (ended["state"], ended["running_at"]) == ("stopped", None)
    assert "worked" not in world.texts()


def test_a_hanging_service_holds_up_no_other(world: World) -> None:
    world.run(DEAF, "deaf", stop_grace_seconds=60.0)
    world.wait_line("child", "deaf")
    world.another("quick", class_name="Svc")
    (deaf,) = world.ready("deaf")
    services.stop_service(world.engine, "deaf")
    world.start("quick", 2)
    world.wait_running("quick", 2)
    assert world.status("deaf")["state"] == "stopping"
    kill(deaf["pid"])
    world.settle("deaf")


def test_a_storage_folder_that_cannot_be_made_is_a_failed_start(world: World) -> None:
    world.service(restart="never")
    Path(world.home.storage).write_text("a file where a folder should be")
    world.start()
    ended = world.wait_ended("svc-1")
    assert (ended["state"], exit_of(ended)) == ("failed", (1, None, "exit"))
    assert ended["reason"]
