"""Faults of the machine: a database that is held, a home that is full or cannot be written."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from cli_runner import Ran, odbctl
from real_world import World, is_running, is_worker_of, kill, processes_of
from stocked_home import stock
from waiting import eventually

from odbctl.engine.api import services
from odbctl.engine.api.engine import Engine
from odbctl.engine.odb import Database
from odbctl.errors import StoreBusyError
from odbctl.paths import Home

TALKS = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        number = 0
        while not should_stop.wait(0.01):
            number += 1
            print("beat", number)
"""
SERVICE = (sys.executable, "-m", "odbctl", "service")
LOCK = (*SERVICE, "lock", "hello")
NOT_HERE = 77
READ_ONLY = f'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit {NOT_HERE}; '
# A small disk that holds a copy of the home and then not one byte more.
FULL = (
    f'mount -t tmpfs -o size=4m tmpfs "$2" || exit {NOT_HERE}; cp -a "$1/." "$2"; '
    'export ODBCTL_HOME="$2"; cat /dev/zero > "$2/filler" 2> /dev/null; shift; '
)
# With room again, the same command goes through.
AGAIN = '"$@"; echo "exit $?"; rm "$place/filler"; exec "$@"'


@contextmanager
def held(home: Home) -> Generator[None]:
    """Hold the database as another program does that writes to it."""
    with closing(sqlite3.connect(home.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def run_on_disk(prepare: str, places: Sequence[Path], *words: str) -> Ran:
    """Run words where `prepare` has mounted something that nobody else sees."""
    script = prepare + 'place="$1"; shift; ' + (AGAIN if prepare == FULL else 'exec "$@"')
    source = str(Path(__file__).parents[2])
    command = ["unshare", "-rm", "env", f"PYTHONPATH={source}", "sh", "-c", script, "sh"]
    try:
        done = subprocess.run(
            [*command, *map(str, places), *words], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    if done.returncode == NOT_HERE or "unshare" in done.stderr:
        pytest.skip("a process may not mount a disk of its own here")
    return Ran(done)


def test_services_work_and_are_read_while_another_program_holds_the_database(
    world: World,
) -> None:
    (before,) = world.run(TALKS)
    with held(world.home):
        seen = len(world.texts())
        eventually(lambda: len(world.texts()) > seen + 3)
        assert [i["pid"] for i in world.ready()] == [before["pid"]]


def test_a_kill_while_the_database_is_held_is_answered_afterwards(world: World) -> None:
    (before,) = world.run(TALKS)
    with held(world.home):
        kill(before["pid"])
        eventually(lambda: not is_running(before["pid"]))
    assert world.wait_ended("svc-1")["exit"] == {"code": None, "signal": 9, "cause": "signal"}
    assert [i["id"] for i in world.wait_running()] == ["svc-2"]


def test_a_command_waits_for_a_database_that_is_held(home: Home) -> None:
    stock(home)
    with held(home):
        waiting = subprocess.Popen(LOCK, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        eventually(lambda: _has_open(waiting.pid, home.database))
        assert waiting.poll() is None
    out, err = waiting.communicate(timeout=30)
    assert (waiting.returncode, err) == (0, b""), out
    assert odbctl("service", "show", "hello", "-o", "json").json["lock"] == "locked"


def _has_open(pid: int, file: Path) -> bool:
    try:
        return any(link.resolve() == file for link in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def test_a_database_that_stays_held_is_told(home: Home) -> None:
    stock(home)
    engine = Engine(home)
    engine.db.close()
    engine.db = Database(home.database, run_dir=home.run, busy_timeout_seconds=0.05)
    with engine, held(home), pytest.raises(StoreBusyError, match="locked by another") as caught:
        services.scale_service(engine, "hello", 3)
    assert caught.value.hint == "try again when that program has finished"


def test_a_read_only_home_is_told_and_can_be_read(home: Home) -> None:
    stock(home)
    ran = run_on_disk(READ_ONLY, [home.data], *LOCK)
    assert ran.code == 6, ran
    assert "Traceback" not in ran.err
    ran = run_on_disk(READ_ONLY, [home.data], *SERVICE, "list")
    assert ran.code == 0, ran
    assert "hello" in ran.out
    assert odbctl("service", "show", "hello").code == 0


def test_a_full_disk_is_told_and_nothing_is_lost(home: Home, tmp_path: Path) -> None:
    stock(home)
    ran = run_on_disk(FULL, [home.data, tmp_path], *SERVICE, "remove", "hello", "--yes")
    assert "exit 1\n" in ran.out, ran
    assert "full" in ran.err
    assert "free some space" in ran.err
    assert "Traceback" not in ran.err
    assert ran.code == 0, ran
    assert ran.out.endswith("removed service hello\n"), ran


def test_hasty_changes_end_in_what_was_wanted_last(world: World) -> None:
    world.run(TALKS)
    for count in (5, 0, 3, 1, 4, 0, 2, 6, 1, 2):
        services.scale_service(world.engine, "svc", count)
    world.wait_running(count=2)
    world.settle()
    for _ in range(5):
        services.stop_service(world.engine, "svc")
        services.start_service(world.engine, "svc", count=1)
    world.settle()
    assert len(world.ready()) == 1
    living = [i["pid"] for i in world.instances() if i["ended_at"] is None]
    assert len(living) == 1
    eventually(
        lambda: [p for p in processes_of(world.home) if is_worker_of(world.home, p)] == living
    )
