"""Objects: lookups, references, deletion, views and what transactions see of themselves."""

# ruff: noqa: PT012, SIM117 - what raises is the end of a transaction, so its body stands inside.

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NewType

import pytest

import odbctl
from odbctl.engine.model.core import ServiceInstance
from odbctl.engine.odb import (
    Database,
    DbObject,
    Index,
    Indexed,
    Schema,
    Secret,
    Unique,
    current_database,
    oids,
)
from odbctl.errors import (
    AlreadyExistsError,
    NotFoundError,
    ObjectGoneError,
    RevisionConflictError,
    StoreError,
    TransactionError,
)

schema = Schema("objects")


@pytest.fixture
def database(any_database: Database) -> Database:
    """What is asked here must hold in every store."""
    return any_database


class State(StrEnum):
    NEW = "new"
    DONE = "done"


@schema.define
class Task(DbObject):
    name: Unique[str]
    state: Indexed[State] = State.NEW
    project: Indexed[Project | None] = None
    parent: Task | None = None
    is_urgent: Indexed[bool] = False
    note: str = ""


@schema.define
class Project(DbObject):
    title: str


def test_objects_outlive_the_session_that_made_them(database: Database) -> None:
    with database.transaction():
        project = Project(title="house")
        task = Task(name="door", project=project)
        Task(name="lock", parent=task)
    database.close_session()
    with database.view():
        lock = Task.lookup_one(name="lock")
        assert lock.parent == task
        assert lock.parent is not None
        assert lock.parent.project == project
        assert project.title == "house"
        assert database is current_database()


def test_lookups_by_any_number_of_indexed_fields(database: Database) -> None:
    with database.transaction():
        house = Project(title="house")
        a = Task(name="a", project=house)
        b = Task(name="b", project=house, state=State.DONE)
        c = Task(name="c", is_urgent=True)
    with database.view():
        assert Task.lookup_all() == (a, b, c)
        assert Task.lookup_all(project=house) == (a, b)
        assert Task.lookup_all(project=house, state=State.DONE) == (b,)
        assert Task.lookup_all(project=None, is_urgent=True) == (c,)
        assert Task.lookup_any(state=State.NEW) == a
        assert Task.lookup_any(name="z") is None
        assert Task.lookup_unique(name="b") == b
        assert Task.lookup_unique(name="z") is None


def test_lookup_one_needs_exactly_one(database: Database) -> None:
    with database.transaction():
        Task(name="a")
        Task(name="b")
        with pytest.raises(NotFoundError, match=r"objects\.Task"):
            Task.lookup_one(name="c")
        with pytest.raises(LookupError, match="2 objects"):
            Task.lookup_one(state=State.NEW)


def test_lookup_by_what_is_not_indexed_is_refused(database: Database) -> None:
    with database.view():
        with pytest.raises(TypeError, match="note is not indexed; indexed: name, state"):
            Task.lookup_all(note="x")
        with pytest.raises(TypeError, match="nota is not a field"):
            Task.lookup_all(nota="x")
        with pytest.raises(TypeError, match="expects State"):
            Task.lookup_all(state="new")
        with pytest.raises(TypeError, match="Unique"):
            Task.lookup_unique(state=State.NEW)


def test_transaction_reads_its_own_writes(database: Database) -> None:
    with database.transaction():
        old = Task(name="old")
    with database.transaction():
        new = Task(name="new", is_urgent=True)
        assert Task.lookup_all() == (old, new)
        old.state = State.DONE
        assert old.state is State.DONE
        assert Task.lookup_all(state=State.NEW) == (new,)
        assert Task.lookup_all(state=State.DONE, is_urgent=False) == (old,)
        new.delete()
        assert not new.exists()
        assert Task.lookup_all(name="new") == ()
        Task(name="new")
        old.delete()
        assert Task.lookup_all(state=State.DONE) == ()
    with database.view():
        assert [task.name for task in Task.lookup_all()] == ["new"]


def test_body_that_raises_writes_nothing(database: Database) -> None:
    called: list[str] = []
    with pytest.raises(RuntimeError), database.transaction() as transaction:
        transaction.on_commit(lambda: called.append("committed"))
        Task(name="a")
        raise RuntimeError
    with database.view():
        assert Task.lookup_all() == ()
    assert not called


def test_on_commit_is_called_when_it_can_be_seen(database: Database) -> None:
    seen: list[int] = []

    def look() -> None:
        with database.transaction():
            seen.append(len(Task.lookup_all()))

    with database.transaction() as transaction:
        transaction.on_commit(look)
        Task(name="a")
        assert not seen
    assert seen == [1]


@schema.define
class Track(DbObject):
    position: Unique[int]
    disc: int = 1
    side: str = "a"
    number: int = 0
    once = Index("disc", "side", "number", unique=True)


def test_unique_values_move_up_in_one_transaction(database: Database) -> None:
    with database.transaction():
        tracks = [Track(position=number, number=number) for number in range(5)]
    with database.transaction():
        for track in tracks:
            track.position += 1
        new = Track(position=0, number=9)
    with database.view():
        assert [each.position for each in tracks] == [1, 2, 3, 4, 5]
        assert Track.lookup_unique(position=0) == new
        assert Track.lookup_unique(position=1) == tracks[0]


def test_unique_values_change_places(database: Database) -> None:
    with database.transaction():
        a, b = Track(position=1, number=1), Track(position=2, number=2, side="b")
        c = Track(position=3, number=3)
    with database.transaction():
        a.position, b.position = b.position, a.position
        a.side, b.side = b.side, a.side
        a.number, b.number = b.number, a.number
        c.disc = 2
    with database.view():
        assert [(each.position, each.side, each.number) for each in (a, b)] == [
            (2, "b", 2),
            (1, "a", 1),
        ]
        assert Track.lookup_unique(disc=1, side="b", number=2) == a


def test_unique_values_that_are_taken_in_the_end_are_refused(database: Database) -> None:
    with database.transaction():
        a, b, c = (Track(position=number, number=number) for number in range(3))
    with pytest.raises(AlreadyExistsError, match=r"objects\.Track with position '2'"):
        with database.transaction():
            a.position, b.position = 2, 0
    with database.view():
        assert [each.position for each in (a, b, c)] == [0, 1, 2]


Login = NewType("Login", Unique[str])


@schema.define
class Member(DbObject):
    mail: Unique[str] | None = None
    floor: Indexed[int] | None = None
    badge: Unique[Indexed[int]] | None = None
    pin: Secret[str] | None = None
    login: Login | None = None


@pytest.mark.parametrize("name", ["mail", "login", "badge"])
def test_mark_beside_none_is_of_the_field(database: Database, name: str) -> None:
    value: Any = 7 if name == "badge" else "a"
    with database.transaction():
        Member()
        Member(floor=3)
        one = Member(**{name: value}, floor=3)
    with pytest.raises(AlreadyExistsError, match=name), database.transaction():
        Member(**{name: value})
    with database.view():
        assert Member.lookup_unique(**{name: value}) == one
        assert Member.lookup_count(floor=3) == 2
        assert Member.lookup_count(floor=None) == 1


def test_secret_beside_none_is_not_shown(database: Database) -> None:
    with database.transaction(), pytest.raises(TypeError, match="a bytes that is not one"):
        Member(pin=b"1234")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - the point


@schema.define
class Animal(DbObject):
    name: Indexed[str]

    def call(self) -> str:
        return f"{self.name}!"


@schema.define
class Dog(Animal):
    tricks: list[str] = []


class Hen(Animal):
    """Not defined: the same table, seen through another class."""


@dataclass(frozen=True)
class Feeding:
    animal: Animal
    grams: int = 0


@schema.define
class Keeper(DbObject):
    animal: Indexed[Animal | None] = None
    animals: list[Animal] = []
    feeding: Feeding | None = None
    either: Dog | Animal | None = None


def test_object_of_a_stored_subclass_is_refused_where_its_base_is_expected(
    database: Database,
) -> None:
    with database.transaction():
        dog = Dog(name="Rex", tricks=["sit"])
        keeper = Keeper()
        said = r"objects\.Keeper\.{} expects .*objects\.Animal.*got .*<objects\.Dog \d+>"
        with pytest.raises(TypeError, match=said.format("animal")):
            Keeper(animal=dog)
        with pytest.raises(TypeError, match=said.format("animals")):
            keeper.animals = [dog]
        with pytest.raises(TypeError, match=r"objects\.Keeper\.feeding expects Feeding"):
            keeper.feeding = Feeding(dog)
        with pytest.raises(TypeError, match=said.format("animal")):
            Keeper.lookup_all(animal=dog)
    with database.view():
        assert (dog.call(), Animal.lookup_all(name="Rex")) == ("Rex!", ())


def test_union_refers_to_a_stored_class_and_its_subclass(database: Database) -> None:
    with database.transaction():
        one = Keeper(either=Dog(name="Rex"))
        other = Keeper(either=Animal(name="Tom"))
    with database.view():
        assert (type(one.either), type(other.either)) == (Dog, Animal)
        assert one.either is not None
        assert one.either.name == "Rex"


def test_subclass_that_is_not_defined_shares_the_table(database: Database) -> None:
    with database.transaction():
        keeper = Keeper(animal=Hen(name="Berta"))
    with database.view():
        assert keeper.animal is not None
        assert (type(keeper.animal), keeper.animal.call()) == (Animal, "Berta!")


@dataclass(frozen=True)
class Card:
    number: Unique[int]


@pytest.mark.parametrize(
    "hint",
    [
        list[Unique[str]],
        dict[str, Secret[str]],
        tuple[Indexed[int], ...],
        tuple[int, Indexed[int]],
        set[Unique[int]] | None,
        Unique[int] | str,
        Card,
    ],
    ids=str,
)
def test_mark_inside_a_type_is_refused(database: Database, hint: object) -> None:
    box: type[DbObject] = type("Box", (DbObject,), {"__annotations__": {"content": hint}})
    said = r"local\.Box\.content: .*marks a whole field: put (Unique|Indexed|Secret)\["
    with database.view(), pytest.raises(TypeError, match=said):
        Schema("local").define(box).lookup_all()


def test_unique_value_that_is_taken_is_refused(database: Database) -> None:
    with database.transaction():
        a = Task(name="a")
    with pytest.raises(AlreadyExistsError, match=r"objects\.Task with name 'a'"):
        with database.transaction():
            Task(name="b")
            Task(name="a")
    with pytest.raises(AlreadyExistsError, match="'c'"), database.transaction():
        Task(name="c")
        Task(name="c")
    with database.transaction():
        a.delete()
        Task(name="a")
    with database.view():
        assert [task.name for task in Task.lookup_all()] == ["a"]


def test_deleted_object_is_gone(database: Database) -> None:
    with database.transaction():
        project = Project(title="house")
        task = Task(name="a", project=project)
    with database.transaction():
        project.delete()
        with pytest.raises(ObjectGoneError):
            project.delete()
        with pytest.raises(ObjectGoneError):
            _ = project.title
    with database.view():
        assert not project.exists()
        assert task.project == project
        with pytest.raises(ObjectGoneError, match=rf"objects\.Project {project.oid}"):
            _ = project.title


def test_handles_are_equal_by_object(database: Database) -> None:
    with database.transaction():
        task = Task(name="a")
    handle = Task.from_oid(task.oid)
    assert handle == task
    assert {handle, task} == {task}
    assert handle != Project.from_oid(task.oid)


def test_view_does_not_move_while_others_commit(database: Database) -> None:
    with database.transaction():
        task = Task(name="a")

    def change() -> None:
        with database.transaction():
            task.note = "changed"
            Task(name="b")

    with database.view():
        assert len(Task.lookup_all()) == 1
        thread = threading.Thread(target=change)
        thread.start()
        thread.join()
        assert task.note == ""
        assert len(Task.lookup_all()) == 1
        with database.view():
            assert task.note == ""
    with database.view():
        assert task.note == "changed"
        assert len(Task.lookup_all()) == 2


@pytest.mark.parametrize("commits", [0, 1, 2])
def test_view_is_of_the_time_when_it_was_opened(database: Database, commits: int) -> None:
    def create() -> None:
        with database.transaction():
            Task(name=f"{len(Task.lookup_all())}")

    for _ in range(commits):
        create()
    database.close_session()
    with database.view() as view:
        assert view.seq == commits
        thread = threading.Thread(target=create)
        thread.start()
        thread.join()
        assert len(Task.lookup_all()) == commits
    with database.view():
        assert len(Task.lookup_all()) == commits + 1


def test_transactions_do_not_nest(database: Database) -> None:
    with database.view(), pytest.raises(TransactionError, match="inside a view"):
        database.run(lambda: Task(name="a"))
    with database.transaction():
        with pytest.raises(TransactionError, match="inside a transaction"):
            with database.transaction():
                pass
        Task(name="a")
        with database.view():
            assert Task.lookup_unique(name="a")
    with database.view():
        assert len(Task.lookup_all()) == 1


def test_closed_database_says_so(database: Database) -> None:
    with database.view():
        database.close()
    with pytest.raises(StoreError, match="is closed"), database.view():
        pass


def test_oids_grow(database: Database) -> None:
    with database.transaction():
        oids = [Project(title=str(number)).oid for number in range(500)]
    assert oids == sorted(set(oids))


def test_objects_that_are_created_in_one_go_have_consecutive_oids(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [oids._EPOCH_NS]  # pyright: ignore[reportPrivateUsage] - where the numbers begin
    monkeypatch.setattr(time, "time_ns", lambda: now[0])
    source = oids._Oids()  # pyright: ignore[reportPrivateUsage] - with a last number of its own
    first = source.next()
    now[0] += 1000 * (oids.LONGEST_RUN_MICROSECONDS - 2)
    assert [source.next(), source.next()] == [first + 1, first + 2]
    now[0] += 7_000
    assert source.next() >> 12 == oids.LONGEST_RUN_MICROSECONDS + 5, "from the clock again"
    now[0] -= 10**12
    assert source.next() > first + 2, "a clock that was set back"


def test_a_forked_child_draws_other_oids_and_random_bits_than_its_parent() -> None:
    program = (
        "import os, time\n"
        "from odbctl.engine.odb.oids import new_oid\n"
        "new_oid()\n"
        "child = os.fork()\n"
        "oids = [new_oid() for _ in range(20)]\n"
        "for _ in range(5):\n"
        "    time.sleep(0.002)\n"
        "    oids.append(new_oid())\n"
        "if child: os.waitpid(child, 0)\n"
        "os.write(1, f'{oids}\\n'.encode())\n"
        "if not child: os._exit(0)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    childs, parents = map(json.loads, ran.stdout.splitlines())
    assert not {*childs} & {*parents}
    assert [oid % 4096 for oid in childs[-5:]] != [oid % 4096 for oid in parents[-5:]]


def test_lookup_one_or_none_gives_none_for_none_and_refuses_several(database: Database) -> None:
    with database.transaction():
        assert Task.lookup_one_or_none(name="a") is None
        task = Task(name="a")
        assert Task.lookup_one_or_none(name="a") == task
        Task(name="b")
        with pytest.raises(LookupError, match=r"2 objects of objects\.Task have is_urgent=False"):
            Task.lookup_one_or_none(is_urgent=False)


def test_get_or_create_gives_what_is_there(database: Database) -> None:
    with database.transaction():
        task, is_new = Task.get_or_create({"note": "first"}, name="a")
        assert is_new
        assert task.note == "first"
        assert Task.get_or_create({"note": "second"}, name="a") == (task, False)
        assert task.note == "first"
    with database.view():
        assert Task.get_or_create(name="a") == (task, False)
        with pytest.raises(TransactionError, match="a view cannot write"):
            Task.get_or_create(name="b")
    with database.transaction():
        with pytest.raises(TypeError, match="note"):
            Task.get_or_create(note="first")


def test_get_or_create_creates_once_beside_another(database: Database) -> None:
    tries: list[bool] = []

    def create() -> None:
        tries.append(Task.get_or_create(name="a")[1])
        if len(tries) == 1:
            rival = threading.Thread(target=database.run, args=(create,))
            rival.start()
            rival.join()

    database.run(create)
    assert tries == [True, True, False]
    with database.view():
        assert Task.lookup_count() == 1


def test_names_that_authors_need_are_exported() -> None:
    assert odbctl.RevisionConflictError is RevisionConflictError
    assert odbctl.ServiceInstance is ServiceInstance
