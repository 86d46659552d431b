"""The object database against raw `sqlite3` with the same pragmas: one process."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure, Measure, Row, Target
from benchmarks.harness import Options
from benchmarks.object_store import MANY, Account, ByHand, Entry, Ours
from odbctl.engine.odb.tracker import Tracker

READ = 1000
AGAINST = "raw sqlite3: BEGIN IMMEDIATE, SELECT by key, UPDATE, COMMIT"
PER_GROUP = 10
PAGE = 50


def run(options: Options) -> Iterator[Row]:
    """Measure transactions, reads, bulk creation, and a million objects."""
    rounds = options.choose(full=5, quick=2)
    for synchronous, limit, count in (("NORMAL", 0.5, 5000), ("FULL", 0.7, 1000)):
        yield from _transactions(synchronous, limit, options.choose(full=count, quick=500), rounds)
    yield from _reads(rounds)
    yield _bulk(rounds)
    yield from _million(options.choose(full=1_000_000, quick=50_000), rounds)


def _rate(count: int, work: Callable[[int], object]) -> float:
    began = time.perf_counter()
    for number in range(count):
        work(number * 7919 % READ)
    return count / (time.perf_counter() - began)


def _transactions(synchronous: str, limit: float, count: int, rounds: int) -> Iterator[Row]:
    with _folder() as folder:
        ours = Ours(folder, synchronous=synchronous)
        raw = ByHand(folder, synchronous=synchronous)
        logging = ByHand(folder, synchronous=synchronous, fill=False, log=True)
        rates: dict[str, list[float]] = {"ours": [], "raw": [], "logging": []}
        for _ in range(rounds):
            rates["raw"].append(_rate(count, raw.update))
            rates["logging"].append(_rate(count, logging.update))
            rates["ours"].append(_rate(count, ours.update))
        ours.database.close()
        own = Figure.of(rates["ours"])
        yield Row(
            name=f"small transaction, {synchronous}", unit="/s", ours=own,
            reference=Figure.of(rates["raw"]), against=AGAINST,
            note="information: it writes no log, which ours needs",
        )  # fmt: skip
        yield Row(
            name=f"the same, {synchronous}, with a log", unit="/s", ours=own,
            reference=Figure.of(rates["logging"]),
            against="the same, and INSERT into a change log, which ours writes too",
            target=Target(limit=limit, is_lower_limit=True),
        )  # fmt: skip


def _reads(rounds: int) -> Iterator[Row]:
    with _folder() as folder:
        ours, raw = Ours(folder), ByHand(folder)
        tracked: list[float] = []
        selected: list[float] = []
        plain: list[float] = []
        noted: list[float] = []
        empty: list[float] = []
        with ours.database.view():
            accounts = Account.lookup_all()
        for _ in range(4 * rounds):
            tracked.append(_timed(lambda: _tracked_view(ours, accounts)))
            selected.append(_timed(lambda: _selects(raw)))
            with ours.database.view():
                plain.append(READ / _timed(lambda: _sum_of(accounts)) / 1e6)
            with Tracker(ours.database), ours.database.view():
                noted.append(READ / _timed(lambda: _sum_of(accounts)) / 1e6)
            empty.append(READ / _timed(_sum_of_nothing) / 1e6)
        ours.database.close()
        yield Row(
            name=f"view of {READ} cached objects, tracked", unit="ms",
            ours=Figure.of([1000 * each for each in tracked]),
            reference=Figure.of([1000 * each for each in selected]),
            against=f"{READ} SELECTs by primary key", target=Target(limit=0.5),
        )  # fmt: skip
        against = "a property whose Python function returns a constant: the floor of Python"
        yield Row(
            name="field reads, untracked", unit="M/s", ours=Figure.of(plain),
            reference=Figure.of(empty), against=against,
            target=Target(limit=4.0, measure=Measure.VALUE, is_lower_limit=True),
        )  # fmt: skip
        yield Row(
            name="field reads, tracked", unit="M/s", ours=Figure.of(noted),
            reference=Figure.of(empty), against=against,
        )  # fmt: skip


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _tracked_view(ours: Ours, accounts: tuple[Account, ...]) -> None:
    with Tracker(ours.database), ours.database.view():
        _sum_of(accounts)


def _sum_of(accounts: tuple[Account, ...]) -> None:
    for each in accounts:
        each.balance  # noqa: B018 - reading is what is measured


class _Floor:
    @property
    def balance(self) -> int:
        return 1


_FLOORS = [_Floor() for _ in range(READ)]


def _sum_of_nothing() -> None:
    for each in _FLOORS:
        each.balance  # noqa: B018 - reading is what is measured


def _selects(raw: ByHand) -> None:
    for oid in range(1, READ + 1):
        raw.execute("SELECT balance FROM account WHERE oid = ?", (oid,)).fetchone()


def _bulk(rounds: int) -> Row:
    ours_rates: list[float] = []
    raw_rates: list[float] = []
    for _ in range(rounds):
        with _folder() as folder:
            ours, raw = Ours(folder), ByHand(folder)
            ours_rates.append(MANY / _timed(partial(_create, ours, 0, MANY)))
            raw_rates.append(MANY / _timed(partial(_insert, raw, 0, MANY)))
            ours.database.close()
    figure = Figure.of(ours_rates)
    return Row(
        name=f"bulk create of {MANY}", unit="/s", ours=figure, reference=Figure.of(raw_rates),
        against="an execute() of INSERT each, in one transaction",
        target=Target(limit=0.37, is_lower_limit=True),
        note=f"at least 60,000 a second: {'yes' if figure.value >= 60_000 else 'NO'}",
    )  # fmt: skip


def _create(ours: Ours, first: int, count: int) -> None:
    with ours.database.transaction():
        for number in range(first, first + count):
            Entry(group=number // PER_GROUP, number=number, text="some text")


def _insert(raw: ByHand, first: int, count: int) -> None:
    raw.execute("BEGIN")
    for number in range(first, first + count):
        raw.execute(
            "INSERT INTO entry VALUES (?, 1, ?, ?, ?)",
            (number + 1, number // PER_GROUP, number, "some text"),
        )
    raw.execute("COMMIT")


def _million(count: int, rounds: int) -> Iterator[Row]:
    with _folder() as folder:
        ours, raw = Ours(folder), ByHand(folder)
        for first in range(0, count, MANY):
            _create(ours, first, MANY)
            _insert(raw, first, MANY)
        ours.database.checkpoint()
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        lookups: list[float] = []
        selects: list[float] = []
        ranges: list[float] = []
        range_selects: list[float] = []
        opens: list[float] = []
        for number in range(40 * rounds):
            group = number * 7919 % (count // PER_GROUP)
            lookups.append(1e6 * _timed(partial(_look_up, ours, group)))
            selects.append(1e6 * _timed(partial(_select, raw, group)))
            # A group that no lookup has read, so that none of its objects is in the cache.
            group = (number * 7919 + 1000) % (count // PER_GROUP - PAGE)
            ranges.append(1e6 * _timed(partial(_look_up_range, ours, group)))
            range_selects.append(1e6 * _timed(partial(_select_range, raw, group)))
        ours.database.close()
        for number in range(4 * rounds):
            opens.append(1000 * _timed(partial(_open, folder, number)))
        size = os.stat(folder / "ours.db").st_size / 1e6
        _truncate(folder / "ours.db")
        yield Row(
            name=f"lookup of {PER_GROUP} among {count:,}", unit="µs", ours=Figure.of(lookups),
            reference=Figure.of(selects), against="SELECT of the rows through the index",
            target=Target(limit=2.4),
        )  # fmt: skip
        yield Row(
            name=f"range of {PAGE} by order among {count:,}", unit="µs", ours=Figure.of(ranges),
            reference=Figure.of(range_selects), against="SELECT with ORDER BY and LIMIT",
            target=Target(limit=2.5),
        )  # fmt: skip
        yield Row(
            name="open, and first lookup", unit="ms", ours=Figure.of(opens),
            target=Target(limit=5.0, measure=Measure.VALUE),
        )  # fmt: skip
        yield Row(
            name=f"file of {count:,} objects", unit="MB", ours=Figure.of([size]),
            reference=Figure.of([os.stat(folder / "raw.db").st_size / 1e6]),
            against="the file written by hand, which has no change log",
            target=Target(limit=200.0, measure=Measure.VALUE),
        )  # fmt: skip


def _look_up(ours: Ours, group: int) -> None:
    with ours.database.view():
        found = Entry.lookup_all(group=group)
        assert len([each.number for each in found]) == PER_GROUP


def _select(raw: ByHand, group: int) -> None:
    rows = raw.execute('SELECT oid, number FROM entry WHERE "group" = ?', (group,)).fetchall()
    assert len([number for _, number in rows]) == PER_GROUP


def _look_up_range(ours: Ours, group: int) -> None:
    with ours.database.view():
        found = Entry.lookup_all(group__gte=group, order_by="group", limit=PAGE)
        assert len([each.number for each in found]) == PAGE


def _select_range(raw: ByHand, group: int) -> None:
    rows = raw.execute(
        'SELECT oid, number FROM entry WHERE "group" >= ? ORDER BY "group", oid LIMIT ?',
        (group, PAGE),
    ).fetchall()
    assert len([number for _, number in rows]) == PAGE


def _open(folder: Path, group: int) -> None:
    ours = Ours(folder, fill=False)
    _look_up(ours, group)
    ours.database.close()


def _truncate(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


@contextmanager
def _folder() -> Generator[Path]:
    with tempfile.TemporaryDirectory(prefix="odbctl-bench-") as name:
        yield Path(name)
