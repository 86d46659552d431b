"""What operations cost does not grow with what they do not need: counted, never timed."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

from odbctl.engine.odb import Database, DbObject, Indexed, Schema, Unique
from odbctl.engine.odb.checkpoint import Checkpointer
from odbctl.engine.odb.codec import Row
from odbctl.engine.odb.lock import CommitLock
from odbctl.engine.odb.memory_table import MemoryTable
from odbctl.engine.odb.sqlite_table import SqliteTable
from odbctl.engine.odb.transaction import Transaction
from odbctl.errors import RevisionConflictError

schema = Schema("costs")


@schema.define
class Job(DbObject):
    """Something that is done once."""

    done: Indexed[bool] = False
    name: Unique[str]


def _calls(function: Callable[[], object]) -> int:
    """Count the functions that are called."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    outer = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(outer)
    return count


def _create(count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        Job(name=f"job {number}")


def _finish_all() -> None:
    while job := Job.lookup_any(done=False):
        job.done = True


def _delete_all() -> None:
    while job := Job.lookup_any():
        job.delete()


@pytest.fixture
def rows_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of rows that the stores give for lookups."""
    found: list[int] = []
    for kind in (SqliteTable, MemoryTable):
        select: Callable[..., list[Row]] = kind.select

        def counted(
            self: object,
            *args: object,
            _select: Callable[..., list[Row]] = select,
            **more: object,
        ) -> list[Row]:
            rows = _select(self, *args, **more)
            found.append(len(rows))
            return rows

        monkeypatch.setattr(kind, "select", counted)
    return found


@pytest.mark.parametrize("loop", [_finish_all, _delete_all])
@pytest.mark.parametrize("where", ["stored", "new"])
def test_loop_over_the_first_object_costs_the_same_for_each(
    any_database: Database, loop: Callable[[], None], where: str
) -> None:
    calls: list[int] = []
    for count in (100, 400):
        with any_database.transaction():
            _create(count)
            if where == "new":
                calls.append(_calls(loop))
        if where == "stored":
            with any_database.transaction():
                calls.append(_calls(loop))
        with any_database.transaction():
            assert Job.lookup_any(done=False) is None
            for job in Job.lookup_all():
                job.delete()
    few, many = calls
    assert many < 6 * few  # four times as many objects


@pytest.mark.parametrize("newest", [True, False])
def test_ends_of_a_lookup_read_no_class_after_a_write(
    any_database: Database, rows_read: list[int], newest: bool
) -> None:
    with any_database.transaction():
        _create(300)
    with any_database.transaction():
        Job(name="new")
        rows_read.clear()
        look_up = Job.lookup_newest if newest else Job.lookup_oldest
        names = [job.name for job in look_up(3)]
        assert names == (["job 298", "job 299", "new"] if newest else ["job 0", "job 1", "job 2"])
        assert len(look_up(2, done=False)) == 2
    assert sum(rows_read) < 10


def test_count_after_a_write_reads_no_row(any_database: Database, rows_read: list[int]) -> None:
    with any_database.transaction():
        _create(20)
    with any_database.transaction():
        first, second, *_ = Job.lookup_oldest(3)
        first.done = True
        second.delete()
        _create(5, first=20)
        rows_read.clear()
        assert Job.lookup_count() == 24
        assert Job.lookup_count(done=False) == 23
        assert Job.lookup_count(done=True) == 1
        first.done = False
        assert Job.lookup_count(done=False) == 24
    assert rows_read == []


def test_lookup_ends_follow_what_is_written(any_database: Database) -> None:
    with any_database.transaction():
        _create(6)
    with any_database.transaction():
        first, second, third, *_ = Job.lookup_all()
        first.done = True
        assert Job.lookup_any(done=False) == second
        second.delete()
        assert Job.lookup_any(done=False) == third
        third.done = True
        third.done = False
        first.done = False
        assert Job.lookup_oldest(2, done=False) == (first, third)
        _create(2, first=6)
        assert [job.name for job in Job.lookup_newest(3, done=False)] == ["job 5", "job 6", "job 7"]
        assert [job.name for job in Job.lookup_oldest(99)][1:3] == ["job 2", "job 3"]
        assert len(Job.lookup_newest(99, done=False)) == 7


def _change_one(database: Database) -> None:
    """Look up, create, change and delete an object, each among all others."""
    with database.view():
        assert Job.lookup_unique(name="nobody") is None
        assert Job.lookup_any(done=True) is None
        assert Job.lookup_count(done=True) == 0
    with database.transaction():
        Job(name="new", done=True)
    with database.transaction():
        job = Job.lookup_unique(name="new")
        assert job is not None
        job.name = "newer"
        assert len(Job.lookup_all(done=True)) == 1
    with database.transaction():
        job.delete()


def test_objects_cost_nothing_where_others_are_looked_up_or_written(
    any_database: Database,
) -> None:
    with any_database.transaction():
        _create(10)
    _change_one(any_database)  # opens tables, makes indexes
    few = _calls(lambda: _change_one(any_database))
    with any_database.transaction():
        _create(1000, first=10)
    _change_one(any_database)
    many = _calls(lambda: _change_one(any_database))
    assert many < few + 100


def test_deleted_objects_cost_nothing(any_database: Database) -> None:
    def look_up() -> None:
        with any_database.view():
            assert len(Job.lookup_newest(99)) == 2
            assert len(Job.lookup_newest(99, done=False)) == 2

    with any_database.transaction():
        _create(2)
    look_up()
    few = _calls(look_up)
    with any_database.transaction():
        _create(500, first=2)
    with any_database.transaction():
        for job in Job.lookup_newest(500):
            job.delete()
    look_up()
    assert _calls(look_up) < few + 100


def test_view_sees_what_was_deleted_and_changed_beside_it(any_database: Database) -> None:
    def change() -> None:
        with any_database.transaction():
            first, second, _ = Job.lookup_all()
            first.delete()
            second.done = True
            Job(name="new")
        any_database.close_session()

    with any_database.transaction():
        _create(3)
    with any_database.view():
        first, second, third = Job.lookup_newest(9)
        thread = threading.Thread(target=change)
        thread.start()
        thread.join()
        assert Job.lookup_newest(9, done=False) == (first, second, third)
        assert Job.lookup_count() == 3
        assert Job.lookup_any(done=True) is None
    with any_database.view():
        assert [job.name for job in Job.lookup_newest(9, done=False)] == ["job 2", "new"]
        assert Job.lookup_any(done=True) == second
        assert not first.exists()


@pytest.fixture
def beside(database: Database) -> Iterator[Database]:
    """The same file, as another process has it open."""
    with Database(database.path, run_dir=database.run_dir) as opened:
        yield opened


def _statements(function: Callable[[], object]) -> int:
    """Count the statements of SQLite that a function runs."""
    count = 0

    def note(_frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event == "c_call" and getattr(argument, "__name__", "") == "execute"

    outer = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(outer)
    return count


def test_transaction_after_another_process_takes_two_statements_more(
    database: Database, beside: Database
) -> None:
    def finish(opened: Database, name: str) -> None:
        with opened.transaction():
            job = Job.lookup_unique(name=name)
            assert job is not None
            job.done = not job.done

    with database.transaction():
        _create(2)
    for opened in (database, beside):
        finish(opened, "job 0")
        finish(opened, "job 1")
    # BEGIN, INSERT into the log, UPDATE, COMMIT.
    assert _statements(lambda: finish(beside, "job 0")) == 4
    # The log since, and the row that the other one has changed.
    assert _statements(lambda: finish(database, "job 0")) == 6
    assert _statements(lambda: finish(database, "job 0")) == 4


def test_row_read_without_a_snapshot_is_none_of_a_later_commit(
    database: Database, beside: Database
) -> None:
    with database.transaction():
        _create(2)
    with database.view():
        first, second = Job.lookup_all()
        assert (first.done, second.done) == (False, False)
    with beside.transaction():
        first.done = True
    with pytest.raises(RevisionConflictError):
        _read_one_after_the_other(database, beside, first, second)


def _read_one_after_the_other(
    database: Database, beside: Database, first: Job, second: Job
) -> None:
    with database.transaction():
        # Brought up to the last commit, but without the row of the first.
        assert not second.done
        _in_a_thread(lambda: _set_done(beside.transaction(), first, second))
        assert first.done  # as it was: the second one, as it was, is read already


def _set_done(transaction: Transaction, first: Job, second: Job) -> None:
    with transaction:
        first.done, second.done = False, True


def _in_a_thread(function: Callable[[], object]) -> None:
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def test_commits_in_a_row_checkpoint_once_for_each_thousand(tmp_path: Path) -> None:
    path = tmp_path / "odb.db"
    checkpointer = Checkpointer(str(path), CommitLock(f"{path}.lock", 1.0))
    due = [seq for seq in range(1, 3500) if checkpointer.is_due(seq - 1, seq)]
    assert len(due) == 3
