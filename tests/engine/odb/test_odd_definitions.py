"""Classes and values at the edge: they work or are refused by name, and no library error shows."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import re
from typing import Any, Literal

import pytest

from odbctl.engine.odb import Database, DbObject, Index, Indexed, Schema
from odbctl.errors import AlreadyExistsError


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
