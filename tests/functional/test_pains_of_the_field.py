"""What people report of other supervisors, each as a test of this one.

Named by what hurts; where a whole module is about it, the test here is the short of it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from cli_runner import odbctl
from real_world import World, is_running, kill, parent_of, processes_of
from waiting import eventually

from odbctl.engine.api import releases, services, why
from odbctl.engine.api.settings import ServiceSettings, set_service
from odbctl.engine.managers.processes import signal_group
from odbctl.engine.model.core import ServiceInstance
from odbctl.engine.model.states import InstanceState
from odbctl.engine.worker.identity import identify
from odbctl.errors import ConflictError

CHILD = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        print("child", subprocess.Popen(["setsid", "sleep", "600"]).pid)
        should_stop.wait()
"""
CRASHES = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        print("last words of", self.runtime.name)
        os._exit(3)
"""


def pids(world: World, name: str = "svc") -> list[int | None]:
    return [i["pid"] for i in world.ready(name)]


def test_01_the_manager_dies_and_takes_the_services_along_or_leaves_orphans(world: World) -> None:
    before = [i["pid"] for i in world.run("""
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            while not should_stop.wait(0.01):
                print("still here")
    """, count=3)]  # fmt: skip
    kill(world.manager_pid())
    eventually(lambda: not any(m["state"] == "running" for m in world.managers()))
    world.manager()
    services.scale_service(world.engine, "svc", 4)
    world.wait_running(count=4)
    assert pids(world)[:3] == before
    assert len(world.instances()) == 4  # no duplicate was started beside them
    world.stop()
    assert not any(is_running(pid) for pid in before)


def test_02_a_recycled_pid_gets_the_signal(world: World) -> None:
    """Another process has the pid that the database knows; it is left alone."""
    # Not before the work has begun: until then a worker whose record names another process
    # takes itself for a duplicate, and leaves.
    world.run("""
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            print("working")
            should_stop.wait()
    """)
    world.wait_line("working")
    (real,) = pids(world)
    assert real is not None
    # Nor before the manager has finished the pass that recorded its start, in which it ends
    # workers that are not those of their records: it has when it records another start.
    services.scale_service(world.engine, "svc", 2)
    world.wait_running(count=2)
    stranger = subprocess.Popen(["sleep", "600"], env={})

    def recycle() -> None:
        ServiceInstance.lookup_one(name="svc-1").pid = stranger.pid

    world.engine.db.run(recycle)
    assert odbctl("instance", "kill", "svc-1").code == 3
    identity = identify(stranger.pid)
    assert identity is not None
    assert not signal_group(identity._replace(start_ticks=1), signal.SIGKILL)
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()
    assert is_running(real)
    kill(real)


def test_03_grandchildren_survive_the_stop(world: World) -> None:
    world.run(CHILD)
    world.wait_line("child")
    child = int(world.texts()[0].split()[1])
    assert is_running(child)
    world.stop()
    eventually(lambda: not is_running(child))


def test_04_lines_are_lost_at_rotation_and_the_disk_is_filled(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            for number in range(60_000):
                print(number, "x" * 40)
            open("done", "w").close()
            should_stop.wait()
    """
    world.run(source, log_max_size="128k", log_quota="1M")
    eventually((world.home.storage / "svc" / "svc-1" / "done").exists, 30)
    numbers = [int(text.split()[0]) for text in world.texts()]
    assert numbers == list(range(60_000 - len(numbers), 60_000))
    folder = world.home.logs / "svc"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2 << 20


def test_05_a_flood_freezes_the_service_or_kills_the_daemon(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            while not should_stop.is_set():
                print("x" * 1000)
    """
    world.run(source, log_max_size="1M", log_quota="4M")
    world.another("calm", count=1)
    world.wait_running("calm")
    assert odbctl("status").code == 0
    world.stop()


def test_06_the_logs_of_the_dead_instance_are_gone_when_they_are_needed(world: World) -> None:
    world.service(CRASHES)
    world.start()
    world.wait_ended("svc-1")
    world.wait_ended("svc-2")
    assert "last words of svc-1" in odbctl("instance", "logs", "svc-1").out
    assert "last words of svc-1" in odbctl("logs", "svc", "--all").out
    assert "last words" in "".join(line["text"] for line in why.why(world.engine, "svc")["log"])


def test_07_online_while_dead(world: World) -> None:
    (found,) = world.run()
    manager = world.manager_pid()
    os.kill(manager, signal.SIGSTOP)  # nobody can write that it has died
    try:
        kill(found["pid"])
        eventually(lambda: world.status()["running_count"] == 0)
        assert world.instance("svc-1")["state"] == "lost"
    finally:
        os.kill(manager, signal.SIGCONT)


def test_08_unhealthy_is_never_restarted(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def health(self):
            return not os.path.exists("sick")
    """
    options: dict[str, Any] = {
        "liveness": "health",
        "probe_period_seconds": 0.1,
        "start_grace_seconds": 0.1,
    }
    world.run(source, **options)
    (world.home.storage / "svc" / "svc-1" / "sick").touch()
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])


def test_09_restart_storms(world: World) -> None:
    world.service(CRASHES)
    world.start()
    time.sleep(2.0)
    assert len(world.instances()) <= 4
    assert world.status()["state"] in ("backoff", "crash-loop")
    assert "next start in" in world.status()["reason"]


def test_10_reload_has_downtime(world: World) -> None:
    world.run(count=2)
    release = world.deploy(ref="main")
    running: list[int] = []
    while releases.latest_outcome(world.engine, "svc")[1] == "rolling":
        # As recorded: the process table may be ahead of what is read here.
        with world.engine.db.view():
            found = ServiceInstance.lookup_all(is_current=True)
            running.append(sum(i.state is InstanceState.RUNNING for i in found))
    world.settle(release=release)
    assert min(running) >= 2


def test_11_rollback_is_missing_or_lands_on_a_broken_release(world: World) -> None:
    def says(word: str) -> str:
        return f"class Svc(ServiceBase):\n    def initialize(self):\n        {word}\n"

    world.run(says("print('one')"))
    world.commit(says("print('two')"))
    world.settle(release=world.deploy())
    world.commit(says("raise RuntimeError('broken')"))
    world.deploy()
    world.wait(lambda: any(e["reason"] == "deploy-failed" for e in world.events()))
    ran = odbctl("service", "rollback", "svc", "--settle", "0")
    assert ran.code == 0, ran
    world.wait_line("one", instance=world.ready()[0]["id"])
    with pytest.raises(ConflictError, match="release 3 of service 'svc' never ran"):
        releases.rollback_service(world.engine, "svc", number=3)


def test_12_stale_environment_and_no_env_file(world: World, tmp_path: Path) -> None:
    file = tmp_path / "vars"
    file.write_text("# the mode\nMODE=new\n")
    world.run(env={"MODE": "old"})
    words = ("--env-file", str(file), "--settle", "0")
    assert odbctl("service", "configure", "svc", *words).code == 0
    ran = odbctl("service", "exec", "svc", "--", "printenv", "MODE")
    assert ran.out == "new\n"
    environment = Path(f"/proc/{pids(world)[0]}/environ").read_bytes()
    assert b"MODE=old" not in environment


def test_13_an_edit_of_one_service_restarts_others(world: World) -> None:
    world.run()
    world.another("other", count=1)
    world.wait_running("other")
    before = pids(world), pids(world, "other")
    set_service(world.engine, "svc", ServiceSettings(stop_grace_seconds=5.0, restart="on-failure"))
    releases.configure_service(world.engine, "other", env={"X": "1"}, settle_seconds=0.0)
    world.settle("other")
    assert pids(world) == before[0]
    assert pids(world, "other") != before[1]


def test_14_no_order_and_no_readiness(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def health(self):
            return os.path.exists(os.path.join(self.runtime.storage, "ready"))
    """
    world.service(source, "db", probe_period_seconds=0.1)
    world.another("web", depends_on=("db",), readiness="none")
    world.start("db")
    world.start("web")
    world.wait(lambda: world.status("db")["running_count"] == 1)
    assert world.wait_state("web", "waiting")["waits_for"] == ["db"]
    assert len(world.instances("web")) == 0
    (world.home.storage / "db" / "db-1" / "ready").touch()
    world.wait_running("web")
    assert len(world.instances("web")) == 1  # what waited has become no duplicate


def test_15_json_is_polluted_or_missing(world: World) -> None:
    world.run("print('noise at import')\n\nclass Svc(ServiceBase):\n    pass\n")
    commands = (
        ("ps",), ("status",), ("service", "show", "svc"), ("service", "list"), ("why", "svc"),
        ("event", "list"), ("host", "list"), ("manager", "status"), ("service", "history", "svc"),
        ("service", "runs", "svc"), ("service", "stop", "svc"), ("service", "start", "svc"),
    )  # fmt: skip
    for words in commands:
        ran = odbctl(*words, "-o", "json")
        assert json.loads(ran.out) is not None, words
    ran = odbctl("service", "show", "nobody", "-o", "json")
    assert (ran.out, json.loads(ran.err)["code"]) == ("", "not-found")


def test_16_buffered_output_is_invisible(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            print("no line end", end="")
            print("printed")
            sys.stdout.write("written")
            print("", end="")
            os.kill(os.getpid(), signal.SIGKILL) if should_stop.wait(600) else None
    """
    world.run(source)
    world.wait_line("printed")
    kill(pids(world)[0])
    world.wait_ended("svc-1")
    assert world.texts(instance="svc-1") == ["no line endprinted", "written"]


def test_17_crash_alerts_only_for_money(world: World, tmp_path: Path) -> None:
    told = tmp_path / "told"
    words = ("--reason", "crashed", "--", "sh", "-c", f"echo $ODBCTL_EVENT_OBJECT >> {told}")
    assert odbctl("hook", "add", "alert", *words).code == 0
    (found,) = world.run()
    kill(found["pid"])
    eventually(lambda: told.exists() and told.read_text() == "instance/svc-1\n")


def test_18_a_reboot_restores_nothing_or_the_wrong_set(world: World) -> None:
    (found, _) = world.run(count=2)
    world.another("off")
    launcher = parent_of(found["pid"])
    for pid in (world.manager_pid(), launcher, *pids(world)):
        kill(pid)

    def reboot() -> None:
        for instance in ServiceInstance.lookup_all(is_current=True):
            instance.boot_id = "another boot"

    world.engine.db.run(reboot)
    eventually(lambda: not any(m["state"] == "running" for m in world.managers()))
    world.manager()
    world.wait_running(count=2)
    assert world.instances("off") == []


def test_19_long_jobs_are_killed_by_a_deploy(world: World, tmp_path: Path) -> None:
    source = """
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            while not os.path.exists(os.environ["GATE"]) and not should_stop.wait(0.01):
                pass
            print("stopped early" if should_stop.is_set() else "done")
    """
    gate = tmp_path / "gate"
    (job,) = world.run(source, restart="never", env={"GATE": str(gate)})
    world.commit("# newer\n" + dedent(source))
    number = world.deploy()
    world.wait(lambda: world.status()["release"] == number)
    assert pids(world) == [job["pid"]]
    gate.touch()
    world.wait_ended("svc-1")
    assert world.texts(instance="svc-1") == ["done"]
    world.wait_ended("svc-2")  # the run of the new release
    assert world.instance("svc-2")["release"] == number


def test_20_text_of_logs_steers_the_terminal(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def initialize(self):
            print("\\x1b[2J\\x1b]0;title\\x07red \\x1b[31mtext\\x1b[0m and\\ttab")
    """
    world.run(source)
    world.wait_line("red")
    shown = odbctl("logs", "svc").out
    assert "\x1b" not in shown
    assert "red text and" in shown


def test_21_control_ports_are_open_and_sockets_in_the_temporary_folder(world: World) -> None:
    world.run()
    assert world.home.run.stat().st_mode & 0o077 == 0
    assert world.home.database.stat().st_mode & 0o077 == 0
    inodes = {
        os.readlink(link)
        for pid in processes_of(world.home)
        for link in _links(Path(f"/proc/{pid}/fd"))
    }
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            assert f"socket:[{line.split()[9]}]" not in inodes
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM):
        outside = [p for p in Path("/tmp").glob("odbctl-*") if p.is_socket()]
    assert outside == []


def _links(folder: Path) -> list[Path]:
    found: list[Path] = []
    try:
        for link in folder.iterdir():
            if os.path.islink(link):
                found.append(link)
    except OSError:
        return found
    return found


def test_every_pain_has_its_test() -> None:
    names = [name for name in globals() if name.startswith("test_") and name[5:7].isdigit()]
    assert sorted(int(name[5:7]) for name in names) == list(range(1, 22))
