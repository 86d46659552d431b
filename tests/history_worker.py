"""A program that runs random transactions and tells what it saw: a part of a history.

    python history_worker.py DATABASE RUN_DIR NAME SEED TRANSACTIONS [blind]

It prints one JSON object a transaction. With "blind" it commits without the
check for conflicts, to show that the checker of histories has eyes.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any

from odbctl.engine.odb import Database, DbObject, Indexed, Schema, Unique, transaction
from odbctl.errors import ObjectGoneError, RevisionConflictError

schema = Schema("history")
REGISTERS = 5
SETS = 4


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


def set_up(database: Database) -> None:
    """Make the registers."""
    with database.transaction():
        for number in range(REGISTERS):
            Register(name=f"r{number}")
        Member(group="none", name="none")


class Worker:
    """Runs transactions one after the other."""

    def __init__(self, database: Database, name: str, seed: int) -> None:
        self.database = database
        self.name = name
        self.random = random.Random(seed)
        self.count = 0
        self.record: dict[str, Any] = {}

    def run(self) -> dict[str, Any]:
        """Run one transaction and say what it did."""
        self.count += 1
        self.record = {
            "name": f"{self.name}.{self.count}",
            "reads": {}, "appends": {}, "found": {}, "entered": [], "left": [],
        }  # fmt: skip
        self.record["began"] = time.monotonic()
        self.record["is_committed"] = self._attempt()
        self.record["ended"] = time.monotonic()
        return self.record

    def _attempt(self) -> bool:
        choice = self.random.random()
        if choice < 0.2:
            with self.database.view():
                self._look(self.random.randint(2, REGISTERS))
            return True
        actions: list[Callable[[], object]] = self.random.choices(
            [self._grow, self._peek, self._grow_twice, self._enter, self._move, self._find],
            k=self.random.randint(1, 3),
        )
        try:
            with self.database.transaction():
                for action in actions:
                    action()
                    if self.random.random() < 0.1:
                        time.sleep(0.001)
                if choice > 0.95:
                    raise _Abandoned
        except (RevisionConflictError, ObjectGoneError, _Abandoned):
            return False
        return True

    def _register(self) -> Register:
        found = Register.lookup_unique(name=f"r{self.random.randrange(REGISTERS)}")
        assert found is not None
        return found

    def _read(self, register: Register) -> list[str]:
        values = register.values
        name = register.name
        if name not in self.record["appends"]:
            self.record["reads"].setdefault(name, values)
        return values

    def _peek(self) -> None:
        self._read(self._register())

    def _grow(self) -> None:
        register = self._register()
        values = self._read(register)
        own = self.record["appends"].setdefault(register.name, [])
        own.append(f"{self.record['name']}.{len(own)}")
        register.values = [*values, own[-1]]
        assert register.values[-1] == own[-1], "a transaction reads its own writes"

    def _grow_twice(self) -> None:
        self._grow()
        self._grow()

    def _look(self, count: int) -> None:
        for number in self.random.sample(range(REGISTERS), count):
            register = Register.lookup_unique(name=f"r{number}")
            assert register is not None
            self._read(register)
        self._find()

    def _group(self) -> str:
        return f"s{self.random.randrange(SETS)}"

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
        self.record["found"].setdefault(group, [each.name for each in members])

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
            self.record["found"].setdefault(group, members)

    def _has_changed(self, group: str) -> bool:
        changes = (*self.record["entered"], *self.record["left"])
        return any(changed == group for changed, _ in changes)

    def _enter(self) -> None:
        group = self._group()
        name = f"{self.record['name']}.{len(self.record['entered'])}"
        Member(group=group, name=name)
        self.record["entered"].append((group, name))

    def _move(self) -> None:
        """Move a member to the set behind its own, or delete one that was in the last."""
        group = self._group()
        if self._has_changed(group):
            return
        members = Member.lookup_all(group=group)
        self.record["found"].setdefault(group, [each.name for each in members])
        if not members:
            return
        member = self.random.choice(members)
        self.record["left"].append((group, member.name))
        step = member.step + 1
        if step == SETS:
            member.delete()
            return
        after = f"s{(int(group[1:]) + 1) % SETS}"
        self.record["entered"].append((after, member.name))
        member.step = step
        member.group = after


class _Abandoned(Exception):  # noqa: N818 - no error: a transaction is rolled back
    pass


def _never(*_: object) -> None:
    return None


if __name__ == "__main__":
    path, run_dir, own_name, own_seed, transactions, *rest = sys.argv[1:]
    if rest:
        setattr(transaction, "conflict", _never)  # noqa: B010 - not for a type checker to see
    with Database(path, run_dir=run_dir) as opened:
        worker = Worker(opened, own_name, int(own_seed))
        sys.stdin.readline()
        records = [worker.run() for _ in range(int(transactions))]
    for each in records:
        print(json.dumps(each))
