"""Kill -9 the writers of one database, again and again, and see what is left.

    python store_chaos.py FOLDER KILLS SEED

Forks eight writers that move amounts between accounts, two listeners, and a
killer in their midst. A writer acknowledges each commit on a pipe after it
returned. Prints a report as JSON; `is_good` of it says whether all held.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NoReturn

from odbctl.engine.odb import Database, DbObject, Indexed, Reactor, Schema, Unique
from odbctl.errors import RevisionConflictError

WRITERS = 8
LISTENERS = 2
ACCOUNTS = 40
TOTAL = 1000 * ACCOUNTS
schema = Schema("chaos")


@schema.define
class Account(DbObject):
    """Half of something: the balances of all add up to the same for ever."""

    number: Unique[int]
    balance: int = 1000
    band: Indexed[int] = 0


@schema.define
class Writer(DbObject):
    """How many commits a writer's place has made, by whoever sat there."""

    place: Unique[int]
    commits: int = 0


@schema.define
class Receipt(DbObject):
    """A new object in each commit; the newest stay."""

    place: Indexed[int]
    number: int


@dataclass
class Report:
    """What was seen."""

    seed: int
    kills: int = 0
    acknowledged: int = 0
    unacknowledged: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list[str])

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost, torn, or left locked."""
        return not self.faults


class Chaos:
    """The parent: it opens no database while it forks."""

    def __init__(self, folder: Path, kills: int, seed: int) -> None:
        self.path, self.run_dir = folder / "odb.db", folder / "run"
        self.random = random.Random(seed)
        self.report = Report(seed)
        self.kills = kills
        self.acknowledged = dict.fromkeys(range(WRITERS), 0)
        self.writers: dict[int, tuple[int, int]] = {}  # place: (pid, pipe)
        self.listeners: list[tuple[int, int, int]] = []  # (pid, pipe from, pipe to)

    def run(self) -> Report:
        """Do it all."""
        began = time.monotonic()
        self._in_child(self._set_up)
        for _ in range(LISTENERS):
            self._fork_listener()
        for place in range(WRITERS):
            self._fork_writer(place)
        while self.report.kills < self.kills:
            self._drain(self.random.uniform(0.0, 0.04))
            self._kill(self.random.randrange(WRITERS))
        for place in list(self.writers):
            self._kill(place, replace=False)
        self._in_child(self._check)
        self._end_listeners()
        self.report.seconds = round(time.monotonic() - began, 1)
        return self.report

    def _open(self) -> Database:
        return Database(self.path, run_dir=self.run_dir, busy_timeout_seconds=20.0)

    def _set_up(self) -> None:
        with self._open() as database, database.transaction():
            for number in range(ACCOUNTS):
                Account(number=number, band=number % 4)
            for place in range(WRITERS):
                Writer(place=place)

    def _in_child(self, function: Callable[[], None]) -> None:
        """Run something that opens the database, and take its faults over."""
        reading, writing = os.pipe()
        pid = _fork(lambda: _tell(writing, function))
        os.close(writing)
        text = _read_all(reading)
        os.waitpid(pid, 0)
        self.report.faults += text.splitlines()

    def _fork_writer(self, place: int) -> None:
        reading, writing = os.pipe()
        seed = self.random.randrange(2**32)
        pid = _fork(lambda: _write(self._open(), place, random.Random(seed), writing))
        os.close(writing)
        self.writers[place] = pid, reading

    def _kill(self, place: int, *, replace: bool = True) -> None:
        pid, pipe = self.writers.pop(place)
        os.kill(pid, signal.SIGKILL)
        self.report.kills += 1
        os.waitpid(pid, 0)
        self._hear(place, _read_all(pipe))
        if replace:
            self._fork_writer(place)

    def _drain(self, seconds: float) -> None:
        """Hear the acknowledgements for a while."""
        deadline = time.monotonic() + seconds
        places = {pipe: place for place, (_, pipe) in self.writers.items()}
        while (left := deadline - time.monotonic()) > 0:
            for pipe in select.select(list(places), [], [], left)[0]:
                self._hear(places[pipe], os.read(pipe, 65536).decode())
                if self.report.faults:
                    return

    def _hear(self, place: int, text: str) -> None:
        self.acknowledged[place] += text.count(".")
        self.report.acknowledged += text.count(".")
        if fault := text.replace(".", "").strip():
            self.report.faults.append(f"writer {place}: {fault}")
            self.kills = 0

    def _fork_listener(self) -> None:
        from_child, to_parent = os.pipe()
        from_parent, to_child = os.pipe()

        def listen() -> None:
            os.close(to_child)
            _listen(self._open(), from_parent, to_parent)

        pid = _fork(listen)
        os.close(to_parent)
        os.close(from_parent)
        self.listeners.append((pid, from_child, to_child))

    def _end_listeners(self) -> None:
        for pid, pipe, end in self.listeners:
            # Not by closing: the listener that was forked later has this end too.
            os.write(end, b".")
            text = _read_all(pipe)
            os.waitpid(pid, 0)
            self.report.faults += text.splitlines()

    def _check(self) -> None:
        """Look at what is left, in a process of its own."""
        with self._open() as database:
            with database.view():
                faults = _broken_invariants()
                commits = {each.place: each.commits for each in Writer.lookup_all()}
                for place, acknowledged in self.acknowledged.items():
                    if commits[place] < acknowledged:
                        lost = acknowledged - commits[place]
                        faults.append(f"{lost} acknowledged commits of {place} are lost")
            began = time.monotonic()
            with database.transaction():
                Writer.lookup_one(place=0).commits += 0
                Account.lookup_one(number=0).band = 9
            if (seconds := time.monotonic() - began) > 5:
                faults.append(f"the lock was held for {seconds:.1f} s after everybody was dead")
        unacknowledged = sum(commits.values()) - sum(self.acknowledged.values())
        print("\n".join(faults), flush=True)
        print(f"#{unacknowledged}", flush=True)


def _fork(function: Callable[[], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        function()
    except BaseException:  # noqa: BLE001 - the boundary of a process
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _tell(writing: int, function: Callable[[], None]) -> None:
    """Run a function whose prints go to a pipe."""
    os.dup2(writing, 1)
    sys.stdout = os.fdopen(1, "w")
    try:
        function()
    except Exception:  # noqa: BLE001 - the boundary of a process
        print("fault: " + traceback.format_exc().replace("\n", " | "))
    sys.stdout.flush()


def _read_all(pipe: int) -> str:
    parts: list[bytes] = []
    while part := os.read(pipe, 65536):
        parts.append(part)
    os.close(pipe)
    return b"".join(parts).decode()


def _broken_invariants() -> list[str]:
    """Say what is torn in the view that is open."""
    faults: list[str] = []
    accounts = Account.lookup_all()
    if (total := sum(each.balance for each in accounts)) != TOTAL:
        faults.append(f"the balances add up to {total}, not {TOTAL}")
    in_bands = sum(Account.lookup_count(band=band) for band in range(10))
    if in_bands != ACCOUNTS:
        faults.append(f"{in_bands} of {ACCOUNTS} accounts are found through their index")
    for writer in Writer.lookup_all():
        newest = Receipt.lookup_newest(1, place=writer.place)
        number = newest[0].number if newest else 0
        if number != writer.commits:
            faults.append(f"place {writer.place}: commit {writer.commits}, receipt {number}")
    return faults


def _write(database: Database, place: int, rng: random.Random, pipe: int) -> NoReturn:
    """Commit, acknowledge, look; until killed."""
    while True:
        try:
            with database.transaction():
                _move(place, rng)
        except RevisionConflictError:
            continue
        os.write(pipe, b".")
        if rng.random() < 0.05:
            with database.view():
                faults = _broken_invariants()
            if faults:
                os.write(pipe, f"torn: {'; '.join(faults)}".encode())
                time.sleep(60)


def _move(place: int, rng: random.Random) -> None:
    one, other = rng.sample(range(ACCOUNTS), 2)
    a, b = Account.lookup_one(number=one), Account.lookup_one(number=other)
    amount = rng.randint(1, 50)
    a.balance -= amount
    b.balance += amount
    if rng.random() < 0.2:
        a.band = rng.randrange(8)
    me = Writer.lookup_one(place=place)
    me.commits += 1
    Receipt(place=place, number=me.commits)
    for old in Receipt.lookup_all(place=place)[:-5]:
        old.delete()


def _listen(database: Database, from_parent: int, to_parent: int) -> None:
    """Mirror the state through a reactor; at the end say if the mirror is not the truth."""
    mirror: dict[int, int] = {}
    bands: dict[int, int] = {}

    def look() -> None:
        with database.view():
            mirror.update({each.place: each.commits for each in Writer.lookup_all()})
            bands.update({band: Account.lookup_count(band=band) for band in range(10)})

    faults: list[str] = []
    with Reactor(database, look, on_error=lambda error: faults.append(repr(error))):
        select.select([from_parent], [], [])
        os.read(from_parent, 1)
        faults += _differences(database, mirror, bands)
    os.write(to_parent, "\n".join(faults).encode())


def _differences(database: Database, mirror: dict[int, int], bands: dict[int, int]) -> list[str]:
    """Wait until a mirror is the truth, and say if it never is."""
    deadline = time.monotonic() + 15
    while True:
        with database.view():
            truth = {each.place: each.commits for each in Writer.lookup_all()}
            true_bands = {band: Account.lookup_count(band=band) for band in range(10)}
        if (mirror, bands) == (truth, true_bands):
            return []
        if time.monotonic() > deadline:
            return [f"a listener ended with {mirror}, {bands}; true: {truth}, {true_bands}"]
        time.sleep(0.05)


def main(folder: Path, kills: int, seed: int) -> Report:
    """Run it, and look into the file with plain SQLite."""
    report = Chaos(folder, kills, seed).run()
    for line in [each for each in report.faults if each.startswith("#")]:
        report.unacknowledged = int(line[1:])
    report.faults = [each for each in report.faults if each.strip() and not each.startswith("#")]
    if report.unacknowledged > report.kills:
        report.faults.append(f"{report.unacknowledged} commits more than were acknowledged")
    # In a process of its own: closing the file here must not drop anybody's locks.
    program = (
        "import sqlite3, sys; database = sqlite3.connect(sys.argv[1]);"
        "print(*database.execute('PRAGMA integrity_check').fetchone())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, folder / "odb.db"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.stdout.strip() != "ok":
        report.faults.append(f"integrity_check: {done.stdout}{done.stderr}")
    return report


if __name__ == "__main__":
    result = main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    print(json.dumps({**asdict(result), "is_good": result.is_good}))
