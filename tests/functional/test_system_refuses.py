"""What the system refuses an engine at work: other users' homes, a held database, a full disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from real_world import World, is_running, kill, kill_all
from waiting import eventually

from odbctl.engine.api import services, status
from odbctl.engine.api.engine import Engine
from odbctl.engine.managers.subprocess_manager import SubprocessServiceManager
from odbctl.engine.model.core import ServiceHost
from odbctl.engine.odb import Database
from odbctl.errors import NotPermittedError, StoreBusyError, StoreFullError
from odbctl.paths import Home

ROOT = Path(__file__).parents[2]
NOBODY = 65534

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
"""


class Holder:
    """Another program that holds the database."""

    def __init__(self, home: Home) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(home.database)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "held\n"

    def let_go(self) -> None:
        """End the program, if it has not ended yet."""
        if self._process.returncode is None:
            self._process.communicate("\n")


@contextmanager
def holding(home: Home) -> Generator[Holder]:
    """Hold the database of a home."""
    made = Holder(home)
    try:
        yield made
    finally:
        made.let_go()


def patient_for(world: World, seconds: float) -> Database:
    """Return the world's database, opened by one who waits no longer for others."""
    return Database(world.home.database, run_dir=world.home.run, busy_timeout_seconds=seconds)


@contextmanager
def impatient_manager(world: World) -> Generator[None]:
    """Supervise in a thread of this process, waiting for the database for a moment only."""
    with patient_for(world, 0.2) as db:
        manager = SubprocessServiceManager(world.home, db)
        thread = threading.Thread(target=manager.run)
        thread.start()
        world.wait(lambda: [m["state"] for m in world.managers()] == ["running"])
        try:
            yield
            world.stop()
        finally:
            manager.stop()
            thread.join()


def test_a_home_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotPermittedError, match="cannot write to the home") as caught:
        Engine.open(Home.at(tmp_path / "file" / "home"))
    assert "ODBCTL_HOME" in (caught.value.hint or "")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
def test_a_home_of_others_is_refused(world: World) -> None:
    script = (
        "import os, sys\n"
        "import odbctl.engine.api.status as status\n"
        "from odbctl.engine.api.engine import Engine\n"
        "from odbctl.errors import NotPermittedError\n"
        f"os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        "try:\n"
        "    status.list_services(Engine.open())\n"
        "except NotPermittedError as error:\n"
        "    sys.exit(error.exit_code)\n"
    )
    world.service()
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == NotPermittedError.exit_code, done.stderr


def test_a_held_database_is_told_and_nothing_is_lost(world: World) -> None:
    world.service(count=1)
    world.engine.close()
    world.engine.db = patient_for(world, 0.2)
    with holding(world.home), pytest.raises(StoreBusyError):
        services.scale_service(world.engine, "svc", 3)
    assert world.status()["desired_count"] == 1
    services.scale_service(world.engine, "svc", 3)
    assert world.status()["desired_count"] == 3
    services.stop_service(world.engine, "svc")


def test_a_held_database_can_be_read(world: World) -> None:
    world.service()
    with holding(world.home):
        assert [s["name"] for s in status.list_services(world.engine)] == ["svc"]


def test_a_change_waits_for_one_that_holds_the_database_for_a_moment(world: World) -> None:
    world.service()
    with holding(world.home) as holder:
        timer = threading.Timer(0.1, holder.let_go)
        timer.start()
        services.scale_service(world.engine, "svc", 2)
        timer.join()
    assert world.status()["desired_count"] == 2
    services.stop_service(world.engine, "svc")


def test_the_manager_outlives_a_held_database_and_goes_on(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.service()
    with impatient_manager(world):
        services.start_service(world.engine, "svc")
        (first,) = world.wait_running()
        with holding(world.home):
            kill(first["pid"])
            eventually(lambda: "retrying in" in caplog.text)
            assert world.ready() == []
        world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])
        ended = world.instance("svc-1")
        assert ended["exit"] == {"code": None, "signal": 9, "cause": "signal"}


@pytest.fixture
def small_disk(world: World) -> Iterator[Path]:
    """Put the home of a world on a disk of 24 MB."""
    folder = world.home.data
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs", str(folder)]
    world.engine.close()
    is_mounted = shutil.which("mount") and not subprocess.run(mount, check=False).returncode
    world.engine = Engine.open(world.home)
    if not is_mounted:
        pytest.skip("no small disk can be mounted here")
    yield folder
    left = world.end()
    kill_all(world.home)
    subprocess.run(["umount", "-l", str(folder)], check=True)
    world.engine = Engine.open(world.home)
    assert not left


def fill(folder: Path) -> Path:
    """Use up all room of a disk."""
    file = folder / "filler"
    with file.open("wb", buffering=0) as output:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while output.write(b"\0" * size) == size:
                    pass
            except OSError:
                continue
    return file


def scale_many_times(world: World) -> None:
    for number in range(2, 5_000):
        services.scale_service(world.engine, "svc", number % 2)


def test_a_full_disk_is_told_and_work_goes_on_when_there_is_room(
    world: World, small_disk: Path
) -> None:
    (first,) = world.run()
    pid = world.manager_pid()
    filler = fill(small_disk)
    kill(first["pid"])
    with pytest.raises(StoreFullError):
        scale_many_times(world)
    assert is_running(pid)
    filler.unlink()
    services.scale_service(world.engine, "svc", 2)
    world.wait_running(count=2)
    assert world.manager_pid() == pid


def test_a_service_goes_on_while_the_disk_is_full_and_its_log_afterwards(
    world: World, small_disk: Path
) -> None:
    source = """
    class Svc(ServiceBase):
        def do_work(self, should_stop):
            number = 0
            while not should_stop.wait(0.001):
                number += 1
                print("beat", number, "." * 2000)
                with open("/dev/shm/odb-beat-" + self.runtime.name + str(os.getpid()), "w") as f:
                    f.write(str(number))
    """
    (first,) = world.run(source)
    world.wait_line("beat")
    beats = Path(f"/dev/shm/odb-beat-svc-1{first['pid']}")
    filler = fill(small_disk)
    try:
        seen = int(beats.read_text() or 0)
        eventually(lambda: int(beats.read_text() or 0) > seen + 20)
        size = Path(first["log"]).stat().st_size
        filler.unlink()
        eventually(lambda: Path(first["log"]).stat().st_size > size + 4000)
        assert [i["id"] for i in world.ready()] == ["svc-1"]
    finally:
        world.stop()
        beats.unlink()


def test_a_clock_that_was_set_back_stops_no_supervision(world: World) -> None:
    """Everything that was recorded lies in the future then."""
    (first,) = world.run()

    def set_back() -> None:
        host = ServiceHost.lookup_unique(name="local")
        assert host is not None
        host.last_seen_at = (host.last_seen_at or 0.0) + 1_000_000
        host.started_at = (host.started_at or 0.0) + 1_000_000

    world.engine.db.run(set_back)
    kill(first["pid"])
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])
    world.stop()
