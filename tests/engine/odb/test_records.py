"""Frozen dataclasses and named tuples as values of fields."""

from __future__ import annotations

import dataclasses
import enum
import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar, cast

import pytest
from record_types import Access, Point, Size

from odbctl.engine.odb import Database, DbObject, Indexed, Schema
from odbctl.engine.odb import field as odb_field
from odbctl.engine.odb.codec import Mismatch
from odbctl.engine.odb.hints import codec_of

T = TypeVar("T")
schema = Schema("records")


@schema.define
class City(DbObject):
    name: str


@dataclass(frozen=True)
class Line:
    count: ClassVar[int] = 2
    ends: tuple[Point, Point]
    label: str | None = None
    length: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        (a, b) = self.ends
        object.__setattr__(self, "length", abs(a.x - b.x) + abs(a.y - b.y))


@dataclass(frozen=True)
class Tree:
    name: str
    children: tuple[Tree, ...] = ()


@dataclass(frozen=True)
class Pair(Generic[T]):
    first: T
    second: list[T]


@dataclass(frozen=True)
class Trip:
    start: City
    at: datetime
    price: Decimal = Decimal(0)


@dataclass
class Mutable:
    x: int


@schema.define
class Drawing(DbObject):
    line: Line
    points: list[Point] = []
    size: Indexed[Size] = Size(1)
    tree: Tree | None = None
    trip: Trip | None = None


LINE = Line((Point(0.0), Point(1.0, 2.0)), "a")
CASES: list[tuple[Any, object]] = [
    (Point, Point(1.0, 2.0)),
    (Line, LINE),
    (Tree, Tree("a", (Tree("b", (Tree("c"),)), Tree("d")))),
    (Pair[int], Pair(1, [2, 3])),
    (Pair[Point], Pair(Point(1.0), [])),
    (Size, Size(3)),
    (dict[Size, set[Point]], {Size(1, 2): {Point(1.0), Point(2.0)}}),
    (Point | Size, Size(1)),
    (Point | dict[str, float] | None, {"x": 1.0}),
    (Access, Access.READ | Access.WRITE),
    (time, time(12, 30, tzinfo=UTC)),
]


@pytest.mark.parametrize(("hint", "value"), CASES, ids=range(len(CASES)))
def test_record_comes_back_as_it_was(hint: Any, value: object) -> None:
    codec = codec_of(hint)
    stored = codec.to_column(value)
    loaded = stored if codec.from_column is None else codec.from_column(stored)
    assert loaded == value
    assert type(loaded) is type(value)


def test_records_live_in_fields(any_database: Database) -> None:
    with any_database.transaction():
        rome = City(name="Rome")
        trip = Trip(rome, datetime(2026, 1, 2, tzinfo=UTC))
        drawing = Drawing(line=LINE, points=[Point(3.0)], size=Size(2, 3), trip=trip)
    any_database.close_session()
    with any_database.view():
        assert (drawing.line, drawing.points, drawing.trip) == (LINE, [Point(3.0)], trip)
        assert Drawing.lookup_all(size=Size(2, 3)) == (drawing,)


def test_column_is_readable_json(tmp_path: Path) -> None:
    with Database(tmp_path / "odb.db") as database:
        database.run(lambda: Drawing(line=LINE))
        rows = sqlite3.connect(database.path).execute('SELECT line FROM "records.Drawing"')
        (text,) = rows.fetchone()
        rows.connection.close()
    ends = [{"x": 0.0, "y": 0.0}, {"x": 1.0, "y": 2.0}]
    assert json.loads(text) == {"ends": ends, "label": "a", "length": 3.0}


def test_field_that_an_older_release_did_not_write_has_its_default() -> None:
    codec = codec_of(Point)
    assert codec.from_column is not None
    assert codec.from_column('{"x":1.0}') == Point(1.0, 0.0)


def test_field_that_a_newer_release_wrote_is_left_out() -> None:
    codec = codec_of(Point)
    assert codec.from_column is not None
    assert codec.from_column('{"x":1.0,"y":2.0,"z":3.0}') == Point(1.0, 2.0)


def test_dataclass_that_can_change_is_refused() -> None:
    with pytest.raises(TypeError, match="Mutable is a dataclass that is not frozen"):
        codec_of(Mutable)


def test_member_that_cannot_be_stored_is_named() -> None:
    @dataclass(frozen=True)
    class Odd:
        run: Callable[[], int] = dataclasses.field(default=int)

    with pytest.raises(TypeError, match=r"Odd\.run: fields cannot have the type"):
        codec_of(Odd)


def test_error_names_the_place_in_the_value(any_database: Database) -> None:
    bad: Any = Point("x")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - that is the point
    with any_database.transaction():
        drawing = Drawing(line=LINE)
        with pytest.raises(TypeError, match=r"records\.Drawing\.points expects list\[Point\].*"):
            drawing.points = [Point(1.0), bad]
        with pytest.raises(TypeError, match=r"at \[1\]\.x: str 'x' where float is expected"):
            drawing.points = [Point(1.0), bad]
        with pytest.raises(TypeError, match=r"at \.children\[0\]\.name: int 1 where str"):
            drawing.tree = Tree("a", (Tree(cast("Any", 1)),))


def test_subclass_of_a_dataclass_is_another_type() -> None:
    @dataclass(frozen=True)
    class Point3(Point):
        z: float = 0.0

    with pytest.raises(Mismatch, match="Point"):
        codec_of(Point).to_column(Point3(1.0))


def another_point() -> Any:
    """Make a record that is called as the other one is."""
    return dataclasses.make_dataclass("Point", [("x", str)], frozen=True)


class Level(enum.StrEnum):
    LOW = "low"


def another_level(kind: Any) -> Any:
    """Make an enum that is called as the other one is."""
    return kind("Level", ["LOW"])


OtherLevel: Any = another_level(enum.StrEnum)
OtherPoint: Any = another_point()


@pytest.mark.parametrize(
    ("hint", "name"),
    [
        (Point | OtherPoint, "Point"),
        (Level | OtherLevel | None, "Level"),
        (list[Level] | list[OtherLevel], r"list\[Level\]"),
        (Pair[int] | Pair[datetime], "Pair"),
        (dict[str, Point | OtherPoint], "Point"),
    ],
    ids=str,
)
def test_union_of_two_types_of_one_name_is_refused(
    any_database: Database, hint: Any, name: str
) -> None:
    box: type[DbObject] = type("Box", (DbObject,), {"__annotations__": {"content": hint}})
    said = rf"local\.Box\.content: two types of one union are called {name}: rename one"
    with any_database.view(), pytest.raises(TypeError, match=said):
        Schema("local").define(box).lookup_all()


def test_enums_of_one_name_that_are_stored_differently_are_told_apart(
    any_database: Database,
) -> None:
    number = another_level(enum.IntEnum)
    box: Any = type("Box", (DbObject,), {"__annotations__": {"content": Level | number}})
    box = Schema("local").define(box)
    with any_database.transaction():
        boxes = [box(content=Level.LOW), box(content=number.LOW)]
    with any_database.view():
        assert [type(each.content) for each in boxes] == [Level, number]


def test_conversions_from_two_types_of_one_name_are_refused(any_database: Database) -> None:
    conversions: Any = {Point: str, OtherPoint: str}
    box: Any = type(
        "Box",
        (DbObject,),
        {"__annotations__": {"content": str}, "content": odb_field(converted_from=conversions)},
    )
    said = r"local\.Box\.content: two types of converted_from are called Point"
    with any_database.view(), pytest.raises(TypeError, match=said):
        Schema("local").define(box).lookup_all()
