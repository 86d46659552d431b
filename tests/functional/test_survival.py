"""Survival: whoever is killed, the services go on, are watched again, and run once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest
from cli_runner import odbctl
from real_world import World, is_running, kill, parent_of, processes_of, wait_until_idle
from waiting import eventually

from odbctl.engine.api import managers, services
from odbctl.engine.api.install import make_init_line, make_unit
from odbctl.engine.managers.background import ManagerOptions
from odbctl.engine.managers.host import HostSettings
from odbctl.engine.managers.launcher_client import LauncherClient, find_launchers
from odbctl.engine.managers.messages import WorkerExited, parse_reports
from odbctl.engine.model.core import ServiceHost, ServiceInstance
from odbctl.engine.worker.launch import WorkerLaunch
from odbctl.engine.worker.mark import BLANK, worn_mark


def pids(world: World) -> list[int | None]:
    return [i["pid"] for i in world.ready()]


def is_managed(world: World, *, without: int) -> bool:
    return any(m["state"] == "running" and m["pid"] != without for m in world.managers())


def test_a_killed_manager_is_started_again(world: World) -> None:
    world.manager(is_kept=True)
    before = [i["pid"] for i in world.run(count=5)]
    for _ in range(2):
        victim = world.manager_pid()
        kill(victim)
        eventually(partial(is_managed, world, without=victim))
        services.scale_service(world.engine, "svc", len(before) + 1)
        world.wait_running(count=len(before) + 1)
        assert pids(world)[: len(before)] == before
        before = list(pids(world))
    assert world.status()["restarts"] == 0


def test_a_manager_that_was_stopped_stays_away(world: World) -> None:
    world.manager(is_kept=True)
    (found,) = world.run()
    managers.stop_manager(world.engine)
    launcher = parent_of(found["pid"])
    time.sleep(0.5)  # longer than it takes to come back
    assert not any(m["state"] == "running" for m in world.managers())
    assert is_running(launcher)


def test_a_restarted_manager_is_kept_as_before(world: World) -> None:
    world.manager(is_kept=True)
    world.run()
    managers.restart_manager(world.engine)
    victim = world.manager_pid()
    kill(victim)
    eventually(lambda: is_managed(world, without=victim))


def test_the_command_line_keeps_its_manager(world: World) -> None:
    world.service()
    assert odbctl("service", "start", "svc").code == 0
    victim = world.manager_pid()
    kill(victim)
    eventually(lambda: is_managed(world, without=victim))
    assert odbctl("service", "stop", "svc").code == 0


def test_manager_and_launcher_killed_together_lose_nothing(world: World) -> None:
    (first, *_) = before = world.run(count=3)
    kill(parent_of(first["pid"]))
    kill(world.manager_pid())
    eventually(lambda: not any(m["state"] == "running" for m in world.managers()))
    world.manager()
    services.scale_service(world.engine, "svc", 4)
    world.wait_running(count=4)
    assert pids(world)[:3] == [i["pid"] for i in before]
    assert world.status()["restarts"] == 0


def test_a_launcher_that_is_stopped_holds_up_no_restart_for_ever(world: World) -> None:
    (found,) = world.run()
    launcher = parent_of(found["pid"])
    kill(launcher, signal.SIGSTOP)
    try:
        kill(found["pid"])
        wait_until_idle(world.manager_pid())
        assert world.instance("svc-1")["ended_at"] is None  # nobody has told the manager
    finally:
        kill(launcher, signal.SIGCONT)
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])


def test_what_a_stopped_launcher_starts_too_late_is_ended(world: World) -> None:
    (found,) = world.run()
    launcher = parent_of(found["pid"])
    manager = world.manager_pid()
    kill(launcher, signal.SIGSTOP)
    try:
        services.scale_service(world.engine, "svc", 2)
        world.wait(lambda: len(world.instances()) == 2)
        wait_until_idle(manager)
        kill(manager)  # it has asked; nobody has heard
        eventually(lambda: not is_running(manager))
        services.scale_service(world.engine, "svc", 1)
        managers.ensure_manager(world.engine)
        world.wait_ended("svc-2")
    finally:
        kill(launcher, signal.SIGCONT)
    killed = r"killed worker (\d+): its instance"
    lines = "\n".join
    eventually(lambda: re.search(killed, lines(managers.manager_log_lines(world.engine))), 15)
    (pid,) = set(re.findall(killed, lines(managers.manager_log_lines(world.engine))))
    eventually(lambda: not is_running(int(pid)))
    assert [i["pid"] for i in world.ready()] == [found["pid"]]


def test_a_stopped_manager_does_not_block_its_launcher(world: World) -> None:
    """Every connection receives refused starts: more than the launcher keeps for a stopped one."""
    refusals = 450
    world.manager(start_method="exec")
    first, second = world.run(count=2)
    manager, launcher = world.manager_pid(), parent_of(first["pid"])
    [path] = find_launchers(world.home, "local")
    client = LauncherClient(path)
    kill(manager, signal.SIGSTOP)
    try:
        assert client.connect()
        client.spawn([a_refused_launch(world, number) for number in range(refusals)])
        refused: set[int] = set()
        exited: set[int | None] = set()

        def have_seen(found: set[int | None], wanted: int | None) -> bool:
            client.flush()
            for message in client.receive():
                for report in parse_reports(WorkerExited, message.get("exited")):
                    refused.add(report.instance)
                    exited.add(report.pid)
            return len(refused) >= refusals and wanted in found

        eventually(lambda: have_seen(exited, None))
        kill(first["pid"])
        kill(second["pid"], signal.SIGTERM)
        eventually(lambda: have_seen(exited, first["pid"]))
        eventually(lambda: have_seen(exited, second["pid"]))
    finally:
        client.close()
        kill(manager, signal.SIGCONT)
    world.wait(lambda: {i["id"] for i in world.ready()} == {"svc-3", "svc-4"})
    assert world.instance(first["id"])["exit"] == {"code": None, "signal": 9, "cause": "signal"}
    assert world.instance(second["id"])["exit"] == {"code": 0, "signal": None, "cause": "exit"}
    assert (world.manager_pid(), world.launcher_pids()) == (manager, [launcher])


def a_refused_launch(world: World, number: int) -> WorkerLaunch:
    """Return a launch of an instance that does not exist, refused with a long message."""
    home = world.home
    return WorkerLaunch(
        instance=2**40 + number,
        name="none",
        service_id=1,
        service="none",
        release=1,
        module="none",
        class_name="None",
        database="",
        run=str(home.run),
        logs="",
        storage="",
        home_data=str(home.data),
        home_cache=str(home.cache),
        home_state=str(home.state),
        python="/none/" + "x" * 3500,
    )


# Its launcher and its manager die before anybody has written down that it started.
UNHEARD = """
class Svc(ServiceBase):
    def initialize(self):
        manager = open("{folder}/manager")
        os.remove(manager.name)
        os.kill(int(manager.read()), signal.SIGKILL)
        os.kill(os.getppid(), signal.SIGKILL)
"""


def begin_unheard(world: World, folder: Path) -> int:
    """Have a worker start of which nobody has heard; return its pid."""
    world.service(UNHEARD.replace("{folder}", str(folder)))
    manager = world.manager()
    (folder / "manager").write_text(str(manager))
    services.start_service(world.engine, "svc", count=1)

    eventually(lambda: not is_running(manager))

    def those_left() -> list[int]:
        """Return the worker once it is alone: no launcher, and no spare."""
        found = list(processes_of(world.home))
        is_alone = len(found) == 1 and worn_mark(found[0]) not in (None, BLANK)
        return found if is_alone else []

    (pid,) = eventually(those_left)
    return pid


def test_a_worker_that_nobody_heard_of_keeps_its_work(world: World, tmp_path: Path) -> None:
    pid = begin_unheard(world, tmp_path)
    world.manager()
    world.wait_running()
    assert [(i["id"], i["pid"]) for i in world.instances()] == [("svc-1", pid)]
    kill(pid)  # it is watched
    world.wait_ended("svc-1")


def test_a_worker_that_nobody_heard_of_is_stopped(world: World, tmp_path: Path) -> None:
    pid = begin_unheard(world, tmp_path)
    services.scale_service(world.engine, "svc", 0)
    world.manager()
    assert world.wait_ended("svc-1")["state"] == "stopped"
    eventually(lambda: not is_running(pid))


def test_a_worker_of_a_service_that_is_gone_is_ended(world: World, tmp_path: Path) -> None:
    pid = begin_unheard(world, tmp_path)

    def forget() -> None:
        for instance in ServiceInstance.lookup_all():
            instance.delete()

    world.engine.db.run(forget)  # again, should the worker write just then that it runs
    world.manager()
    eventually(lambda: not is_running(pid))


def test_a_manager_that_a_service_started_outlives_it(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def initialize(self):
            command = "manager start --host second"
            subprocess.run([sys.executable, "-m", "odbctl", *command.split()], check=True)
    """
    world.run(source)
    second = world.manager_pid("second")
    world.stop()
    time.sleep(1.5)  # what it leaves is looked for after 0.2 s, and killed a second later
    assert is_running(second)


def test_a_reboot_brings_back_exactly_what_was_wanted(world: World) -> None:
    """Everything is killed at once, and what is in the database is of another boot."""
    world.run(count=2)
    world.another("idle")
    world.another("other", count=1)
    world.wait_running("other")
    victims = [*pids(world), *[i["pid"] for i in world.ready("other")]]
    launcher = parent_of(victims[0])
    kill(world.manager_pid())
    kill(launcher)
    for victim in victims:
        kill(victim)
    eventually(lambda: not any(is_running(pid) for pid in victims))

    def reboot() -> None:
        for instance in ServiceInstance.lookup_all(is_current=True):
            instance.boot_id = "the boot before"
            # Another process has got its pid by now.
            instance.pid, instance.start_ticks = os.getpid(), 1
        for host in ServiceHost.lookup_all():
            host.boot_id = "the boot before"

    world.engine.db.run(reboot)
    assert [i["state"] for i in world.status()["instances"]] == ["lost", "lost"]
    world.manager()
    world.wait_running(count=2)
    world.wait_running("other", count=1)
    assert world.instances("idle") == []
    assert {i["state"] for i in world.instances() if i["ended_at"]} == {"lost"}


@pytest.mark.parametrize("is_system", [True, False])
def test_the_unit_is_one_that_systemd_takes(world: World, *, is_system: bool) -> None:
    host = HostSettings(name="big one" if is_system else "local", cores=2.5)
    unit = make_unit(world.home, ManagerOptions(host=host), is_system=is_system)
    assert "KillMode=process" in unit.text
    assert ("User=" in unit.text) == is_system
    path = world.home.data / "odbctl-test.service"
    path.write_text(unit.text)
    try:
        ran = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(path)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("there is no systemd here")
    about_it = [line for line in ran.stderr.splitlines() if path.name in line]
    assert about_it == []


def test_installing_writes_the_unit_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(world.home.data / "config"))
    ran = odbctl("manager", "install", "-o", "json")
    assert ran.json["action"] == "installed"
    assert "systemctl --user enable --now odbctl.service" in ran.json["commands"]
    assert odbctl("manager", "install", "-o", "json").json["action"] == "unchanged"
    line = odbctl("manager", "install", "--init").out
    assert line.strip() == make_init_line(world.home, ManagerOptions(host=HostSettings()))
    assert "@reboot" in line
    assert "manager start" in line
