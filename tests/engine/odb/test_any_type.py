"""Any type, nested anyhow: what is written comes back, in another session too."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, Union
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from record_types import Access, Point, Size

from odbctl.engine.odb import Database, DbObject, Schema


class Typed(NamedTuple):
    """A type, and values of it."""

    hint: Any
    values: st.SearchStrategy[Any]
    is_hashable: bool = True


INTS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = [
    Typed(int, INTS),
    Typed(float, FLOATS),
    Typed(str, TEXTS),
    Typed(bytes, st.binary(max_size=8)),
    Typed(bool, st.booleans()),
    Typed(None, st.none()),
    Typed(dt.datetime, st.datetimes(timezones=st.just(dt.UTC) | st.none())),
    Typed(dt.date, st.dates()),
    Typed(dt.time, st.times()),
    Typed(dt.timedelta, st.timedeltas()),
    Typed(UUID, st.uuids()),
    Typed(Decimal, st.decimals(allow_nan=False)),
    Typed(Access, st.sampled_from([Access.READ, Access.READ | Access.WRITE])),
    Typed(Point, st.builds(Point, FLOATS, FLOATS)),
    Typed(Size, st.builds(Size, INTS, INTS)),
]


def _of(kind: Any, *hints: Any) -> Any:
    return kind[hints]


def _containers(inner: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    hashable = inner.filter(lambda each: each.is_hashable)
    return st.one_of(
        inner.map(lambda t: Typed(_of(list, t.hint), st.lists(t.values, max_size=3), False)),
        inner.map(lambda t: Typed(_of(Union, t.hint, None), t.values | st.none(), t.is_hashable)),
        inner.map(
            lambda t: Typed(
                _of(tuple, t.hint, ...), st.lists(t.values, max_size=3).map(tuple), t.is_hashable
            )
        ),
        st.tuples(inner, inner).map(
            lambda p: Typed(
                _of(tuple, p[0].hint, p[1].hint),
                st.tuples(p[0].values, p[1].values),
                p[0].is_hashable and p[1].is_hashable,
            )
        ),
        hashable.map(lambda t: Typed(_of(set, t.hint), st.sets(t.values, max_size=3), False)),
        hashable.map(lambda t: Typed(_of(frozenset, t.hint), st.frozensets(t.values, max_size=3))),
        st.tuples(hashable, inner).map(
            lambda p: Typed(
                _of(dict, p[0].hint, p[1].hint),
                st.dictionaries(p[0].values, p[1].values, max_size=3),
                False,
            )
        ),
        st.lists(st.sampled_from(SCALARS), min_size=2, max_size=3, unique=True).map(
            lambda ts: Typed(
                _of(Union, *[t.hint for t in ts]),
                st.one_of(*[t.values for t in ts]),
            )
        ),
    )


ANY_TYPE = st.recursive(st.sampled_from(SCALARS), _containers, max_leaves=4)
TYPE_AND_VALUE = ANY_TYPE.flatmap(lambda t: st.tuples(st.just(t.hint), t.values))
_numbers = itertools.count()


def _same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal and of one type, all the way down."""
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, list | tuple):
        return all(map(_same, one, other))  # pyright: ignore[reportUnknownArgumentType] - any
    if isinstance(one, float) and one == 0.0:
        return math.copysign(1, one) == math.copysign(1, other)
    return True


def _class_of(hint: Any) -> Any:
    schema = Schema(f"any{next(_numbers)}")

    class Holder(DbObject):
        __annotations__ = {"value": hint}

    return schema.define(Holder)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    return Database(tmp_path_factory.mktemp("any") / "odb.db", synchronous="NORMAL")


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(pair=TYPE_AND_VALUE)
def test_value_of_any_type_comes_back(database: Database, pair: tuple[Any, Any]) -> None:
    hint, value = pair
    holder = _class_of(hint)
    with database.transaction():
        one = holder(value=value)
        assert _same(one.value, value)
    with database.view():
        assert _same(one.value, value)
    with Database(Path(database.path)) as other, other.view():
        assert _same(one.value, value)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(hint=ANY_TYPE.map(lambda t: t.hint))
def test_value_of_no_declared_type_is_refused(database: Database, hint: Any) -> None:
    holder = _class_of(hint)

    class Foreign:
        pass

    with database.transaction(), pytest.raises(TypeError, match=r"any\d+\.Holder\.value expects"):
        holder(value=Foreign())
