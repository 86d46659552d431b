"""The database against a model of plain dicts: random schemas, sessions, conflicts.

Sessions are threads or asyncio tasks of one thread. `STATE_MACHINE_EXAMPLES` in the
environment makes it larger; `fuzz_time` says how it runs for a time.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fuzz_time
from hypothesis import HealthCheck, settings
from hypothesis import seed as use_seed
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from store_model import COMPARISONS, GONE, Model, ModelTransaction, RangeLookup
from store_sessions import EventLoop, Session, TaskSession, ThreadSession

from odbctl.engine.odb import (
    Database,
    DbObject,
    Index,
    Indexed,
    Reactor,
    Schema,
    Transaction,
    Unique,
    wake_at,
)
from odbctl.engine.odb.current import current_view, open_view
from odbctl.errors import (
    AlreadyExistsError,
    ObjectGoneError,
    RevisionConflictError,
    TransactionError,
)

EXAMPLES = int(os.environ.get("STATE_MACHINE_EXAMPLES", "40"))
SESSIONS = 3
# Which objects are used, counted from the newest: often the same.
POOL = (0, 0, 0, 1, 1, 2, 3, 4, 5)
TYPES: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "int": (int, st.integers(0, 2)),
    "text": (str, st.sampled_from(["", "a", "é"])),
    "flag": (bool, st.booleans()),
    "maybe": (int | None, st.none() | st.integers(0, 1)),
    "raw": (bytes, st.sampled_from([b"", b"\0"])),
    "numbers": (list[int], st.lists(st.integers(0, 1), max_size=2)),
    # The number of an object, counted from the newest.
    "reference": ("Thing | None", st.none() | st.integers(1, 3)),
}
SEVERAL = "several"
_numbers = itertools.count()
# Something done in a view or transaction that is open, and noted in the model.
Op = Callable[[ModelTransaction], Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]
NUMBER = st.integers(0, SESSIONS - 1)
NESTED = st.sampled_from(["", "", "", "view", "run", "run_async", "run that fails"])


@dataclass
class Disturbance:
    """Commits of a rival within the first tries of a function."""

    position: int = 0
    tries: int = 0
    ops: list[Op] = field(default_factory=list[Op])


class Sessions(RuleBasedStateMachine):
    """Sessions of one database; each step is checked against the model."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="odb-model-"))
        self.sessions: list[Session] = []
        self.all_sessions: list[Session] = []
        self.events: EventLoop | None = None
        self.oids: list[int] = []
        self.watched: ModelTransaction | None = None
        self.wakes_at: float | None = None
        self._steps = 0

    @initialize(
        data=st.data(),
        kinds=st.lists(st.sampled_from([*TYPES, "reference"]), min_size=1, max_size=4),
        marks=st.lists(st.sampled_from(["", "indexed", "indexed"]), min_size=4, max_size=4),
        unique=st.sampled_from(["", "field", "index"]),
        is_file=st.booleans(),
        has_tasks=st.booleans(),
    )
    def set_up(
        self,
        data: st.DataObject,
        kinds: list[str],
        marks: list[str],
        unique: str,
        is_file: bool,
        has_tasks: bool,
    ) -> None:
        self._define(kinds, marks, unique)
        self._open(is_file=is_file, has_tasks=has_tasks)
        for _ in range(0 if self.model.unique else 3):
            self._perform(0, self._creating(data.draw))
        self.commit(0)

    def _define(self, kinds: list[str], marks: list[str], unique: str) -> None:
        hints: dict[str, Any] = {}
        self.kinds: dict[str, str] = {}
        for number, (kind, mark) in enumerate(zip(kinds, marks, strict=False)):
            name, hint = f"f{number}", TYPES[kind][0]
            hints[name] = _marked(Indexed, hint) if mark else hint
            self.kinds[name] = kind
        self.lookups: list[tuple[str, ...]] = [
            (),
            *((n,) for n, m in zip(hints, marks, strict=False) if m),
        ]
        extra: dict[str, Any] = {}
        unique_fields: tuple[str, ...] = ()
        if unique == "field":
            hints["f0"] = _marked(Unique, TYPES[kinds[0]][0])
            unique_fields = ("f0",)
            self.lookups.append(("f0",))
        if len(hints) > 1:
            extra["both"] = Index("f0", "f1", unique=unique == "index")
            self.lookups.append(("f0", "f1"))
            unique_fields = ("f0", "f1") if unique == "index" else unique_fields
        self.cls: Any = Schema(f"model{next(_numbers)}").define(
            type("Thing", (DbObject,), {"__annotations__": hints, "__module__": __name__, **extra})
        )
        # Fields of one value, and at last the field of the order.
        self.orders: list[tuple[str, ...]] = [
            ("oid",),
            *(names for names in self.lookups if names and self._is_ordered(names[-1])),
        ]
        self.model = Model(unique_fields)

    def _open(self, *, is_file: bool, has_tasks: bool) -> None:
        shared = None if is_file else Database.in_memory()

        def opened() -> Database:
            return shared or Database(self.folder / "odb.db")

        self.sessions.append(ThreadSession(opened()))
        # The others are in one process, or in one thread.
        database = opened()
        if has_tasks:
            self.events = EventLoop(database)
            self.sessions += [TaskSession(self.events) for _ in range(SESSIONS - 1)]
        else:
            self.sessions += [ThreadSession(database) for _ in range(SESSIONS - 1)]
        self.rival, self.watcher = ThreadSession(opened()), ThreadSession(opened())
        self.all_sessions = [*self.sessions, self.rival, self.watcher]

    def teardown(self) -> None:
        for session in self.all_sessions:
            if session.view is not None:
                self._leave(session, _Abandoned())
        for session in self.all_sessions:
            session.end()
        if self.events is not None:
            self.events.end()
        for session in self.all_sessions:
            session.database.close()
        shutil.rmtree(self.folder)

    # What is open

    def _opened(self, number: int) -> tuple[Session, ModelTransaction]:
        """Return a session and what is open in it: a new transaction if nothing is."""
        session = self.sessions[number]
        if session.model is None:
            self._enter(session, is_view=False)
        assert session.model is not None
        return session, session.model

    def _enter(self, session: Session, *, is_view: bool) -> None:
        database = session.database
        session.view = database.view() if is_view else database.transaction()
        session.do(session.view.__enter__)
        session.model = self.model.begin(is_view=is_view)

    def _leave(self, session: Session, error: BaseException | None) -> None:
        view, session.view, session.model = session.view, None, None
        assert view is not None
        kind = type(error) if error else None
        session.do(lambda: view.__exit__(kind, error, None))

    def _perform(self, number: int, op: Op, nested: str = "", *, writes: bool = True) -> None:
        """Do something in a session; a conflict that shows in its midst ends the transaction."""
        session, tx = self._opened(number)
        if tx.is_view and writes:
            return
        database = session.database
        if tx.is_view and nested.startswith("run"):
            session.do(lambda: _refused_in_a_view(database))
            return
        if nested == "view" and writes:
            nested = ""
        if nested == "run_async" and not isinstance(session, TaskSession):
            nested = "run"
        try:
            session.do(_within(database, nested, lambda: op(tx)))
        except RevisionConflictError as error:
            self._check_reason(tx, error)
            self._leave(session, error)

    def _check_reason(self, tx: ModelTransaction, error: object) -> None:
        assert not tx.is_view
        assert self.model.may_conflict(tx), f"no reason for {error}"
        assert not tx.called, "a function of on_commit was called without a commit"

    def _check_taken(self, tx: ModelTransaction) -> None:
        assert self.model.has_duplicates(self.model.after(tx)), "nothing is there twice"
        assert not tx.called, "a function of on_commit was called without a commit"

    def _record(self, tx: ModelTransaction, database: Database) -> None:
        """Note a commit, here, as soon as it is seen to be done."""
        if not tx.is_recorded:
            tx.is_recorded = True
            self.model.commit(tx, self._look(database))

    def _check_called(self, tx: ModelTransaction) -> None:
        assert not tx.has_failed_callback, "a conflict in a function of on_commit is lost"
        assert tx.called == tx.callbacks, "a function of on_commit was not called"

    def _look(self, database: Database) -> dict[int, Any]:
        with database.view():
            return {
                each.oid: {name: _plain(getattr(each, name)) for name in self.kinds}
                for each in self.cls.lookup_all()
            }

    # Values

    def _is_ordered(self, name: str) -> bool:
        return self.kinds[name] not in {"numbers", "reference"}

    def _value(self, draw: Draw, name: str) -> Any:
        """Draw a value of a field, as the model has it."""
        kind = self.kinds[name]
        value: Any = draw(TYPES[kind][1])
        if kind == "reference" and value is not None:
            return self.oids[-int(value)] if value <= len(self.oids) else None
        return value

    def _equal(self, draw: Draw) -> dict[str, Any]:
        return {name: self._value(draw, name) for name in draw(st.sampled_from(self.lookups))}

    def _stored(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return values of the model as the database takes them."""
        return {
            name: self.cls.from_oid(value)
            if self.kinds[name] == "reference" and value is not None
            else value
            for name, value in values.items()
        }

    def _oid(self, draw: Draw) -> int:
        """Draw a number, which does not depend on what there is, so that it can be drawn again."""
        number: int = draw(st.sampled_from(POOL))
        return self.oids[-1 - number % len(self.oids)] if self.oids else 0

    def _name(self, draw: Draw) -> str:
        name: str = draw(st.sampled_from(sorted(self.kinds)))
        return name

    # Ops: drawn at once, done in a session, maybe several times

    def _creating(self, draw: Draw) -> Op:
        values = {name: self._value(draw, name) for name in self.kinds}
        return lambda tx: self._create(tx, values)

    def _create(self, tx: ModelTransaction, values: dict[str, Any]) -> None:
        self._note_new(tx, self.cls(**self._stored(values)).oid, values)

    def _note_new(self, tx: ModelTransaction, oid: int, values: dict[str, Any]) -> None:
        tx.written[oid] = dict(values)
        tx.created.add(oid)
        self.oids.append(oid)
        for name, value in values.items():
            if self.kinds[name] == "reference" and value is not None:
                self.model.refer(tx, None, name, value)

    def _reading(self, draw: Draw) -> Op:
        oid, name = self._oid(draw), self._name(draw)
        return lambda tx: self._read(tx, oid, name)

    def _read(self, tx: ModelTransaction, oid: int, name: str) -> Any:
        result = _or_gone(lambda: _plain(getattr(self.cls.from_oid(oid), name)))
        tx.items.add((oid, name))
        self.model.observe(tx, lambda state: state[oid][name] if oid in state else GONE, result)
        return result

    def _asking_whether_it_exists(self, draw: Draw) -> Op:
        oid = self._oid(draw)

        def ask(tx: ModelTransaction) -> None:
            result = self.cls.from_oid(oid).exists()
            tx.items.add((oid, None))
            self.model.observe(tx, lambda state: oid in state, result)

        return ask

    def _looking_up(self, draw: Draw) -> Op:
        equal = self._equal(draw)
        ask, answer = draw(st.sampled_from(QUESTIONS))
        return lambda tx: self._look_up(tx, equal, ask, answer)

    def _look_up(
        self, tx: ModelTransaction, equal: dict[str, Any], ask: Any, answer: Callable[[Any], Any]
    ) -> Any:
        result = ask(self.cls, self._stored(equal))
        tx.lookups.append(equal)
        self.model.observe(tx, lambda state: answer(_matching(state, equal)), result)
        return result

    def _looking_up_a_range(self, draw: Draw) -> Op:
        names = draw(st.sampled_from(self.orders))
        equal = {name: self._value(draw, name) for name in names[:-1]}
        bounds: dict[str, Any] = {}
        for comparison in draw(st.sets(st.sampled_from(sorted(COMPARISONS)), max_size=2)):
            bound = self._value(draw, names[-1]) if names[-1] != "oid" else None
            if bound is not None:
                bounds[comparison] = bound
        asked = RangeLookup(
            equal,
            names[-1],
            bounds,
            is_descending=draw(st.booleans()),
            limit=draw(st.none() | st.integers(0, 3)),
        )
        after = self._oid(draw) if draw(st.booleans()) and self.oids else None
        ask, answer = draw(st.sampled_from(RANGE_QUESTIONS))

        def look_up(tx: ModelTransaction) -> None:
            if after is not None and asked.order != "oid":
                # A page begins where this object is.
                place = self._read(tx, after, asked.order)
                if place == GONE:
                    return
            arguments = asked.arguments(None if after is None else self.cls.from_oid(after))
            result = ask(self.cls, {**arguments, **self._stored(equal)})
            tx.lookups.append(asked)
            self.model.observe(tx, lambda state: answer(asked.find(state, after)), result)

        return look_up

    def _getting_or_creating(self, draw: Draw) -> Op:
        equal = self._equal(draw)
        rest = {name: self._value(draw, name) for name in self.kinds if name not in equal}

        def get_or_create(tx: ModelTransaction) -> None:
            then, new_oid = tx.frozen(), 0
            try:
                found, is_new = self.cls.get_or_create(self._stored(rest), **self._stored(equal))
                new_oid = found.oid if is_new else 0
                result: object = None if is_new else found.oid
            except LookupError:
                result = SEVERAL
            tx.lookups.append(equal)
            self.model.observe(tx, lambda state: _only(_matching(state, equal)), result, then)
            if new_oid:
                self._note_new(tx, new_oid, {**equal, **rest})

        return get_or_create

    def _writing(self, draw: Draw) -> Op:
        oid, name = self._oid(draw), self._name(draw)
        value = self._value(draw, name)
        return lambda tx: self._write(tx, oid, name, value)

    def _write(self, tx: ModelTransaction, oid: int, name: str, value: Any) -> None:
        stored = self._stored({name: value})[name]
        result = _or_gone(lambda: setattr(self.cls.from_oid(oid), name, stored))
        tx.items.add((oid, None))
        self.model.observe(tx, lambda state: None if oid in state else GONE, result)
        if result == GONE:
            return
        tx.items.add((oid, name))
        if self.kinds[name] == "reference" and value is not None:
            self.model.refer(tx, oid, name, value)
        tx.written[oid] = {**(tx.written.get(oid) or {}), name: value}

    def _referring(self, draw: Draw) -> Op:
        """Write a reference, if there is a field for it."""
        names = [name for name, kind in self.kinds.items() if kind == "reference"]
        oid, target = self._oid(draw), self._oid(draw)
        if not names or not target:
            return lambda tx: self._read(tx, oid, "f0")
        return lambda tx: self._write(tx, oid, names[0], target)

    def _adding(self, draw: Draw) -> Op:
        """Write what depends on what was read: done twice it is another."""
        oid, name = self._oid(draw), self._name(draw)

        def add(tx: ModelTransaction) -> None:
            value = self._read(tx, oid, name)
            if value == GONE:
                return
            kind = self.kinds[name]
            if kind in {"int", "maybe"}:
                value = ((value or 0) + 1) % 3
            elif kind == "flag":
                value = not value
            elif kind == "numbers":
                value = [*value, len(value)][-3:]
            self._write(tx, oid, name, value)

        return add

    def _swapping(self, draw: Draw) -> Op:
        """Let two objects change places."""
        one, other = self._oid(draw), self._oid(draw)
        names = self.model.unique or (self._name(draw),)

        def swap(tx: ModelTransaction) -> None:
            values = [[self._read(tx, oid, name) for name in names] for oid in (one, other)]
            if any(GONE in each for each in values):
                return
            for oid, new in zip((other, one), values, strict=True):
                for name, value in zip(names, new, strict=True):
                    self._write(tx, oid, name, value)

        return swap

    def _rotating(self, draw: Draw) -> Op:
        """Let all objects change places in a ring."""
        names = self.model.unique or (self._name(draw),)

        def rotate(tx: ModelTransaction) -> None:
            oids = self._look_up(tx, {}, *QUESTIONS[0])
            values = [[self._read(tx, oid, name) for name in names] for oid in oids]
            for oid, new in zip(oids, [*values[1:], *values[:1]], strict=True):
                for name, value in zip(names, new, strict=True):
                    self._write(tx, oid, name, value)

        return rotate

    def _draining(self, draw: Draw) -> Op:
        """Look up one that is to be done, do it, and look up the next."""
        equal = self._equal(draw)
        name = draw(st.sampled_from(sorted(equal or self.kinds)))
        value = self._value(draw, name)
        most = draw(st.integers(1, 6))
        deletes = not equal or value == equal[name]

        def drain(tx: ModelTransaction) -> None:
            for _ in range(most):
                oid = self._look_up(tx, equal, *QUESTIONS[LOOKUP_ANY])
                if oid is None:
                    return
                if deletes:
                    self._delete(tx, oid)
                else:
                    self._write(tx, oid, name, value)

        return drain

    def _iterating(self, draw: Draw) -> Op:
        """Change or delete objects while iterating over a lookup."""
        equal = self._equal(draw)
        iterate, _ = draw(st.sampled_from(ITERATIONS))
        name = draw(st.sampled_from([*sorted(equal or self.kinds), ""]))
        value = self._value(draw, name) if name else None

        def change_all(tx: ModelTransaction) -> None:
            then, found = tx.frozen(), list[int]()
            tx.lookups.append(equal)
            for each in iterate(self.cls, self._stored(equal)):
                found.append(each.oid)
                if name:
                    self._write(tx, each.oid, name, value)
                else:
                    self._delete(tx, each.oid)
            self.model.observe(tx, lambda state: _matching(state, equal), found, then)

        return change_all

    def _deleting(self, draw: Draw) -> Op:
        oid = self._oid(draw)
        return lambda tx: self._delete(tx, oid)

    def _delete(self, tx: ModelTransaction, oid: int) -> None:
        result = _or_gone(lambda: self.cls.from_oid(oid).delete())
        tx.items.add((oid, None))
        self.model.observe(tx, lambda state: None if oid in state else GONE, result)
        if result != GONE:
            tx.created.discard(oid)
            tx.written[oid] = None

    def _registering(self, draw: Draw) -> Op:
        """Register a function of on_commit: it commits, or conflicts."""
        ops = [self._drawn(draw, WRITING) for _ in range(draw(st.integers(0, 2)))]
        disturbance = self._disturbance(draw, len(ops))
        is_tried_again = draw(st.booleans())

        def register(tx: ModelTransaction) -> None:
            transaction = current_view()
            assert isinstance(transaction, Transaction)
            database = transaction.database
            tx.callbacks += 1
            number = tx.callbacks

            def callback() -> None:
                tx.called += 1
                assert tx.called == number, "functions of on_commit are called once, in order"
                assert open_view() is None
                self._record(tx, database)
                if is_tried_again:
                    self._run_all(database, ops, disturbance)
                    return
                self._try_once(database, ops, disturbance, tx)

            transaction.on_commit(callback)

        return register

    def _try_once(
        self,
        database: Database,
        ops: list[Op],
        disturbance: Disturbance,
        outer: ModelTransaction,
    ) -> None:
        """Run ops in a transaction; a conflict fails the function of on_commit of `outer`."""
        body, tries = self._body(ops, disturbance)
        try:
            with database.transaction():
                body()
        except RevisionConflictError as error:
            self._check_reason(tries[-1], error)
            outer.has_failed_callback = True
            raise
        except AlreadyExistsError:
            self._check_taken(tries[-1])
        else:
            self._record(tries[-1], database)

    def _drawn(self, draw: Draw, kinds: Iterable[str]) -> Op:
        op: Op = getattr(self, f"_{draw(st.sampled_from(sorted(kinds)))}")(draw)
        return op

    def _disturbance(self, draw: Draw, length: int) -> Disturbance:
        tries = draw(st.sampled_from([0, 0, 1, 1, 2, 3, 10]))
        if not tries:
            return Disturbance()
        ops = [self._drawn(draw, WRITING) for _ in range(draw(st.integers(1, 3)))]
        return Disturbance(draw(st.integers(0, length)), tries, ops)

    def _body(
        self, ops: list[Op], disturbance: Disturbance
    ) -> tuple[Callable[[], int], list[ModelTransaction]]:
        """Return a function for a transaction, and where it notes each of its tries."""
        tries: list[ModelTransaction] = []
        rival = self.rival

        def disturb() -> None:
            self._run_all(rival.database, disturbance.ops, Disturbance())

        def body() -> int:
            if tries:
                self._check_reason(tries[-1], "one more try")
                assert not tries[-1].is_recorded, "what is committed runs again"
            tx = self.model.begin(is_view=False)
            tries.append(tx)
            for position in range(len(ops) + 1):
                if position == disturbance.position and len(tries) <= disturbance.tries:
                    rival.do(disturb)
                if position < len(ops):
                    ops[position](tx)
            return len(tries)

        return body, tries

    def _run_all(self, database: Database, ops: list[Op], disturbance: Disturbance) -> None:
        """Run ops with `db.run`."""
        body, tries = self._body(ops, disturbance)
        self._finish(database, tries, lambda: database.run(body))

    async def _run_all_async(
        self, database: Database, ops: list[Op], disturbance: Disturbance
    ) -> None:
        """Run ops with `db.run_async`."""
        body, tries = self._body(ops, disturbance)
        error: Exception | None = None
        result = 0
        try:
            result = await database.run_async(body)
        except (AlreadyExistsError, TransactionError) as raised:
            error = raised

        def outcome() -> int:
            if error is not None:
                raise error
            return result

        self._finish(database, tries, outcome)

    def _finish(
        self, database: Database, tries: list[ModelTransaction], run: Callable[[], int]
    ) -> None:
        try:
            result = run()
        except AlreadyExistsError:
            self._check_taken(tries[-1])
        except TransactionError:
            if not tries[-1].has_failed_callback:
                raise
        else:
            assert result == len(tries)
            self._check_called(tries[-1])
            self._record(tries[-1], database)

    # Rules

    @rule(number=NUMBER)
    def view(self, number: int) -> None:
        session = self.sessions[number]
        if session.model is None:
            self._enter(session, is_view=True)

    @rule(number=NUMBER, nested=NESTED, data=st.data())
    def create(self, number: int, nested: str, data: st.DataObject) -> None:
        self._perform(number, self._creating(data.draw), nested)

    @rule(number=NUMBER, nested=NESTED, data=st.data())
    def read(self, number: int, nested: str, data: st.DataObject) -> None:
        self._perform(number, self._reading(data.draw), nested, writes=False)

    @rule(number=NUMBER, nested=NESTED, data=st.data())
    def ask_whether_it_exists(self, number: int, nested: str, data: st.DataObject) -> None:
        self._perform(number, self._asking_whether_it_exists(data.draw), nested, writes=False)

    @rule(number=NUMBER, nested=NESTED, data=st.data())
    def look_up(self, number: int, nested: str, data: st.DataObject) -> None:
        self._perform(number, self._looking_up(data.draw), nested, writes=False)

    @rule(number=NUMBER, nested=NESTED, data=st.data())
    def look_up_a_range(self, number: int, nested: str, data: st.DataObject) -> None:
        self._perform(number, self._looking_up_a_range(data.draw), nested, writes=False)

    @rule(number=NUMBER, nested=NESTED, data=st.data())
    def write(self, number: int, nested: str, data: st.DataObject) -> None:
        self._perform(number, self._writing(data.draw), nested)

    @rule(number=NUMBER, nested=NESTED, data=st.data())
    def add(self, number: int, nested: str, data: st.DataObject) -> None:
        self._perform(number, self._adding(data.draw), nested)

    @rule(number=NUMBER, nested=NESTED, data=st.data())
    def delete(self, number: int, nested: str, data: st.DataObject) -> None:
        self._perform(number, self._deleting(data.draw), nested)

    @rule(number=NUMBER, nested=NESTED, data=st.data())
    def refer(self, number: int, nested: str, data: st.DataObject) -> None:
        self._perform(number, self._referring(data.draw), nested)

    @rule(number=NUMBER, nested=NESTED, data=st.data())
    def do_several(self, number: int, nested: str, data: st.DataObject) -> None:
        self._perform(number, self._drawn(data.draw, TOGETHER), nested)

    @rule(number=NUMBER, data=st.data())
    def register(self, number: int, data: st.DataObject) -> None:
        self._perform(number, self._registering(data.draw))

    @rule(number=NUMBER)
    def commit(self, number: int) -> None:
        session = self.sessions[number]
        tx = session.model
        if tx is None:
            return
        try:
            self._leave(session, None)
        except RevisionConflictError as error:
            self._check_reason(tx, error)
        except AlreadyExistsError:
            self._check_taken(tx)
        except TransactionError:
            if not tx.has_failed_callback:
                raise
        else:
            self._check_called(tx)
            if not tx.is_view:
                session.do(lambda: self._record(tx, session.database))

    @rule(number=NUMBER)
    def roll_back(self, number: int) -> None:
        session = self.sessions[number]
        tx = session.model
        if tx is not None:
            self._leave(session, _Abandoned())
            assert not tx.called, "a function of on_commit was called without a commit"

    @rule(number=NUMBER, data=st.data())
    def run(self, number: int, data: st.DataObject) -> None:
        """Run several ops with retries; in a task maybe some functions beside one another."""
        session = self.sessions[number]
        database = session.database
        runs: list[tuple[list[Op], Disturbance]] = []
        has_tasks = isinstance(session, TaskSession) and data.draw(st.booleans())
        for _ in range(data.draw(st.integers(1, 3)) if has_tasks else 1):
            ops = [self._drawn(data.draw, ANY) for _ in range(data.draw(st.integers(1, 4)))]
            runs.append((ops, self._disturbance(data.draw, len(ops))))

        async def run_together() -> None:
            # They are tasks of their own, outside of what is open here.
            await asyncio.gather(*(self._run_all_async(database, *each) for each in runs))

        if has_tasks:
            session.do(run_together)
        elif session.model is None:
            session.do(lambda: self._run_all(database, *runs[0]))

    @rule(data=st.data(), wake=st.sampled_from(["", "", "past", "far"]))
    def watch(self, data: st.DataObject, wake: str) -> None:
        """Let a reactor read something from now on."""
        ops = [self._drawn(data.draw, READING) for _ in range(data.draw(st.integers(1, 3)))]
        self.wakes_at = {"past": time.time() - 1, "far": time.time() + 3600}.get(wake)
        database = self.watcher.database

        def look() -> None:
            self.watched = None
            if self.wakes_at is not None:
                wake_at(self.wakes_at)
            with database.view():
                tx = self.model.begin(is_view=True)
                for op in ops:
                    op(tx)
            self.watched = tx

        self.reactor = Reactor(database, look)
        assert self.watcher.do(lambda: self.reactor.next(0.0)), "it runs at once"

    @precondition(lambda self: self.watched is not None)
    @rule()
    def react(self) -> None:
        before = self.watched
        assert before is not None
        has_run = self.watcher.do(lambda: self.reactor.next(0.0))
        if self.wakes_at is not None and self.wakes_at < time.time():
            assert has_run, "the time to wake is over"
        elif has_run:
            assert self.model.may_conflict(before), "nothing it read has changed"
        else:
            assert self.model.holds(before), "it did not wake"

    @rule(number=NUMBER)
    def forget_the_session(self, number: int) -> None:
        session = self.sessions[number]
        beside = [session]
        if isinstance(session, TaskSession):
            beside = [each for each in self.sessions if isinstance(each, TaskSession)]
        if all(each.model is None for each in beside):
            session.do(session.database.close_session)

    @rule(number=NUMBER)
    def checkpoint(self, number: int) -> None:
        session = self.sessions[number]
        if session.model is None:
            session.do(session.database.checkpoint)

    @precondition(lambda self: self.sessions)
    @invariant()
    def newest_view_sees_the_newest_state(self) -> None:
        self._steps += 1
        idle = [each for each in self.sessions if each.model is None]
        if idle:
            session = idle[self._steps % len(idle)]
            newest = session.do(lambda: self._look(session.database))
            assert newest == self.model.states[-1]


def _within(database: Database, nested: str, step: Callable[[], Any]) -> Callable[[], Any]:
    """Return a function that does a step within something that belongs to what is open."""

    def view() -> Any:
        with database.view():
            return step()

    def run_and_fail() -> Any:
        results: list[Any] = []

        def fail() -> None:
            results.append(step())
            raise _Abandoned

        try:
            # What it has done belongs to the transaction around it, which goes on.
            database.run(fail)
        except _Abandoned:
            return results[0]

    def run_async() -> Awaitable[Any]:
        return database.run_async(step)

    steps = {
        "view": view,
        "run": lambda: database.run(lambda: database.run(step)),
        "run_async": run_async,
        "run that fails": run_and_fail,
    }
    return steps.get(nested, step)


def _refused_in_a_view(database: Database) -> None:
    try:
        database.run(int)
    except TransactionError:
        return
    raise AssertionError("a transaction was opened inside a view")


def _marked(mark: Any, hint: Any) -> Any:
    return f"{mark.__name__}[{hint}]" if isinstance(hint, str) else mark[hint]


class _Abandoned(Exception):  # noqa: N818 - no error: a transaction is rolled back
    pass


def _or_gone(step: Callable[[], Any]) -> Any:
    try:
        return step()
    except ObjectGoneError:
        return GONE


def _plain(value: Any) -> Any:
    """Return a value as the model has it."""
    return value.oid if isinstance(value, DbObject) else value


def _matching(state: dict[int, Any], equal: dict[str, Any]) -> list[int]:
    return sorted(o for o, v in state.items() if all(v[n] == equal[n] for n in equal))


def _only(oids: list[int]) -> object:
    return SEVERAL if len(oids) > 1 else next(iter(oids), None)


def _oids(found: Any) -> list[int]:
    return [each.oid for each in found]


def _oid_or_none(found: Any) -> int | None:
    return None if found is None else int(found.oid)


def _look_up_one(cls: Any, equal: dict[str, Any]) -> object:
    try:
        return _oid_or_none(cls.lookup_one_or_none(**equal))
    except LookupError:
        return SEVERAL


QUESTIONS: list[tuple[Callable[[Any, dict[str, Any]], object], Callable[[list[int]], object]]] = [
    (lambda cls, equal: _oids(cls.lookup_all(**equal)), lambda oids: oids),
    (lambda cls, equal: cls.lookup_count(**equal), len),
    (lambda cls, equal: _oids(cls.lookup_newest(2, **equal)), lambda oids: oids[-2:]),
    (lambda cls, equal: _oids(cls.lookup_oldest(1, **equal)), lambda oids: oids[:1]),
    (
        lambda cls, equal: _oid_or_none(cls.lookup_any(**equal)),
        lambda oids: next(iter(oids), None),
    ),
    (_look_up_one, _only),
]
LOOKUP_ANY = 4

RANGE_QUESTIONS: list[
    tuple[Callable[[Any, dict[str, Any]], object], Callable[[list[int]], object]]
] = [
    (lambda cls, asked: _oids(cls.lookup_all(**asked)), lambda oids: oids),
    (lambda cls, asked: _oids(cls.lookup_each(**asked)), lambda oids: oids),
    (lambda cls, asked: cls.lookup_count(**asked), len),
]

ITERATIONS: list[tuple[Callable[[Any, dict[str, Any]], Iterable[Any]], str]] = [
    (lambda cls, equal: cls.lookup_all(**equal), "at once"),
    (lambda cls, equal: cls.lookup_each(**equal), "by pages"),
]

READING = ("reading", "asking_whether_it_exists", "looking_up", "looking_up_a_range")
TOGETHER = ("referring", "swapping", "rotating", "draining", "iterating", "getting_or_creating")
WRITING = ("creating", "writing", "adding", "deleting", *TOGETHER)
ANY = (*READING, *WRITING, "registering")


def test_sessions_agree_with_the_model() -> None:
    is_long = fuzz_time.SECONDS > 0
    for seed in fuzz_time.seeds(1):
        run_state_machine_as_test(
            use_seed(seed)(Sessions),
            settings=settings(
                max_examples=50 if is_long else EXAMPLES,
                stateful_step_count=50 if is_long else 40,
                deadline=None,
                database=None,
                print_blob=False,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
            ),
        )
