"""Ways of launching workers: fork, exec, threads, and what the guide lets others write."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from real_world import World, is_running, kill
from waiting import eventually

from odbctl.engine.api import services
from odbctl.engine.managers.background import ManagerOptions
from odbctl.engine.managers.daemon import make_manager
from odbctl.engine.managers.host import HostSettings
from odbctl.errors import UsageError

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "strategies.md"

SPEAKER = """
class Svc(ServiceBase):
    def initialize(self):
        print("in the", os.environ.get("HOUSE"), "house")

    def do_work(self, should_stop):
        print("works")
        should_stop.wait()
        print("stopped")
"""


@pytest.fixture
def guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Write the guide's Python blocks as modules where a manager finds them; return them."""
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    folder = tmp_path / "managers"
    folder.mkdir()
    for name, text in zip(("house_managers", "command_managers"), blocks, strict=True):
        (folder / f"{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return blocks


@pytest.mark.parametrize("method", ["fork", "exec"])
def test_each_start_method_runs_replaces_and_stops(world: World, method: str) -> None:
    world.service(SPEAKER)
    world.start(count=2, start_method=method)
    first, _second = world.wait_running(count=2)
    world.wait_line("works", instance="svc-1")
    kill(first["pid"])
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2", "svc-3"])
    assert world.instance("svc-1")["exit"] == {"code": None, "signal": 9, "cause": "signal"}
    world.wait_line("works", instance="svc-3")
    world.stop()
    assert world.instance("svc-3")["exit"] == {"code": 0, "signal": None, "cause": "stop"}
    assert world.texts(instance="svc-3")[-1] == "stopped"


@pytest.mark.parametrize("method", ["fork", "exec"])
def test_each_worker_leads_a_session_of_its_own(world: World, method: str) -> None:
    world.service(SPEAKER)
    world.start(count=2, start_method=method)
    pids = [i["pid"] for i in world.wait_running(count=2) if i["pid"] is not None]
    assert len(pids) == 2
    assert [os.getsid(pid) for pid in pids] == pids


def test_workers_keep_no_descriptor_of_their_launcher(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def initialize(self):
            names = [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
                     if os.path.exists(f"/proc/self/fd/{n}")]
            print("open", sorted(n for n in names if "socket" in n or "eventpoll" in n))
    """
    world.run(source, count=2)
    for instance in ("svc-1", "svc-2"):
        line = world.wait_line("open", instance=instance)
        assert line["text"].count("socket") <= 1  # its own control socket
        assert "eventpoll" not in line["text"]


def test_threads_of_the_manager_run_and_stop(world: World) -> None:
    world.service(SPEAKER)
    world.start(count=2, strategy="in-process")
    found = world.wait_running(count=2)
    assert {i["pid"] for i in found} == {world.manager_pid()}
    world.wait_line("works", instance="svc-1")
    assert world.texts(instance="svc-1") == ["in the None house", "works"]
    world.stop()
    assert world.texts(instance="svc-2")[-1] == "stopped"
    assert is_running(world.manager_pid())


def test_a_raising_thread_is_replaced_and_told(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            if self.runtime.name == "svc-1":
                raise ValueError("first one")
            should_stop.wait()
    """
    world.service(source)
    world.start(strategy="in-process")
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])
    assert world.instance("svc-1")["reason"] == "ValueError: first one"


def test_the_guide_changes_a_strategy_in_a_few_lines(world: World, guide: list[str]) -> None:
    assert len(guide) == 2
    world.service(SPEAKER)
    world.start(strategy="house_managers:HouseManager")
    world.wait_running()
    assert world.managers()[0]["strategy"] == "house"
    world.wait_line("in the north house")


@pytest.mark.usefixtures("guide")
def test_the_guide_writes_a_strategy_from_the_ground_up(world: World) -> None:
    world.service(stop_grace_seconds=0.4, config_words=("command=sleep 600",))
    world.start(strategy="command_managers:CommandManager")
    (found,) = world.wait_running()
    assert found["pid"] is not None
    command = Path(f"/proc/{found['pid']}/cmdline")
    eventually(lambda: command.read_bytes() == b"sleep\0" + b"600\0")
    kill(found["pid"])
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])
    (second,) = world.ready()
    assert world.instance("svc-1")["exit"] == {"code": None, "signal": 9, "cause": "signal"}
    world.stop()
    assert not is_running(second["pid"])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"strategy": "nowhere.at_all:Manager"}, "no strategy 'nowhere.at_all:Manager'"),
        ({"strategy": "docker"}, "no strategy 'docker'"),
        ({"strategy": "json:JSONDecoder"}, "does not derive from ServiceManager"),
        ({"start_method": "spoon"}, "unknown start method 'spoon'"),
    ],
)
def test_an_unknown_strategy_is_told(world: World, options: dict[str, Any], text: str) -> None:
    chosen = ManagerOptions(host=HostSettings(), **options)
    with pytest.raises(UsageError, match=text):
        make_manager(world.home, world.engine.db, chosen)


# Environments of codebases.


@pytest.fixture
def other_python(tmp_path: Path) -> Path:
    """Make a virtual environment without odbctl that has a package of its own."""
    import venv

    folder = tmp_path / "other"
    venv.create(folder, with_pip=False)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (folder / "lib" / version / "site-packages" / "only_here.py").write_text("WORD = 'here'\n")
    return folder


PICKY_ABOUT_PACKAGES = """
import only_here

class Svc(ServiceBase):
    def initialize(self):
        print(only_here.WORD, sys.prefix)
        try:
            import typer
        except ImportError:
            print("no typer")
"""


@pytest.mark.parametrize("method", ["fork", "exec"])
def test_a_codebase_runs_in_its_own_environment(
    world: World, other_python: Path, method: str
) -> None:
    world.service(PICKY_ABOUT_PACKAGES, python=str(other_python))
    world.start(start_method=method)
    world.wait_running()
    world.wait_line("no typer")
    assert world.texts() == [f"here {other_python}", "no typer"]


def test_two_environments_run_side_by_side(world: World, other_python: Path) -> None:
    world.run(PICKY_ABOUT_PACKAGES, python=str(other_python))
    world.repo = type(world.repo).create(world.repo.path.parent / "second")
    world.service("class Svc(ServiceBase):\n    pass\n", "own")
    world.start("own")
    world.wait_running("own")
    assert len(world.launcher_pids()) >= 2


def test_an_environment_that_has_gone_is_a_failed_start_with_its_reason(
    world: World, other_python: Path
) -> None:
    world.service(PICKY_ABOUT_PACKAGES, python=str(other_python), restart="never")
    (other_python / "bin" / "python").rename(other_python / "bin" / "gone")
    for name in (other_python / "bin").glob("python3*"):
        name.unlink()
    world.start()
    ended = world.wait_ended("svc-1")
    assert ended["state"] == "failed"
    assert "cannot run" in (ended["reason"] or "")


def test_an_environment_that_breaks_is_a_failed_start_with_its_reason(
    world: World, other_python: Path
) -> None:
    world.service(PICKY_ABOUT_PACKAGES, python=str(other_python), restart="never")
    python = other_python / "bin" / "python"
    python.unlink()
    python.write_text("#!/bin/sh\necho broken >&2\nexit 1\n")
    python.chmod(0o755)
    world.start()
    ended = world.wait_ended("svc-1")
    assert ended["state"] == "failed"
    assert "launcher" in (ended["reason"] or "")


BROKEN_STRATEGY = """
from odbctl.engine.managers.subprocess_manager import SubprocessServiceManager


class BrokenManager(SubprocessServiceManager):
    strategy = "broken"

    def start_service_workers(self, launches):
        raise RuntimeError("no workers today")
"""


def test_a_strategy_that_raises_is_a_failed_start_with_its_reason(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_managers.py").write_text(BROKEN_STRATEGY)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    world.service(SPEAKER)
    world.start(strategy="broken_managers:BrokenManager")
    ended = world.wait_ended("svc-1")
    assert ended["state"] == "failed"
    assert "no workers today" in str(ended["reason"])
    world.stop()


def test_a_launcher_that_dies_of_each_start_is_given_up_with_its_reason(
    world: World, other_python: Path
) -> None:
    (site,) = other_python.glob("lib/python3*/site-packages")
    (site / "sitecustomize.py").write_text("import os\n\nos.fork = lambda: os._exit(9)\n")
    world.service(PICKY_ABOUT_PACKAGES, python=str(other_python), restart="never")
    world.start(start_method="fork")
    ended = world.wait_ended("svc-1")
    assert ended["state"] == "failed"
    assert "3 launchers exited" in (ended["reason"] or "")


def test_a_thread_that_does_not_stop_is_shown_as_that(world: World, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    source = """
    import time

    class Svc(ServiceBase):
        def do_work(self, should_stop):
            while not os.path.exists(os.environ.get("GATE", "")):
                time.sleep(0.02)
    """
    os.environ["GATE"] = str(gate)
    try:
        world.service(source, stop_grace_seconds=0.2)
        world.start(strategy="in-process")
    finally:
        del os.environ["GATE"]
    world.wait_running()
    services.stop_service(world.engine, "svc")
    world.wait(lambda: any(e["reason"] == "hanging" for e in world.events()))
    document = world.status()
    assert document["state"] == "stopping"
    assert "its thread has not stopped" in document["reason"]
    assert "svc.py" in document["reason"]
    gate.touch()
    world.settle()
    assert world.instance("svc-1")["state"] == "stopped"


def test_threads_answer_probes_too(world: World) -> None:
    source = """
    class Svc(ServiceBase):
        def health(self):
            return os.path.exists(os.path.join(self.runtime.storage, "ready"))
    """
    world.service(source, probe_period_seconds=0.1)
    world.start(strategy="in-process")
    world.wait(lambda: world.status()["running_count"] == 1)
    assert world.status()["ready_count"] == 0
    (world.home.storage / "svc" / "svc-1" / "ready").touch()
    world.wait_running()
