"""What fields can hold, and what they refuse."""

from __future__ import annotations

import datetime as dt
import enum
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal, NewType, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odbctl.engine.odb import Database, DbObject, Indexed, Schema, Secret
from odbctl.engine.odb.codec import dumps, loads
from odbctl.engine.odb.hints import Mark, codec_of, field_type
from odbctl.errors import TransactionError

schema = Schema("values")
UserId = NewType("UserId", int)


@pytest.fixture
def database(any_database: Database) -> Database:
    """What is asked here must hold in every store."""
    return any_database


class Color(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


class Shape(enum.Enum):
    DOT = (0, 0)
    LINE = (0, 1)


@schema.define
class Point(DbObject):
    x: float = 0.0


@schema.define
class Everything(DbObject):
    number: int = 0
    ratio: float = 0.0
    text: Indexed[str] = ""
    raw: bytes = b""
    flag: bool = False
    maybe: int | None = None
    color: Color = Color.RED
    mapping: dict[str, int] = {}
    point: Point | None = None


CASES: list[tuple[Any, object]] = [
    (int, -(2**63)),
    (int | None, None),
    (float, 1e300),
    (float, float("inf")),
    (str, "a\0b'\"é🐍"),
    (bytes, b"\0\xff"),
    (bool, True),
    (None, None),
    (list[int], [1, 2]),
    (list[dict[str, list[float | None]]], [{"a": [1.5, None]}, {}]),
    (dict[int, str], {2: "b", 1: "a"}),
    (dict[Color, bytes], {Color.BLUE: b"\1"}),
    (tuple[int, str], (1, "a")),
    (tuple[int, ...], (1, 2, 3)),
    (tuple[()], ()),
    (set[str], {"a", "b"}),
    (frozenset[tuple[int, int]], frozenset({(1, 2)})),
    (dt.datetime, dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC)),
    (dt.date, dt.date(2026, 1, 2)),
    (dt.timedelta, dt.timedelta(days=-1, microseconds=7)),
    (UUID, UUID(int=7)),
    (Decimal, Decimal("1.10")),
    (Color, Color.BLUE),
    (Shape, Shape.LINE),
    (Literal["a", 1], 1),
    (int | str, "1"),
    (int | float, 1),
    (int | float, 1.0),
    (str | int | float | bool | None, True),
    (str | bytes, b"x"),
    (dt.date | dt.datetime | None, dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC)),
    (list[int] | list[str], ["a"]),
    (dict[str, int] | str, "a"),
    (UserId, UserId(3)),
]


# Not ids=repr: a set's text differs between two processes, and so would the tests' names.
@pytest.mark.parametrize(("hint", "value"), CASES)
def test_value_comes_back_as_it_was(hint: Any, value: object) -> None:
    codec = codec_of(hint)
    stored = codec.to_column(value)
    loaded = stored if stored is None or codec.from_column is None else codec.from_column(stored)
    assert loaded == value
    assert type(loaded) is type(value)


Json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@given(value=st.dictionaries(st.text(), st.lists(st.integers(-(2**63), 2**63 - 1) | st.text())))
def test_any_nested_value_comes_back(value: dict[str, list[int | str]]) -> None:
    codec = codec_of(dict[str, list[int | str]])
    assert codec.from_column is not None
    assert codec.from_column(codec.to_column(value)) == value


def box_of(hint: Any) -> Callable[..., DbObject]:
    """Define a class with one field of that type."""
    plain: type[DbObject] = type("Box", (DbObject,), {"__annotations__": {"content": hint}})
    return Schema("local").define(plain)


REFUSED: list[tuple[Any, object]] = [
    (int, True),
    (int, "1"),
    (int, 1.0),
    (float, True),
    (bool, 1),
    (str, None),
    (str, b""),
    (bytes, ""),
    (dt.date, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
    (Color, "red"),
    (list[int], (1,)),
    (tuple[int, str], (1,)),
    (dict[str, int], {"a": "b"}),
    (set[int], frozenset({1})),
    (Literal["a"], "b"),
    (Literal[1], True),
    (int | str, 1.5),
]


@pytest.mark.parametrize(("hint", "value"), REFUSED, ids=repr)
def test_wrong_type_is_refused(database: Database, hint: Any, value: object) -> None:
    box = box_of(hint)

    with database.transaction(), pytest.raises(TypeError, match=r"local\.Box\.content expects"):
        box(content=value)


@pytest.mark.parametrize(("hint", "value"), [(int, 2**63), (str, "\ud800")], ids=repr)
def test_value_that_sqlite_cannot_hold_is_refused(
    database: Database, hint: Any, value: object
) -> None:
    box = box_of(hint)
    with database.transaction(), pytest.raises(ValueError, match=r"local\.Box\.content"):
        box(content=value)


@pytest.mark.parametrize("hint", [object, dict, "Missing", complex, list[object]], ids=repr)
def test_type_that_cannot_be_stored_is_refused(database: Database, hint: Any) -> None:
    box = box_of(hint)

    with database.transaction(), pytest.raises(TypeError, match=r"local\.Box\.content"):
        box(content=1)


def test_nan_is_refused(database: Database) -> None:
    with database.transaction(), pytest.raises(ValueError, match="NaN"):
        Everything(ratio=float("nan"))


def test_assignment_is_checked_and_names_all(database: Database) -> None:
    with database.transaction():
        it = Everything()
        with pytest.raises(TypeError, match=r"Everything\.number expects int, got str 'x'"):
            it.number = "x"  # type: ignore[assignment] # pyright: ignore[reportAttributeAccessIssue] - the point
        with pytest.raises(TypeError, match="int 1 where str is expected"):
            it.mapping = {1: 1}  # type: ignore[dict-item] # pyright: ignore[reportAttributeAccessIssue] - the point
        with pytest.raises(AttributeError):
            it.nmuber = 1  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue] - the point
        it.ratio = 2
        assert type(it.ratio) is float


def test_unknown_and_missing_fields_are_named(database: Database) -> None:
    local = Schema("local")

    @local.define
    class Box(DbObject):
        content: int

    with database.transaction():
        with pytest.raises(TypeError, match=r"local\.Box has no field 'size'; it has content"):
            Box(size=1)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue] - the point
        with pytest.raises(TypeError, match=r"local\.Box\.content is missing; it expects int"):
            Box()  # type: ignore[call-arg] # pyright: ignore[reportCallIssue] - the point


def test_mutable_values_are_copies(database: Database) -> None:
    with database.transaction():
        one, other = Everything(), Everything()
        one.mapping["a"] = 1
        assert one.mapping == other.mapping == {}
        given_mapping = {"a": 1}
        one.mapping = given_mapping
        given_mapping["b"] = 2
        assert one.mapping == {"a": 1}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(text=st.text(), raw=st.binary(), ratio=st.floats(allow_nan=False))
def test_columns_come_back(database: Database, text: str, raw: bytes, ratio: float) -> None:
    with database.transaction():
        it = Everything(text=text, raw=raw, ratio=ratio)
    database.close_session()
    with database.view():
        assert (it.text, it.raw, it.ratio) == (text, raw, ratio)
        assert it in Everything.lookup_all(text=text)


def test_default_of_wrong_type_is_told(database: Database) -> None:
    local = Schema("local")

    @local.define
    class Box(DbObject):
        content: int = "x"  # type: ignore[assignment] # pyright: ignore[reportAssignmentType] - the point

    with database.view(), pytest.raises(TypeError, match=r"local\.Box\.content expects int"):
        Box.lookup_all()


def test_plain_class_becomes_an_object_with_its_methods(database: Database) -> None:
    local = Schema("local")

    class Named:
        def title(self) -> str:
            return "named"

    @local.define
    class Box(Named):
        width: int
        height: int = 2

        @property
        def area(self) -> int:
            return self.width * self.height

        def title(self) -> str:
            return super().title() + " box"

    with database.transaction():
        box = Box(width=3)  # type: ignore[call-arg]  # mypy does not see through a decorator that is a method
        assert isinstance(box, DbObject)
        assert box.area == 6
        assert box.title() == "named box"


@pytest.mark.parametrize("name", ["oid", "delete", "rev", "_x"])
def test_reserved_field_names_are_refused(name: str) -> None:
    plain = type("Box", (), {"__annotations__": {name: int}})
    with pytest.raises(TypeError, match=name):
        Schema("local").define(plain)


def test_class_cannot_be_defined_twice() -> None:
    local = Schema("local")
    local.define(type("Box", (), {}))
    with pytest.raises(TypeError, match="twice"):
        local.define(type("Box", (), {}))


def test_nothing_is_read_or_written_outside(database: Database) -> None:
    with pytest.raises(TransactionError):
        Everything()
    with database.transaction():
        it = Everything()
    with pytest.raises(TransactionError):
        _ = it.number
    with database.view(), pytest.raises(TransactionError):
        it.number = 1


T = TypeVar("T")
IndexedList = Indexed[list[T]]


@pytest.mark.parametrize("hint", [Indexed[Secret[str]], Secret[Indexed[str]]])
def test_a_field_has_all_its_marks(hint: Any) -> None:
    found = field_type(hint)
    assert (found.codec.text, found.mark, found.is_secret) == ("str", Mark.INDEXED, True)


def test_an_alias_of_a_mark_takes_its_type_later() -> None:
    assert field_type(IndexedList[int]).codec.text == "list[int]"


@pytest.mark.parametrize(
    "text", ['{"a": [1, 2.5]}', ' {"a": null}\n', "[-Infinity, true]", '"\\u00e4"']
)
def test_json_that_somebody_wrote_by_hand_is_read(text: str) -> None:
    assert loads(text) == json.loads(text)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(Color),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=10,
)


@given(value=JSON_VALUES)
def test_json_is_written_as_by_the_standard_library(value: object) -> None:
    assert dumps(value) == json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize("value", [{1, 2}, [object()], {"a": b"raw"}])
def test_what_has_no_json_is_not_written(value: object) -> None:
    with pytest.raises(TypeError, match="is not JSON serializable"):
        dumps(value)


def test_a_list_that_holds_itself_is_not_written() -> None:
    value: list[object] = []
    value.append(value)
    with pytest.raises(ValueError, match="Circular reference"):
        dumps(value)


@pytest.mark.parametrize("text", ["", "{", "[1] 2", "nothing", '{"a": }', '"\n"'])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="char"):
        loads(text)
