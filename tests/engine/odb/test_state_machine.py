"""The database against a model of plain dicts: random schemas, sessions, conflicts.

`STATE_MACHINE_EXAMPLES` in the environment makes it larger.
"""

from __future__ import annotations

import itertools
import os
import queue
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from store_model import COMPARISONS, GONE, Model, ModelTransaction, RangeLookup

from odbctl.engine.odb import Database, DbObject, Index, Indexed, Schema, Unique, View
from odbctl.errors import AlreadyExistsError, ObjectGoneError, RevisionConflictError

EXAMPLES = int(os.environ.get("STATE_MACHINE_EXAMPLES", "40"))
SESSIONS = 2
TYPES: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "int": (int, st.integers(0, 2)),
    "text": (str, st.sampled_from(["", "a", "é"])),
    "flag": (bool, st.booleans()),
    "maybe": (int | None, st.none() | st.integers(0, 1)),
    "raw": (bytes, st.sampled_from([b"", b"\0"])),
    "numbers": (list[int], st.lists(st.integers(0, 1), max_size=2)),
}
_numbers = itertools.count()
# Its type is not known.
_several: Any = multiple


class Session:
    """A thread with views and transactions of its own, told step by step what to do."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.view: View | None = None
        self.model: ModelTransaction | None = None
        self._steps: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[object, BaseException | None]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def do(self, step: Callable[[], object]) -> object:
        """Do one step in the thread, and return or raise what comes of it."""
        self._steps.put(step)
        result, error = self._results.get(timeout=30)
        if error is not None:
            raise error
        return result

    def end(self) -> None:
        """End the thread."""
        self._steps.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (step := self._steps.get()) is not None:
            try:
                self._results.put((step(), None))
            except BaseException as error:  # noqa: BLE001 - handed on
                self._results.put((None, error))
        self.database.close_session()


class Sessions(RuleBasedStateMachine):
    """Sessions of one database in a file; each step is checked against the model."""

    objects: Bundle[int] = Bundle("objects")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="odb-model-"))
        self.sessions: list[Session] = []

    @initialize(
        target=objects,
        data=st.data(),
        kinds=st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=4),
        marks=st.lists(st.sampled_from(["", "indexed", "indexed"]), min_size=4, max_size=4),
        unique=st.sampled_from(["", "field", "index"]),
        is_file=st.booleans(),
    )
    def set_up(
        self, data: st.DataObject, kinds: list[str], marks: list[str], unique: str, is_file: bool
    ) -> Any:
        hints: dict[str, Any] = {}
        self.values: dict[str, st.SearchStrategy[Any]] = {}
        for number, (kind, mark) in enumerate(zip(kinds, marks, strict=False)):
            hint, values = TYPES[kind]
            hints[f"f{number}"] = _marked(Indexed, hint) if mark else hint
            self.values[f"f{number}"] = values
        self.lookups: list[tuple[str, ...]] = [
            (),
            *((n,) for n, m in zip(hints, marks, strict=False) if m),
        ]
        extra: dict[str, Any] = {}
        unique_fields: tuple[str, ...] = ()
        if unique == "field":
            hints["f0"] = _marked(Unique, TYPES[kinds[0]][0])
            unique_fields = ("f0",)
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
            *((*names[:-1], names[-1]) for names in self.lookups if self._is_ordered(names, kinds)),
        ]
        self.model = Model(unique_fields)
        shared = None if is_file else Database.in_memory()
        for _ in range(SESSIONS):
            self.sessions.append(Session(shared or Database(self.folder / "odb.db")))
        found = [self.create(0, data) for _ in range(0 if unique_fields else 3)]
        self.commit(0)
        return _several(*found)

    def teardown(self) -> None:
        for session in self.sessions:
            if session.view is not None:
                self._leave(session, _Abandoned())
            session.end()
            session.database.close()
        shutil.rmtree(self.folder)

    def _is_ordered(self, names: tuple[str, ...], kinds: list[str]) -> bool:
        return bool(names) and kinds[int(names[-1][1:])] != "numbers"

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

    def _step(self, session: Session, step: Callable[[], object]) -> object:
        """Do a step; a conflict that shows in its midst ends the transaction."""
        tx = session.model
        assert tx is not None
        try:
            return session.do(step)
        except ObjectGoneError:
            return GONE
        except RevisionConflictError as error:
            self._check_reason(tx, error)
            self._leave(session, error)
            tx.is_dead = True
            return None

    def _check_reason(self, tx: ModelTransaction, error: RevisionConflictError) -> None:
        assert not tx.is_view
        assert self.model.may_conflict(tx), f"no reason for {error}"

    def _leave(self, session: Session, error: BaseException | None) -> None:
        view, session.view, session.model = session.view, None, None
        assert view is not None
        kind = type(error) if error else None
        session.do(lambda: view.__exit__(kind, error, None))

    @rule(number=st.integers(0, SESSIONS - 1))
    def view(self, number: int) -> None:
        session = self.sessions[number]
        if session.model is None:
            self._enter(session, is_view=True)

    @rule(target=objects, number=st.integers(0, SESSIONS - 1), data=st.data())
    def create(self, number: int, data: st.DataObject) -> Any:
        session, tx = self._opened(number)
        if tx.is_view:
            return _several()
        values = {name: data.draw(strategy) for name, strategy in self.values.items()}
        handle: Any = session.do(lambda: self.cls(**values))
        tx.written[handle.oid] = values
        tx.created.add(handle.oid)
        return int(handle.oid)

    @rule(number=st.integers(0, SESSIONS - 1), oid=objects, data=st.data())
    def read(self, number: int, oid: int, data: st.DataObject) -> None:
        session, tx = self._opened(number)
        name = data.draw(st.sampled_from(sorted(self.values)))
        result = self._step(session, lambda: getattr(self.cls.from_oid(oid), name))
        if tx.is_dead:
            return
        tx.items.add((oid, name))
        self.model.observe(tx, lambda state: state[oid][name] if oid in state else GONE, result)

    @rule(number=st.integers(0, SESSIONS - 1), oid=objects)
    def ask_whether_it_exists(self, number: int, oid: int) -> None:
        session, tx = self._opened(number)
        result = self._step(session, lambda: self.cls.from_oid(oid).exists())
        if tx.is_dead:
            return
        tx.items.add((oid, None))
        self.model.observe(tx, lambda state: oid in state, result)

    @rule(number=st.integers(0, SESSIONS - 1), data=st.data())
    def look_up(self, number: int, data: st.DataObject) -> None:
        session, tx = self._opened(number)
        names = data.draw(st.sampled_from(self.lookups))
        equal = {name: data.draw(self.values[name]) for name in names}
        ask, answer = data.draw(st.sampled_from(QUESTIONS))
        result = self._step(session, lambda: ask(self.cls, equal))
        if tx.is_dead:
            return
        tx.lookups.append(equal)
        self.model.observe(
            tx,
            lambda state: answer(
                sorted(o for o, v in state.items() if all(v[n] == equal[n] for n in equal))
            ),
            result,
        )

    @rule(
        number=st.integers(0, SESSIONS - 1),
        after=st.none() | objects,
        limit=st.none() | st.integers(0, 3),
        is_descending=st.booleans(),
        data=st.data(),
    )
    def look_up_a_range(
        self,
        number: int,
        after: int | None,
        limit: int | None,
        is_descending: bool,
        data: st.DataObject,
    ) -> None:
        session, tx = self._opened(number)
        names = data.draw(st.sampled_from(self.orders))
        equal = {name: data.draw(self.values[name]) for name in names[:-1]}
        bounds: dict[str, Any] = {}
        for comparison in data.draw(st.sets(st.sampled_from(sorted(COMPARISONS)), max_size=2)):
            bound = data.draw(self.values[names[-1]]) if names[-1] != "oid" else None
            if bound is not None:
                bounds[comparison] = bound
        asked = RangeLookup(equal, names[-1], bounds, is_descending=is_descending, limit=limit)
        if after is not None and not self._reads_place(session, tx, asked, after):
            return
        ask, answer = data.draw(st.sampled_from(RANGE_QUESTIONS))
        arguments = asked.arguments(None if after is None else self.cls.from_oid(after))
        result = self._step(session, lambda: ask(self.cls, arguments))
        if tx.is_dead:
            return
        tx.lookups.append(asked)
        self.model.observe(tx, lambda state: answer(asked.find(state, after)), result)

    def _reads_place(
        self, session: Session, tx: ModelTransaction, asked: RangeLookup, after: int
    ) -> bool:
        """Read what a page begins behind, which an order of oids need not; say if that went."""
        if asked.order == "oid":
            return True
        result = self._step(session, lambda: getattr(self.cls.from_oid(after), asked.order))
        if tx.is_dead:
            return False
        tx.items.add((after, asked.order))
        self.model.observe(
            tx, lambda state: state[after][asked.order] if after in state else GONE, result
        )
        return result != GONE

    @rule(number=st.integers(0, SESSIONS - 1), oid=objects, data=st.data())
    def write(self, number: int, oid: int, data: st.DataObject) -> None:
        session, tx = self._opened(number)
        if tx.is_view:
            return
        name = data.draw(st.sampled_from(sorted(self.values)))
        value = data.draw(self.values[name])
        result = self._step(session, lambda: setattr(self.cls.from_oid(oid), name, value))
        if tx.is_dead:
            return
        tx.items.add((oid, None))
        self.model.observe(tx, lambda state: None if oid in state else GONE, result)
        if result != GONE:
            tx.items.add((oid, name))
            tx.written[oid] = {**(tx.written.get(oid) or {}), name: value}

    @rule(number=st.integers(0, SESSIONS - 1), oid=objects)
    def delete(self, number: int, oid: int) -> None:
        session, tx = self._opened(number)
        if tx.is_view:
            return
        result = self._step(session, lambda: self.cls.from_oid(oid).delete())
        if tx.is_dead:
            return
        tx.items.add((oid, None))
        self.model.observe(tx, lambda state: None if oid in state else GONE, result)
        if result != GONE:
            if oid in tx.created:
                tx.created.discard(oid)
            tx.written[oid] = None

    @rule(number=st.integers(0, SESSIONS - 1))
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
            assert self.model.has_duplicates(self.model.after(tx)), "nothing is there twice"
        else:
            if not tx.is_view:
                self.model.commit(tx, self._newest(session))

    @rule(number=st.integers(0, SESSIONS - 1))
    def roll_back(self, number: int) -> None:
        session = self.sessions[number]
        tx = session.model
        if tx is not None:
            self._leave(session, _Abandoned())

    @rule(number=st.integers(0, SESSIONS - 1))
    def forget_the_session(self, number: int) -> None:
        session = self.sessions[number]
        tx = session.model
        if tx is None:
            session.do(session.database.close_session)

    @rule(number=st.integers(0, SESSIONS - 1))
    def checkpoint(self, number: int) -> None:
        session = self.sessions[number]
        tx = session.model
        if tx is None:
            session.do(session.database.checkpoint)

    @precondition(lambda self: self.sessions)
    @invariant()
    def newest_view_sees_the_newest_state(self) -> None:
        session = next((each for each in self.sessions if each.model is None), None)
        if session is None:
            return
        assert self._newest(session) == self.model.states[-1]

    def _newest(self, session: Session) -> Any:
        def look() -> object:
            with session.database.view():
                return {
                    each.oid: {name: getattr(each, name) for name in self.values}
                    for each in self.cls.lookup_all()
                }

        return session.do(look)


def _marked(mark: Any, hint: Any) -> Any:
    return mark[hint]


class _Abandoned(Exception):  # noqa: N818 - no error: a transaction is rolled back
    pass


def _oids(found: Any) -> list[int]:
    return [each.oid for each in found]


QUESTIONS: list[tuple[Callable[[Any, dict[str, Any]], object], Callable[[list[int]], object]]] = [
    (lambda cls, equal: _oids(cls.lookup_all(**equal)), lambda oids: oids),
    (lambda cls, equal: cls.lookup_count(**equal), len),
    (lambda cls, equal: _oids(cls.lookup_newest(2, **equal)), lambda oids: oids[-2:]),
    (lambda cls, equal: _oids(cls.lookup_oldest(1, **equal)), lambda oids: oids[:1]),
]

RANGE_QUESTIONS: list[
    tuple[Callable[[Any, dict[str, Any]], object], Callable[[list[int]], object]]
] = [
    (lambda cls, asked: _oids(cls.lookup_all(**asked)), lambda oids: oids),
    (lambda cls, asked: _oids(cls.lookup_each(**asked)), lambda oids: oids),
    (lambda cls, asked: cls.lookup_count(**asked), len),
]

TestSessions = Sessions.TestCase
TestSessions.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    derandomize=EXAMPLES <= 40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
