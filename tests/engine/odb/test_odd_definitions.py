"""Classes and values at the edge: they work or are refused by name, and no library error shows."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import enum
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any, Literal

import pytest

from odbctl.engine.odb import Database, DbObject, Index, Indexed, Schema, field, records
from odbctl.engine.odb.field import Field
from odbctl.engine.odb.sqlite_store import SqliteLink
from odbctl.errors import AlreadyExistsError, StoreError, UnreadableFieldError


class Large(enum.IntEnum):
    HUGE = 2**70


class LargeFlag(enum.Flag):
    HUGE = 2**70


@dataclasses.dataclass(frozen=True)
class Scaled:
    size: int
    scale: dataclasses.InitVar[int]


@dataclasses.dataclass(frozen=True)
class Chain:
    inner: Chain | None = None


@pytest.fixture
def database(any_database: Database) -> Database:
    """What is asked here must hold in every store."""
    return any_database


def release(hints: dict[str, Any], **namespace: object) -> Any:
    """Define `shop.Item` with these fields, as one release does."""
    body = type("Item", (DbObject,), {"__annotations__": hints, **namespace})
    return Schema("shop").define(body)


@pytest.mark.parametrize("value", [dt.timedelta.max, dt.timedelta.min])
def test_duration_over_64_bits_is_refused(database: Database, value: dt.timedelta) -> None:
    item = release({"value": dt.timedelta})
    said = r"shop\.Item\.value: .* has more than 64 bits of microseconds"
    with pytest.raises(ValueError, match=said), database.transaction():
        item(value=value)


@pytest.mark.parametrize(("hint", "value"), [(Large, Large.HUGE), (Literal[2**70], 2**70)])
def test_member_over_64_bits_is_stored(database: Database, hint: Any, value: object) -> None:
    with database.transaction():
        one = release({"value": hint})(value=value)
    with database.view():
        assert one.value == value


@pytest.mark.parametrize(
    ("hints", "namespace", "said"),
    [
        ({"value": LargeFlag}, {}, "shop.Item.value: LargeFlag.HUGE has more than 64 bits"),
        ({"value": str}, {"value": "a\0b"}, "shop.Item.value: a default cannot hold a NUL"),
        ({"value": Scaled}, {}, "Scaled.scale is an InitVar without a default"),
        ({"value": int, "Value": int}, {}, "Item.Value differs from value in case only"),
    ],
)
def test_what_cannot_be_stored_is_refused_where_it_is_declared(
    database: Database, hints: dict[str, Any], namespace: dict[str, object], said: str
) -> None:
    with database.view(), pytest.raises(TypeError, match=re.escape(said)):
        release(hints, **namespace).lookup_all()


def test_classes_that_differ_in_case_only_are_refused() -> None:
    schema = Schema("shop")
    schema.define(type("Item", (DbObject,), {"__annotations__": {}}))
    with pytest.raises(TypeError, match=r"shop\.ITEM differs from shop\.Item in case only"):
        schema.define(type("ITEM", (DbObject,), {"__annotations__": {}}))


@pytest.mark.parametrize("name", ["cls", "self", "count", "definition", "equal", "limit"])
def test_field_may_be_called_as_an_argument_is(database: Database, name: str) -> None:
    item = release({name: Indexed[int]})
    with database.transaction():
        one = item(**{name: 1})
    with database.view():
        assert getattr(one, name) == 1
        assert item.lookup_all(**{name: 1}) == (one,)
        assert item.lookup_newest(1, **{name: 1}) == (one,)
        assert item.lookup_one(**{name: 1}) == one


def test_class_in_a_function_may_name_itself(database: Database) -> None:
    schema = Schema("shop")

    @schema.define
    class Node(DbObject):
        number: int

        def same(self) -> DbObject:
            return Node.from_oid(self.oid)

    with database.transaction():
        node = Node(number=1)
        assert node.same() == node


def test_value_that_is_nested_too_deeply_is_refused(database: Database) -> None:
    item, value = release({"value": Chain}), Chain()
    for _ in range(600):
        value = Chain(value)
    said = r"shop\.Item\.value: the value is nested too deeply"
    with pytest.raises(ValueError, match=said), database.transaction():
        item(value=value)


def test_any_number_of_newest_objects_may_be_asked_for(database: Database) -> None:
    item = release({"value": int})
    with database.transaction():
        one = item(value=1)
    with database.view():
        assert item.lookup_newest(2**70) == (one,)


def test_unique_index_of_another_release_is_named(tmp_path: Any) -> None:
    newer = release(
        {"value": int, "other": int}, other=7, both=Index("value", "other", unique=True)
    )
    older = release({"value": int})
    with Database(tmp_path / "odb.db", run_dir=tmp_path / "run") as database:
        with database.transaction():
            newer(value=1)
        with (
            pytest.raises(AlreadyExistsError, match=r"shop\.Item with value"),
            database.transaction(),
        ):
            older(value=1)


# Made by a name that type checkers do not look through.
untyped: Any = collections.namedtuple
UNTYPED = untyped("Pair", "a b")


class Bits(enum.IntFlag):
    ONE = 1


class Odd(enum.StrEnum):
    HALF = "\ud800"


class Small(enum.IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    ("hint", "value", "said"),
    [
        (Bits, Bits(2**70), "has more than 64 bits"),
        (Odd, Odd.HALF, "surrogates not allowed"),
        (Literal["\ud800"], "\ud800", "surrogates not allowed"),
        (Literal["00", 1] | bytes, "00", "'00' of the Literal would be read as bytes"),
        (Literal["a", 1] | dt.timedelta, 1, "1 of the Literal would be read as timedelta"),
    ],
)
def test_value_that_would_not_come_back_is_refused(
    database: Database, hint: Any, value: object, said: str
) -> None:
    with pytest.raises(ValueError, match=said), database.transaction():
        release({"value": hint})(value=value)


@dataclasses.dataclass(frozen=True)
class Sized:
    width: int
    scale: dataclasses.InitVar[int] = 1
    size: int = dataclasses.field(init=False, default=0)

    def __post_init__(self, scale: int) -> None:
        object.__setattr__(self, "size", self.width * scale)


@pytest.mark.parametrize(
    ("hint", "values"),
    [
        (Literal["a", 1] | Decimal, ["a", 1, Decimal("1.5")]),
        (Literal["a", 1] | dt.datetime | None, ["a", 1, dt.datetime(2026, 1, 2), None]),  # noqa: DTZ001 - any will do
        (list[Literal["a", True] | dt.date], [["a", True, dt.date(2026, 1, 2)]]),
        (Literal["a", 1] | dict[str, Small], ["a", 1, {"b": Small.ONE}]),
        (Literal[Small.ONE, "a"], [Small.ONE, "a"]),
        (Sized, [Sized(2), Sized(2, scale=3)]),
    ],
)
def test_value_comes_back_as_it_was(database: Database, hint: Any, values: list[object]) -> None:
    item = release({"value": hint})
    with database.transaction():
        made = [item(value=each) for each in values]
    with database.view():
        found = [each.value for each in made]
        assert found == values
        assert list(map(type, found)) == list(map(type, values))


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        (UNTYPED, "Pair.a has no type: use typing.NamedTuple"),
        (Literal[b"a"], "fields cannot have the type Literal[b'a']: b'a' is no str, int or None"),
    ],
)
def test_type_that_would_lose_values_is_refused(database: Database, hint: Any, said: str) -> None:
    with database.view(), pytest.raises(TypeError, match=re.escape(said)):
        release({"value": hint}).lookup_all()


@pytest.mark.parametrize("name", ["oid", "OID", "Rev", "lookup_all", "_a"])
def test_name_that_is_taken_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=rf"Item\.{name}: a field cannot have this name"):
        release({name: int})


def test_field_of_another_release_that_differs_in_case_only_is_refused(database: Database) -> None:
    older, newer = release({"value": int}), release({"Value": int}, Value=3)
    with database.transaction():
        older(value=1)
    said = r"shop\.Item\.Value differs from value, which is stored, in case only"
    with database.view(), pytest.raises(StoreError, match=said):
        newer.lookup_all()
    with pytest.raises(StoreError, match=said), database.transaction():
        newer(Value=2)
    renamed = release({"Value": int}, Value=field(default=3, renamed_from="value"))
    with database.view():
        assert [each.Value for each in renamed.lookup_all()] == [1]


def test_class_of_another_release_that_differs_in_case_only_is_refused(database: Database) -> None:
    with database.transaction():
        release({"value": int})(value=1)
    other: Any = Schema("SHOP").define(
        type("Item", (DbObject,), {"__annotations__": {"value": int}})
    )
    said = r"SHOP\.Item differs from shop\.Item, which is stored, in case only"
    with pytest.raises(StoreError, match=said), database.transaction():
        other(value=1)


def test_stored_text_that_is_no_decimal_is_named(tmp_path: Any) -> None:
    item = release({"value": Decimal})
    with Database(tmp_path / "odb.db", run_dir=tmp_path / "run") as database:
        with database.transaction():
            one = item(value=Decimal(1))
        link = database.session().link
        assert isinstance(link, SqliteLink)
        link.connection.run("UPDATE \"shop.Item\" SET value = 'one'")
    with (
        Database(tmp_path / "odb.db", run_dir=tmp_path / "run") as database,
        database.view(),
        pytest.raises(UnreadableFieldError, match=r"shop\.Item\.value holds 'one', which is not"),
    ):
        _ = one.value


class Rendezvous:
    """Stops the first thread that comes until a second one has come or does not come at all."""

    def __init__(self) -> None:
        self._is_first = True
        self._has_second = threading.Event()

    def pass_through(self) -> None:
        if self._is_first:
            self._is_first = False
            self._has_second.wait(0.2)
        else:
            self._has_second.set()


def _in_two_threads(function: Callable[[int], object]) -> None:
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(function, range(2)))


def test_record_is_first_used_by_two_threads(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Rendezvous()
    members = records._members  # pyright: ignore[reportPrivateUsage] - where both threads have to be

    def slowly(*arguments: Any) -> Any:
        meeting.pass_through()
        return members(*arguments)

    monkeypatch.setattr(records, "_members", slowly)
    schemas = [Schema(name) for name in ("one", "two")]
    bodies = [type("Item", (DbObject,), {"__annotations__": {"value": Chain}}) for _ in schemas]
    items: list[Any] = [each.define(body) for each, body in zip(schemas, bodies, strict=True)]
    value = Chain(Chain())

    def use(number: int) -> None:
        with database.transaction():
            one = items[number](value=value)
        with database.view():
            assert one.value == value

    _in_two_threads(use)


def test_class_is_first_used_by_two_threads(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Rendezvous()
    resolve = Field.resolve

    def slowly(self: Field, *arguments: Any, **named: Any) -> None:
        meeting.pass_through()
        resolve(self, *arguments, **named)

    monkeypatch.setattr(Field, "resolve", slowly)
    item = release({"value": int}, value=field(default=1, converted_from={str: len}))

    def use(number: int) -> None:
        with database.transaction():
            one = item(value=number)
        with database.view():
            assert one.value == number

    _in_two_threads(use)
