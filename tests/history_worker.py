"""A program that runs random transactions and tells what it saw: a part of a history.

    python history_worker.py DATABASE RUN_DIR NAME SEED TRANSACTIONS threads|tasks [blind]

It prints "done", waits for a line, and prints one JSON object a transaction. With "blind" it
commits without the check for conflicts, to show that the checker of histories has eyes.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from odbctl.engine.odb import (
    Database,
    DbObject,
    Indexed,
    Reactor,
    Schema,
    Transaction,
    Unique,
    transaction,
    wake_at,
)
from odbctl.engine.odb.current import current_view
from odbctl.errors import ObjectGoneError, RevisionConflictError, TransactionError

schema = Schema("history")
REGISTERS = 5
SETS = 4
SLOTS = 4
# Tasks in one thread.
TASKS = 3
# How many transactions meet at one register, which the first of them creates.
MEETINGS = 8
# So long a reactor may take to see the last commit.
LONGEST_WAKE_SECONDS = 20.0
MOST_REACTIONS = 300

Record = dict[str, Any]
Action = Callable[[], object]


@schema.define
class Register(DbObject):
    """A list that grows."""

    name: Unique[str]
    values: list[str] = []
    touched: int = 0


@schema.define
class Member(DbObject):
    """A member of a set; it goes from set to set and never comes back."""

    group: Indexed[str]
    name: Unique[str]
    step: int = 0


@schema.define
class Slot(DbObject):
    """Something that changes places with others: every place is always taken, by one."""

    name: str
    place: Unique[int]
    moves: list[str] = []


def set_up(database: Database) -> None:
    """Make the registers and slots."""
    with database.transaction():
        for number in range(REGISTERS):
            Register(name=f"r{number}")
        for number in range(SLOTS):
            Slot(name=f"slot{number}", place=number)
        Member(group="none", name="none")


class Worker:
    """Runs transactions one after the other, in a thread or in a task."""

    def __init__(self, database: Database, name: str, seed: int) -> None:
        self.database = database
        self.name = name
        self.random = random.Random(seed)
        self.count = 0
        self.records: list[Record] = []
        self.record: Record = {}
        # Whether a function of on_commit has conflicted, on purpose.
        self._has_callback_failed = False
        self.is_blind = getattr(transaction, "conflict") is _never  # noqa: B009 - as in `_main`

    def run(self) -> None:
        """Run one transaction and note what it did."""
        choice = self.random.random()
        if choice < 0.2:
            with self._noted(), self.database.view():
                self._look(self.random.randint(2, REGISTERS))
        elif choice < 0.6:
            self._run_with_retries(self._actions())
        else:
            self._run_once(self._actions())

    async def run_async(self) -> None:
        """Run one in a task: others go on while it is open."""
        choice = self.random.random()
        if choice < 0.2:
            with self._noted(), self.database.view():
                for _ in range(3):
                    self._peek()
                    await self._pause()
                self._find()
        elif choice < 0.5:
            body = self._body(self._actions())
            with self._noted(body):
                await self.database.run_async(body)
        elif choice < 0.9:
            with self._noted(), self.database.transaction():
                for action in self._actions():
                    if self.random.random() < 0.2:
                        await self.database.run_async(action)
                    else:
                        action()
                    await self._pause()
        else:
            # What does not wait works in a task, too.
            self._run_once(self._actions())
        await asyncio.sleep(0)

    def _run_once(self, actions: list[Action]) -> None:
        is_abandoned = self.random.random() < 0.1
        with self._noted(), self.database.transaction():
            for action in actions:
                action()
                if self.random.random() < 0.1:
                    time.sleep(0.001)
            if is_abandoned:
                raise _Abandoned

    def _run_with_retries(self, actions: list[Action]) -> None:
        body = self._body(actions)
        with self._noted(body):
            self.database.run(body)

    def _noted(self, body: _Body | None = None) -> _Noted:
        return _Noted(self, body)

    def _body(self, actions: list[Action]) -> _Body:
        return _Body(self, actions)

    def open_record(self, began: float) -> Record:
        """Begin to note a transaction."""
        self.count += 1
        self.record = {
            "name": f"{self.name}.{self.count}", "began": began, "ended": began,
            "is_committed": False,
            "reads": {}, "appends": {}, "found": {}, "entered": [], "left": [],
        }  # fmt: skip
        self.records.append(self.record)
        return self.record

    def is_committed(self, error: BaseException | None) -> bool:
        """Tell whether a transaction that ended with this is committed."""
        has_failed, self._has_callback_failed = self._has_callback_failed, False
        return error is None or (has_failed and isinstance(error, TransactionError))

    async def _pause(self) -> None:
        await asyncio.sleep(0.001 if self.random.random() < 0.1 else 0)

    def _actions(self) -> list[Action]:
        actions: list[Action] = self.random.choices(
            [
                self._grow, self._peek, self._grow_twice, self._enter, self._move, self._find,
                self._meet, self._ask, self._swap, self._rotate, self._drain, self._call_back,
            ],
            weights=[3, 3, 2, 3, 3, 4, 3, 2, 2, 1, 1, 1],
            k=self.random.randint(1, 3),
        )  # fmt: skip
        return [self._maybe_nested(action) for action in actions]

    def _maybe_nested(self, action: Action) -> Action:
        return (lambda: self.database.run(action)) if self.random.random() < 0.2 else action

    def _call_back(self) -> None:
        """Commit once more after the commit, or conflict there."""
        current = current_view()
        assert isinstance(current, Transaction)
        conflicts = self.random.random() < 0.5

        def callback() -> None:
            if conflicts:
                self._has_callback_failed = True
                raise RevisionConflictError("on purpose")
            self._run_with_retries([self._grow])

        current.on_commit(callback)

    # Registers

    def _register(self) -> Register:
        found = Register.lookup_unique(name=f"r{self.random.randrange(REGISTERS)}")
        assert found is not None
        return found

    def _note_read(self, key: str, values: list[str]) -> None:
        if key not in self.record["appends"]:
            self.record["reads"].setdefault(key, list(values))

    def _note_append(self, key: str, suffix: str = "") -> str:
        own: list[str] = self.record["appends"].setdefault(key, [])
        own.append(f"{self.record['name']}.{len(own)}{suffix}")
        return own[-1]

    def _peek(self) -> None:
        register = self._register()
        self._note_read(register.name, register.values)

    def _grow(self) -> None:
        self._append_to(self._register())

    def _append_to(self, register: Register) -> None:
        values = register.values
        self._note_read(register.name, values)
        own = self._note_append(register.name)
        register.values = [*values, own]
        assert register.values[-1] == own, "a transaction reads its own writes"

    def _grow_twice(self) -> None:
        self._grow()
        self._grow()

    def _meeting(self) -> str:
        return f"g{self.count // MEETINGS}"

    def _meet(self) -> None:
        """Append to a register, which others may create at the same time."""
        register, is_new = Register.get_or_create(name=self._meeting())
        assert not is_new or not register.values
        self._append_to(register)

    def _ask(self) -> None:
        register = Register.lookup_one_or_none(name=self._meeting())
        self._note_read(self._meeting(), [] if register is None else register.values)

    def _look(self, count: int) -> None:
        for number in self.random.sample(range(REGISTERS), count):
            register = Register.lookup_unique(name=f"r{number}")
            assert register is not None
            self._note_read(register.name, register.values)
        self._find()

    # Slots

    def _slot(self, place: int) -> Slot:
        slot = Slot.lookup_unique(place=place)
        assert slot is not None, "a place is empty"
        moves = slot.moves
        assert slot.place == place
        assert not moves or moves[-1].endswith(f"@{place}"), "it has moved"
        self._note_read(slot.name, moves)
        return slot

    def _put(self, slot: Slot, place: int) -> None:
        slot.place = place
        slot.moves = [*slot.moves, self._note_append(slot.name, f"@{place}")]

    def _swap(self) -> None:
        one, other = self.random.sample(range(SLOTS), 2)
        slots = self._slot(one), self._slot(other)
        assert slots[0] != slots[1]
        self._put(slots[0], other)
        self._put(slots[1], one)

    def _rotate(self) -> None:
        slots = [self._slot(place) for place in range(SLOTS)]
        for place, slot in enumerate(slots):
            self._put(slot, (place + 1) % SLOTS)

    # Sets

    def _group(self) -> str:
        return f"s{self.random.randrange(SETS)}"

    def _note_found(self, group: str, members: Iterable[str]) -> None:
        self.record["found"].setdefault(group, list(members))

    def _find(self) -> None:
        group = self._group()
        if self._has_changed(group):
            return
        if self.random.random() < 0.2:
            self._find_all_groups()
            return
        if self.random.random() < 0.3:
            # The same question, asked in another way, must have the same answer.
            members = Member.lookup_newest(1000, group=group)
            assert Member.lookup_count(group=group) == len(members)
        else:
            members = Member.lookup_all(group=group)
        self._note_found(group, [each.name for each in members])

    def _find_all_groups(self) -> None:
        """Find the members of every set at once: all of them in one range, by pages."""
        groups = [f"s{number}" for number in range(SETS)]
        if any(map(self._has_changed, groups)):
            return
        found: dict[str, list[str]] = {group: [] for group in groups}
        last: Member | None = None
        while page := Member.lookup_all(group__gte="s", order_by="-group", limit=7, after=last):
            last = page[-1]
            for member in page:
                found[member.group].append(member.name)
        for group, members in found.items():
            self._note_found(group, members)

    def _has_changed(self, group: str) -> bool:
        changes = (*self.record["entered"], *self.record["left"])
        return any(changed == group for changed, _ in changes)

    def _enter(self) -> None:
        group = self._group()
        name = f"{self.record['name']}.{len(self.record['entered'])}"
        Member(group=group, name=name)
        self.record["entered"].append((group, name))

    def _move(self) -> None:
        """Pass one member of a set on."""
        group = self._group()
        if self._has_changed(group):
            return
        members = Member.lookup_all(group=group)
        self._note_found(group, [each.name for each in members])
        if members:
            self._pass_on(self.random.choice(members), group)

    def _drain(self) -> None:
        """Pass all members of a set on, looking for the next one after each."""
        group = self._group()
        if self._has_changed(group):
            return
        names: list[str] = []
        while member := Member.lookup_any(group=group):
            names.append(member.name)
            self._pass_on(member, group)
        self._note_found(group, names)

    def _pass_on(self, member: Member, group: str) -> None:
        """Move a member to the set behind its own, or delete one that was in the last."""
        self.record["left"].append((group, member.name))
        step = member.step + 1
        if step == SETS:
            member.delete()
            return
        after = f"s{(int(group[1:]) + 1) % SETS}"
        self.record["entered"].append((after, member.name))
        member.step = step
        member.group = after


class _Noted:
    """Notes how a transaction ends."""

    def __init__(self, worker: Worker, body: _Body | None) -> None:
        self._worker = worker
        self._body = body
        self._record: Record = {}

    def __enter__(self) -> None:
        now = time.monotonic()
        if self._body is None:
            self._record = self._worker.open_record(now)
        else:
            self._body.tried_at = now

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: object
    ) -> bool:
        record = self._record if self._body is None else self._body.record
        record["ended"] = time.monotonic()
        record["is_committed"] = self._worker.is_committed(error)
        if record["is_committed"]:
            return True
        if self._worker.is_blind:
            # It may well stumble over what it finds.
            return isinstance(error, Exception)
        return isinstance(error, (RevisionConflictError, ObjectGoneError, _Abandoned))


class _Body:
    """A function for `db.run`; each of its tries is noted as a transaction."""

    def __init__(self, worker: Worker, actions: list[Action]) -> None:
        self._worker = worker
        self._actions = actions
        self.record: Record = {}
        # When it ended last: a moment before the next transaction begins.
        self.tried_at = 0.0

    def __call__(self) -> None:
        self.record = self._worker.open_record(self.tried_at)
        try:
            for action in self._actions:
                action()
        finally:
            self.tried_at = self.record["ended"] = time.monotonic()


class Watcher:
    """A reactor that notes what it sees, and at times asks to run again."""

    def __init__(self, database: Database, name: str, seed: int) -> None:
        self._worker = Worker(database, f"{name}.reactor", seed)
        self._register = f"r{seed % REGISTERS}"
        self._group = f"s{seed % SETS}"
        self._last: object = None
        self._database = database
        self.errors: list[str] = []
        self.reactor = Reactor(
            database, self._look, on_error=lambda error: self.errors.append(repr(error))
        )

    @property
    def records(self) -> list[Record]:
        """What it saw, of which the first part is enough."""
        return self._worker.records[:MOST_REACTIONS]

    def has_seen_the_last(self) -> bool:
        """Wait until it has seen what there is now, when nobody commits any more."""
        deadline = time.monotonic() + LONGEST_WAKE_SECONDS
        while time.monotonic() < deadline:
            with self._database.view():
                if self._last == self._state():
                    return True
            time.sleep(0.01)
        return False

    def _look(self) -> None:
        began = time.monotonic()
        with self._database.view():
            values, members = last = self._state()
        record = self._worker.open_record(began)
        record["reads"][self._register] = values
        record["found"][self._group] = members
        record["ended"], record["is_committed"] = time.monotonic(), True
        self._last = last
        if self._worker.random.random() < 0.3:
            wake_at(time.time() + 0.01 * self._worker.random.random())

    def _state(self) -> tuple[list[str], list[str]]:
        register = Register.lookup_unique(name=self._register)
        assert register is not None
        return register.values, [each.name for each in Member.lookup_all(group=self._group)]


class _Abandoned(Exception):  # noqa: N818 - no error: a transaction is rolled back
    pass


def _never(*_: object) -> None:
    return None


def run_thread(database: Database, name: str, seed: int, count: int) -> list[Record]:
    """Run transactions in this thread."""
    worker = Worker(database, name, seed)
    for _ in range(count):
        worker.run()
    return worker.records


def run_tasks(database: Database, name: str, seed: int, count: int) -> list[Record]:
    """Run transactions in tasks of this thread, which take turns while they are open."""
    workers = [Worker(database, f"{name}t{task}", seed * 10 + task) for task in range(TASKS)]

    async def run(worker: Worker) -> None:
        for _ in range(count // TASKS):
            await worker.run_async()

    async def run_all() -> None:
        await asyncio.gather(*map(run, workers))

    asyncio.run(run_all())
    return [record for worker in workers for record in worker.records]


RUNS = {"threads": run_thread, "tasks": run_tasks}


def _main() -> None:
    path, run_dir, name, seed, count, kind, *rest = sys.argv[1:]
    if rest:
        setattr(transaction, "conflict", _never)  # noqa: B010 - not for a type checker to see
    with Database(path, run_dir=run_dir) as database:
        watcher = Watcher(database, name, int(seed))
        with watcher.reactor:
            sys.stdin.readline()
            records = RUNS[kind](database, name, int(seed), int(count))
            print("done", flush=True)
            # The others are done, too.
            sys.stdin.readline()
            assert rest or watcher.has_seen_the_last(), "the reactor did not wake"
    assert rest or not watcher.errors, watcher.errors
    for record in (*records, *watcher.records):
        print(json.dumps(record))


if __name__ == "__main__":
    _main()
