"""Fields whose type another release declares otherwise: read right, or refused; in every store."""

from __future__ import annotations

import datetime as dt
import enum
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import pytest
from record_types import Access, Point, Size

from odbctl.engine.odb import Database, DbObject, Schema, field
from odbctl.errors import StoreError


class Level(enum.StrEnum):
    LOW = "low"
    HIGH = "high"


class Rank(enum.IntEnum):
    FIRST = 1


shop = Schema("shop")


@shop.define
class Customer(DbObject):
    name: str


@shop.define
class Supplier(DbObject):
    name: str


@pytest.fixture
def database(any_database: Database) -> Database:
    """What is asked here must hold in every store."""
    return any_database


def release(hint: Any, **options: Any) -> Any:
    """Define `shop.Item` with a `value` of that type, as one release does."""
    body = type("Item", (DbObject,), {"__annotations__": {"value": hint}})
    if options:
        body.value = field(**options)  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue] - as a class body does
    return Schema("shop").define(body)


REFUSED: list[tuple[Any, object, Any]] = [
    (list[int], [1], list[str]),
    (list[str], ["1"], list[int]),
    (list[float], [1.5], list[int]),
    (dict[str, int], {"a": 1}, dict[str, bool]),
    (dict[str, int], {"1": 1}, dict[int, int]),
    (tuple[int, str], (1, "a"), tuple[int, str, str]),
    (tuple[int, int], (1, 2), list[int]),
    (dt.timedelta, dt.timedelta(seconds=5), int),
    (dt.timedelta, dt.timedelta(seconds=5), float),
    (int, 5, dt.timedelta),
    (int, 2, bool),
    (bool, True, int),
    (bool, True, Rank),
    (dt.datetime, dt.datetime(2026, 1, 2), str),  # noqa: DTZ001 - any will do
    (dt.datetime, dt.datetime(2026, 1, 2), dt.date),  # noqa: DTZ001 - any will do
    (UUID, UUID(int=7), str),
    (Decimal, Decimal("1.10"), str),
    (Point, Point(1.0), str),
    (Point | None, Point(1.0), str | None),
    (Point, Point(1.0), dict[str, float]),
    (str, "1", int | str),
    (str, "[1]", list[int]),
    (list[int], [1], list[int] | list[str]),
    (dt.date, dt.date(2026, 1, 2), dt.date | dt.datetime),
    (list[dt.date], [dt.date(2026, 1, 2)], list[dt.date | str]),
    (Access, Access.READ, dt.timedelta),
]


@pytest.mark.parametrize(("before", "value", "after"), REFUSED)
def test_type_that_would_read_other_values_is_refused(
    database: Database, before: Any, value: object, after: Any
) -> None:
    old, new = release(before), release(after)
    with database.transaction():
        old(value=value)
    said = r"shop\.Item\.value was stored as .* and is now "
    with database.view(), pytest.raises(StoreError, match=said):
        new.lookup_all()
    with pytest.raises(StoreError, match=said), database.transaction():
        new.lookup_newest(1)


def test_reference_to_another_class_is_refused(database: Database) -> None:
    with database.transaction():
        release(Customer)(value=Customer(name="ann"))
    for hint in (Supplier, int):
        with database.view(), pytest.raises(StoreError, match=r"was stored as shop\.Customer and"):
            release(hint).lookup_all()


ACCEPTED: list[tuple[Any, object, Any]] = [
    (list[int], [1], list[int | str]),
    (list[int], [1], list[int] | None),
    (list[int], [1], list[int] | str),
    (list[int], [1], list[int | None]),
    (dict[str, list[int]], {"a": [1]}, dict[str, list[int | None]]),
    (tuple[int, str], (1, "a"), tuple[int, str | None]),
    (int | str, 1, int | str | float | None),
    (dt.date | dt.datetime, dt.date(2026, 1, 2), dt.date | dt.datetime | str),
    (str, "low", Level),
    (Level, Level.HIGH, str),
    (int, 1, Rank),
    (str, "a", Literal["a", "b] | int"]),
    (Literal["a"], "a", Literal["a", "b"]),
    (Point, Point(1.0), Point | None),
    (Point, Point(1.0), Point | int),
    (Size, Size(1), Size),
]


@pytest.mark.parametrize(("before", "value", "after"), ACCEPTED)
@pytest.mark.parametrize("is_back", [False, True])
def test_wider_type_is_read_by_both_releases(
    database: Database, before: Any, value: object, after: Any, is_back: bool
) -> None:
    old, new = release(before), release(after)
    if isinstance(after, type) and issubclass(after, enum.Enum) and is_back:
        value = after(value)
    with database.transaction():
        stored = (new if is_back else old)(value=value)
    with database.view():
        assert [each.from_oid(stored.oid).value for each in (old, new)] == [value, value]


@pytest.mark.parametrize(
    ("before", "value", "after"), [(int, 3, float), (int | None, 3, float | None)]
)
def test_integers_become_floats(database: Database, before: Any, value: object, after: Any) -> None:
    with database.transaction():
        old = release(before)(value=value)
    new = release(after)
    with database.view():
        assert type(new.from_oid(old.oid).value) is float
    with database.transaction():
        new(value=1.5)
    with database.view():
        assert [each.value for each in new.lookup_all()] == [3.0, 1.5]


def test_integers_in_a_list_become_floats(database: Database) -> None:
    with database.transaction():
        old = release(list[int])(value=[1])
    new = release(list[float])
    with database.view():
        assert new.from_oid(old.oid).value == [1.0]


def test_list_may_become_another_kind_of_list(database: Database) -> None:
    with database.transaction():
        release(list[str])(value=["a", "b"])
    with database.view():
        (found,) = release(tuple[str, ...]).lookup_all()
        assert found.value == ("a", "b")
        (found,) = release(set[str]).lookup_all()
        assert found.value == {"a", "b"}


def test_conversion_from_a_wider_type_than_the_recorded_one_is_applied(database: Database) -> None:
    with database.transaction():
        release(list[int])(value=[1])
    with database.transaction():
        release(list[int | str])(value=["2"])
    new = release(str, converted_from={list[int | str]: repr})
    with database.view():
        assert [each.value for each in new.lookup_all()] == ["[1]", "['2']"]


def test_conversion_from_the_type_of_the_field_itself_is_refused(database: Database) -> None:
    said = r"shop\.Item\.value: converted_from has str, which the field itself is called"
    with database.view(), pytest.raises(TypeError, match=said):
        release(str, converted_from={str: str.upper}).lookup_all()
