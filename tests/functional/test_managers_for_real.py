"""Managers and launchers come and go, are killed and are started twice: services go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from real_world import World, is_running, kill, processes_of
from waiting import eventually

from odbctl.engine.api import creation, managers, services, status, why
from odbctl.engine.api.engine import Engine
from odbctl.engine.managers.background import ManagerOptions, manager_log, start_in_background
from odbctl.engine.managers.daemon import run_manager
from odbctl.engine.managers.host import HostSettings
from odbctl.errors import AlreadyExistsError, ConflictError, ManagerUnreachableError

IDLE_PAIR = "class Svc(ServiceBase):\n    pass\n"

LEAVES_WITH_9 = """
class Svc(ServiceBase):
    def initialize(self):
        signal.signal(signal.SIGUSR1, lambda *_: os._exit(9))
"""


def kill_manager(world: World) -> None:
    """Kill the manager and wait until nothing says that it lives."""
    pid = world.manager_pid()
    kill(pid)
    eventually(lambda: not is_running(pid))


def kill_launcher(world: World) -> None:
    found = world.launcher_pids()
    for pid in found:
        kill(pid)
    eventually(lambda: not any(map(is_running, found)))


def pids(world: World) -> list[int | None]:
    return [i["pid"] for i in world.ready()]


def test_two_users_create_the_same_service_at_once(world: World) -> None:
    world.service(name="first")
    results: list[str] = []
    gate = threading.Barrier(2)

    def create() -> None:
        with Engine.open(world.home) as engine:
            gate.wait()
            try:
                creation.create_service(
                    engine,
                    "same",
                    class_spec="svc:Svc",
                    codebase="app",
                    options=creation.ServiceOptions(),
                )
                results.append("created")
            except AlreadyExistsError:
                results.append("exists")

    threads = [threading.Thread(target=create) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["created", "exists"]
    assert [s["name"] for s in status.list_services(world.engine)] == ["first", "same"]


def test_a_second_manager_of_a_host_refuses(world: World) -> None:
    pid = world.manager()
    with pytest.raises(ConflictError, match="already running"):
        run_manager(world.home, ManagerOptions(host=HostSettings()))
    assert world.manager_pid() == pid


def test_of_two_managers_started_at_once_one_stays(world: World) -> None:
    options = ManagerOptions(host=HostSettings())
    world.loose += [start_in_background(world.home, options) for _ in range(2)]
    eventually(lambda: sum(p.poll() is not None for p in world.loose) == 1)
    world.wait(lambda: any(m["state"] == "running" for m in world.managers()))
    ended = [p.returncode for p in world.loose if p.returncode is not None]
    assert ended == [ConflictError.exit_code]
    assert world.manager_pid() in [p.pid for p in world.loose]
    world.service()
    world.start(count=2)
    world.wait_running(count=2)
    assert len(world.instances()) == 2


def test_starting_a_manager_that_runs_changes_nothing(world: World) -> None:
    pid = world.manager()
    change = managers.start_manager(world.engine, ManagerOptions(host=HostSettings()))
    assert change.action == "unchanged"
    assert not managers.ensure_manager(world.engine)
    assert world.manager_pid() == pid


def test_a_manager_that_cannot_start_says_why(world: World) -> None:
    options = ManagerOptions(host=HostSettings(), strategy="nowhere:Manager")
    with pytest.raises(ManagerUnreachableError, match="no strategy 'nowhere:Manager'"):
        managers.start_manager(world.engine, options)


def test_workers_live_on_after_a_kill_of_the_manager_and_are_adopted(world: World) -> None:
    world.run(count=2)
    before = pids(world)
    kill_manager(world)
    assert pids(world) == before
    world.manager()
    services.scale_service(world.engine, "svc", 3)
    world.wait_running(count=3)
    assert pids(world)[:2] == before
    assert (world.status()["restarts"], len(world.instances())) == (0, 3)


@pytest.mark.parametrize(
    ("number", "code", "cause"), [(signal.SIGKILL, None, "signal"), (signal.SIGUSR1, 9, "exit")]
)
def test_an_end_without_a_manager_has_its_true_code(
    world: World, number: signal.Signals, code: int | None, cause: str
) -> None:
    (found,) = world.run(LEAVES_WITH_9)
    kill_manager(world)
    kill(found["pid"], number)
    eventually(lambda: not is_running(found["pid"]))
    world.manager()
    ended = world.wait_ended("svc-1")
    assert ended["exit"] == {
        "code": code,
        "signal": None if code else int(number),
        "cause": cause,
    }
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])


def test_an_end_without_manager_has_its_true_code_after_the_launcher_went_too(
    world: World,
) -> None:
    (found,) = world.run()
    kill_manager(world)
    kill(found["pid"])
    eventually(lambda: not world.launcher_pids())  # nothing is left for it to do
    world.manager()
    assert world.wait_ended("svc-1")["exit"] == {"code": None, "signal": 9, "cause": "signal"}


def test_workers_live_on_after_a_kill_of_the_launcher(world: World) -> None:
    world.run(count=2)
    before = pids(world)
    kill_launcher(world)
    services.scale_service(world.engine, "svc", 3)
    world.wait_running(count=3)
    assert pids(world)[:2] == before
    assert world.status()["restarts"] == 0


def test_the_launcher_after_a_killed_one_is_found_by_the_next_manager(world: World) -> None:
    world.run()
    kill_launcher(world)
    services.scale_service(world.engine, "svc", 2)
    _first, second = world.wait_running(count=2)
    kill_manager(world)
    kill(second["pid"])
    eventually(lambda: not is_running(second["pid"]))
    world.manager()
    ended = world.wait_ended(second["id"])
    assert ended["exit"] == {"code": None, "signal": 9, "cause": "signal"}


@pytest.mark.parametrize(
    ("number", "code", "cause"), [(signal.SIGKILL, None, "signal"), (signal.SIGUSR1, 9, "exit")]
)
def test_an_adopted_one_ends_with_its_true_code_where_the_kernel_tells(
    world: World, number: signal.Signals, code: int | None, cause: str
) -> None:
    (found,) = world.run(LEAVES_WITH_9)
    kill_launcher(world)
    eventually(lambda: "will be adopted" in manager_log(world.home, "local").read_text())
    kill(found["pid"], number)
    assert world.wait_ended("svc-1")["exit"] == {
        "code": code,
        "signal": None if code else int(number),
        "cause": cause,
    }


def test_one_that_leaves_in_order_with_nobody_there_says_its_code(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            should_stop.wait()
            sys.exit(5)
    """
    (found,) = world.run(source)
    kill_manager(world)
    kill_launcher(world)
    kill(found["pid"], signal.SIGTERM)
    eventually(lambda: not is_running(found["pid"]))
    world.manager()
    assert world.wait_ended("svc-1")["exit"] == {"code": 5, "signal": None, "cause": "exit"}


def test_how_one_was_killed_with_nobody_there_is_unknown_and_said(world: World) -> None:
    (found,) = world.run()
    kill_manager(world)
    kill_launcher(world)
    kill(found["pid"])
    eventually(lambda: not is_running(found["pid"]))
    world.manager()
    ended = world.wait_ended("svc-1")
    assert (ended["state"], ended["exit"]) == (
        "lost",
        {"code": None, "signal": None, "cause": "unknown"},
    )
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])
    assert any("exit unknown" in line for line in why.why(world.engine, "svc")["lines"])


def test_a_worker_whose_launcher_was_killed_is_stopped_as_any(world: World) -> None:
    world.run(count=2)
    kill_launcher(world)
    world.stop()
    assert {i["state"] for i in world.instances()} == {"stopped"}


def test_workers_live_on_after_a_kill_of_manager_and_launcher(world: World) -> None:
    world.run(count=2)
    before = pids(world)
    kill_manager(world)
    kill_launcher(world)
    assert pids(world) == before
    world.manager()
    services.scale_service(world.engine, "svc", 3)
    world.wait_running(count=3)
    assert pids(world)[:2] == before
    world.stop()


def test_a_stopping_manager_leaves_services_running(world: World) -> None:
    world.run(count=2)
    before = pids(world)
    change = managers.stop_manager(world.engine)
    assert "2 instances keep running without it" in change.message
    assert pids(world) == before
    assert all(is_running(pid) for pid in before)
    world.manager()
    assert pids(world) == before


def test_a_restarted_manager_keeps_workers_and_settings(world: World) -> None:
    world.service()
    world.start(count=2, cores=3.0, placement="attic")
    world.wait_running(count=2)
    before, old = pids(world), world.manager_pid()
    managers.restart_manager(world.engine)
    assert world.manager_pid() != old
    (host,) = status.list_hosts(world.engine)
    assert (host["cores"], host["placement"]) == (3.0, "attic")
    assert pids(world) == before


def test_a_restarted_manager_keeps_its_start_method(world: World) -> None:
    world.service()
    world.start(start_method="exec")
    world.wait_running()
    managers.restart_manager(world.engine)
    services.scale_service(world.engine, "svc", 2)
    world.wait_running(count=2)
    assert len(world.launcher_pids()) == 1


def test_a_manager_stops_with_its_services_when_asked_to(world: World) -> None:
    world.run(count=2)
    managers.stop_manager(world.engine, with_services=True)
    assert eventually(lambda: not processes_of(world.home))


def test_a_stop_that_nobody_heard_is_done_by_the_next_manager(world: World) -> None:
    (found,) = world.run()
    kill_manager(world)
    services.stop_service(world.engine, "svc")
    world.manager()
    world.settle()
    assert not is_running(found["pid"])
    assert world.instance("svc-1")["state"] == "stopped"


def test_a_kill_in_the_middle_of_a_stop_is_finished_by_the_next_manager(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            should_stop.wait()
            print("asked")
            while True:
                signal.pause()
    """
    world.run(source, stop_grace_seconds=0.5)
    services.stop_service(world.engine, "svc")
    world.wait_line("asked")
    kill_manager(world)
    world.manager()
    world.settle()
    assert world.instance("svc-1")["exit"] == {"code": None, "signal": 9, "cause": "kill"}


def test_status_never_says_that_a_dead_instance_runs(world: World) -> None:
    first, _second = world.run(count=2)
    kill_manager(world)
    kill(first["pid"])
    eventually(lambda: not is_running(first["pid"]))
    assert [i["id"] for i in world.ready()] == ["svc-2"]
    document = world.status()
    assert (document["state"], document["running_count"]) == ("degraded", 1)
    assert "odbctl manager start" in document["reason"]
    assert world.instance("svc-1")["state"] == "lost"


def test_a_booting_instance_is_not_running_when_no_manager_starts_it(world: World) -> None:
    world.service(count=1)
    assert world.status()["state"] == "waiting"


def test_an_interrupt_of_the_starting_shell_stops_nothing(world: World) -> None:
    world.service()
    script = (
        "import os, signal\n"
        "from odbctl.engine.api import managers, services\n"
        "from odbctl.engine.api.engine import Engine\n"
        "with Engine.open() as engine:\n"
        "    managers.ensure_manager(engine)\n"
        "    services.start_service(engine, 'svc')\n"
        "os.killpg(0, signal.SIGINT)\n"
    )
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    shell = subprocess.run(
        [sys.executable, "-c", script],
        cwd=root,
        start_new_session=True,
        capture_output=True,
        check=False,
    )
    assert shell.returncode != 0
    world.wait_running()


def test_a_hundred_instances_come_to_run_and_stop(world: World) -> None:
    world.service()
    world.start(count=100)
    found = world.wait_running(count=100)
    assert len({i["pid"] for i in found}) == 100
    world.stop()
    assert not any(is_running(i["pid"]) for i in found)


# Somebody scales the service in the midst of a pass, when the manager has just planned.
INTERRUPTED_STRATEGY = """
import os
import threading

from odbctl.engine.managers import housekeeping
from odbctl.engine.managers.subprocess_manager import SubprocessServiceManager
from odbctl.engine.model.core import Service
from odbctl.engine.odb import Database

housekeeping.HEARTBEAT_SECONDS = 3600.0  # nothing else wakes it


class InterruptedManager(SubprocessServiceManager):
    strategy = "interrupted"

    def _follow_hooks(self, **options):
        if os.path.exists("{sign}"):
            os.unlink("{sign}")
            thread = threading.Thread(target=self._scale)
            thread.start()
            thread.join()
        super()._follow_hooks(**options)

    def _scale(self):
        with Database(self.home.database, run_dir=self.home.run) as db:
            with db.transaction():
                Service.lookup_one(name="svc").desired_count += 1
"""


def test_what_is_committed_in_the_midst_of_a_pass_is_done_at_once(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign = tmp_path / "sign"
    source = INTERRUPTED_STRATEGY.replace("{sign}", str(sign))
    (tmp_path / "interrupted_managers.py").write_text(source)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    world.service()
    world.start(count=1, strategy="interrupted_managers:InterruptedManager")
    world.wait_running()
    for count in (2, 3):
        sign.touch()
        services.reset_service(world.engine, "svc")  # begins a pass
        world.wait_running(count=count)
