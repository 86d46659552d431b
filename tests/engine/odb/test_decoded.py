"""A container is decoded once while its stored text stays the same, and given as a copy."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest

from odbctl.engine.odb import Database, DbObject, Schema

schema = Schema("decoded")
_points_made = 0
# No text is stored by two tests.
_numbers = itertools.count(1000)


@dataclass(frozen=True)
class Point:
    """Counts how often one is made."""

    x: int

    def __post_init__(self) -> None:
        global _points_made
        _points_made += 1


@schema.define
class Shape(DbObject):
    """Containers of several kinds."""

    points: list[Point]
    by_name: dict[str, list[int]] = {}
    nested: tuple[list[int], ...] = ()
    names: set[str] | None = None


def _read_all(times: int) -> int:
    """Read each shape some times, and return how many points that made."""
    before = _points_made
    for shape in Shape.lookup_all():
        for _ in range(times):
            assert len(shape.points) == 1
    return _points_made - before


def test_container_is_decoded_once_for_each_row_and_view(any_database: Database) -> None:
    with any_database.transaction():
        for _ in range(50):
            Shape(points=[Point(next(_numbers))])
    with any_database.view():
        assert _read_all(times=3) == 50
        assert _read_all(times=1) == 0
    with any_database.transaction():
        assert _read_all(times=3) == 0


def test_changing_what_was_read_changes_nothing_stored(any_database: Database) -> None:
    with any_database.transaction():
        shape = Shape(points=[Point(1)], by_name={"a": [1]}, nested=([1], [2]), names={"a", "b"})
    with any_database.transaction():
        for _ in range(2):
            assert shape.points == [Point(1)]
            shape.points.clear()
            assert shape.by_name == {"a": [1]}
            shape.by_name["a"].append(2)
            shape.by_name["b"] = []
            assert shape.nested == ([1], [2])
            shape.nested[0].append(2)
            names = shape.names
            assert names is not None
            assert names == {"a", "b"}
            names.clear()
        shape.by_name = {"b": [2]}
        assert shape.by_name == {"b": [2]}
    with any_database.view():
        assert shape.by_name == {"b": [2]}
        assert shape.points == [Point(1)]


def test_what_is_remembered_has_bounds(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("odbctl.engine.odb.decoded.MOST_CHARACTERS", 300)
    with any_database.transaction():
        for _ in range(20):
            Shape(points=[Point(next(_numbers))])
    with any_database.view():
        assert _read_all(times=2) == 20
        assert _read_all(times=2) == 20
