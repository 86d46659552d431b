"""Nothing that lies about keeps a manager from starting, and none runs on without its database."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_runner import odbctl
from conftest import remove_tree
from real_world import World, is_running, kill, parent_of, processes_of, wait_until_idle
from waiting import eventually

from odbctl.engine.api import managers, services
from odbctl.engine.api.engine import Engine
from odbctl.engine.managers.launcher_client import launcher_path
from odbctl.engine.managers.subprocess_manager import DEFAULT_METHOD


def launcher_of(world: World) -> int | None:
    """Return the pid of the launcher that the manager has started; None while there is none."""
    manager = world.manager_pid()
    return next((pid for pid in world.launcher_pids() if parent_of(pid) == manager), None)


def kill_launcher(world: World) -> None:
    """Kill the launcher, and wait until the manager has another one."""
    old = eventually(lambda: launcher_of(world))
    kill(old)
    eventually(lambda: launcher_of(world) not in (old, None))
    wait_until_idle(world.manager_pid())


def is_managed(world: World, *, without: int) -> bool:
    return any(m["state"] == "running" and m["pid"] != without for m in world.managers())


def test_a_launcher_that_died_is_replaced_before_anything_is_started(world: World) -> None:
    victim = world.manager(is_kept=True)
    kill_launcher(world)
    kill(victim)  # the new launcher keeps it
    eventually(lambda: is_managed(world, without=victim))


def test_what_ran_under_a_dead_launcher_is_kept_by_the_new_one(world: World) -> None:
    world.manager(is_kept=True)
    before = [i["pid"] for i in world.run(count=2)]
    kill_launcher(world)
    victim = world.manager_pid()
    kill(victim)
    eventually(lambda: is_managed(world, without=victim))
    services.scale_service(world.engine, "svc", 3)
    world.wait_running(count=3)
    assert [i["pid"] for i in world.ready()][:2] == before
    assert world.status()["restarts"] == 0


OBSTACLES: dict[str, Callable[[Path], object]] = {
    "garbage": lambda path: path.write_bytes(b"\xff\x00[" * 1000 + b"\n"),
    "wrong types": lambda path: path.write_bytes(b'["x", null, [], {}, "", -1]\n7\n'),
    "a folder": Path.mkdir,
    "a fifo": os.mkfifo,
}


@pytest.mark.parametrize("what", OBSTACLES)
@pytest.mark.parametrize("suffix", [".exits", ".sock"])
def test_a_manager_starts_whatever_stands_in_the_run_directory(
    world: World, what: str, suffix: str
) -> None:
    world.service()
    path = launcher_path(world.home, "local", None, method=DEFAULT_METHOD)
    path.with_suffix(".sock").touch()  # so that a launcher was there once
    path.with_suffix(suffix).unlink(missing_ok=True)
    OBSTACLES[what](path.with_suffix(suffix))
    world.start()
    services.start_service(world.engine, "svc", count=1)
    world.wait_running()


@pytest.mark.parametrize("folder", ["/no/such/folder", "/dev/null", "/proc"])
def test_services_start_without_a_temporary_folder(
    world: World, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", folder)
    world.run(count=2)
    assert len(world.launcher_pids()) == 1
    log = "\n".join(managers.manager_log_lines(world.engine))
    assert "not warmed up" not in log  # in another folder


def test_a_second_manager_with_another_temporary_folder_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    long_home = Path(tempfile.mkdtemp(prefix=f"odb-{'x' * 60}", dir="/tmp"))
    places = [Path(tempfile.mkdtemp(prefix="odb-", dir="/tmp")) for _ in range(2)]
    monkeypatch.setenv("ODBCTL_HOME", str(long_home))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    try:
        first, second = ({**os.environ, "TMPDIR": str(place)} for place in places)
        assert odbctl("manager", "start", env=first).code == 0
        (long_home / "run-folder").unlink()  # which names the run directory for all
        ran = odbctl("manager", "run", env=second)
        assert (ran.code, "already running" in ran.err) == (7, True), ran
        assert odbctl("manager", "stop", env=first).code == 0
    finally:
        for folder in (long_home, *places):
            remove_tree(folder)


def delete_database(path: Path) -> None:
    for tail in ("", "-wal", "-shm", ".lock"):
        Path(f"{path}{tail}").unlink(missing_ok=True)


def replace_database(path: Path) -> None:
    shutil.copy(path, f"{path}.copy")
    os.replace(f"{path}.copy", path)


@pytest.mark.parametrize("change", [delete_database, replace_database])
def test_a_manager_ends_without_its_database_and_services_go_on(
    world: World, change: Callable[[Path], None]
) -> None:
    world.manager(is_kept=True)
    found = world.run(count=2)
    manager, pids = world.manager_pid(), [i["pid"] for i in found]
    world.engine.db.checkpoint()
    change(Path(world.home.database))
    eventually(lambda: not is_running(manager), 20)
    assert all(map(is_running, pids))
    log = "\n".join(managers.manager_log_lines(world.engine))
    assert "its services keep running" in log
    assert "Traceback" not in log
    for pid in pids:
        kill(pid)
    eventually(lambda: not processes_of(world.home))  # nobody has started the manager again
    world.engine.close()
    world.engine = Engine.open(world.home)
    world.manager()  # the file that is there now is used
