"""Equal values of looked-up fields are one value, however they are written; in every store."""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from odbctl.engine.odb import Database, DbObject, Index, Indexed, Schema, Unique, field
from odbctl.engine.odb.sqlite_store import SqliteLink
from odbctl.errors import AlreadyExistsError, RevisionConflictError, StoreError

BERLIN = ZoneInfo("Europe/Berlin")
NOON = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Price:
    amount: Decimal
    since: dt.datetime | None = None


@pytest.fixture
def database(any_database: Database) -> Database:
    """What is asked here must hold in every store."""
    return any_database


def release(hint: Any, **options: Any) -> Any:
    """Define `shop.Item` with a `value` of that type, as one release does."""
    body = type("Item", (DbObject,), {"__annotations__": {"value": hint, "note": str}, "note": ""})
    if options:
        body.value = field(**options)  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue] - as a class body does
    return Schema("shop").define(body)


EQUAL: list[tuple[Any, Any, Any]] = [
    (Decimal, Decimal(1), Decimal("1.0")),
    (Decimal, Decimal(100), Decimal("1E+2")),
    (Decimal, Decimal(0), Decimal("-0.00")),
    (Decimal, Decimal("-1.5"), Decimal("-1.50")),
    (Decimal | None, Decimal(1), Decimal("1.0")),
    (dt.datetime, NOON, NOON.astimezone(BERLIN)),
    (dt.time, dt.time(12, tzinfo=dt.UTC), dt.time(14, tzinfo=dt.timezone(dt.timedelta(hours=2)))),
    (dict[str, int], {"a": 1, "b": 2}, {"b": 2, "a": 1}),
    (dict[int, str], {1: "a", 2: "b"}, {2: "b", 1: "a"}),
    (list[Decimal], [Decimal(1)], [Decimal("1.0")]),
    (frozenset[Decimal], frozenset({Decimal(1)}), frozenset({Decimal("1.0")})),
    (tuple[str, dt.datetime], ("a", NOON), ("a", NOON.astimezone(BERLIN))),
    (dt.datetime | dt.date, NOON, NOON.astimezone(BERLIN)),
    (Price, Price(Decimal(1), NOON), Price(Decimal("1.00"), NOON.astimezone(BERLIN))),
]


@pytest.mark.parametrize(("hint", "one", "other"), EQUAL)
def test_equal_value_is_found_and_unique(
    database: Database, hint: Any, one: object, other: object
) -> None:
    assert one == other
    marker: Any = Unique  # a type checker takes no type that is computed
    item = release(marker[hint])
    with database.transaction():
        first = item(value=one)
        assert item.lookup_unique(value=other) == first
    with database.view():
        assert item.lookup_unique(value=other) == first
        assert item.lookup_count(value=other) == 1
        assert first.value == one
    with pytest.raises(AlreadyExistsError), database.transaction():
        item(value=other)


def test_values_that_differ_stay_apart(database: Database) -> None:
    item = release(Unique[Decimal])
    values = [Decimal(each) for each in ("1", "1.01", "10", "-1", "0", "Infinity", "1E+40")]
    with database.transaction():
        made = [item(value=each) for each in values]
    with database.view():
        assert [item.lookup_unique(value=each) for each in values] == made
        assert [each.value for each in made] == values


def test_value_that_equals_nothing_is_not_looked_up(database: Database) -> None:
    item = release(Indexed[Decimal])
    with (
        pytest.raises(ValueError, match=r"shop\.Item\.value: NaN cannot be looked up"),
        database.transaction(),
    ):
        item(value=Decimal("NaN"))


def test_instant_that_has_no_utc_is_refused_in_a_looked_up_field(database: Database) -> None:
    item = release(Indexed[dt.datetime])
    earliest = dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=1)))
    with (
        pytest.raises(ValueError, match=r"shop\.Item\.value: .* is out of range in UTC"),
        database.transaction(),
    ):
        item(value=earliest)


def test_plain_field_keeps_the_form_of_its_value(database: Database) -> None:
    with database.transaction():
        prices = release(Decimal)(value=Decimal("1.10"))
    with database.view():
        assert str(prices.value) == "1.10"


def test_default_and_index_of_several_fields_have_equal_values(database: Database) -> None:
    class Item(DbObject):
        name: str
        price: Decimal = Decimal("1.0")
        once = Index("name", "price", unique=True)

    item: Any = Schema("shop").define(Item)
    with database.transaction():
        first = item(name="a")
    with database.view():
        assert item.lookup_unique(name="a", price=Decimal(1)) == first
    with pytest.raises(AlreadyExistsError), database.transaction():
        item(name="a", price=Decimal("1.00"))


def test_change_of_an_equal_value_is_a_conflict(database: Database) -> None:
    item = release(Indexed[Decimal])
    with database.transaction():
        item(value=Decimal(2))
    with pytest.raises(RevisionConflictError), database.transaction():  # noqa: PT012 - its end raises
        assert item.lookup_all(value=Decimal(1)) == ()
        item(value=Decimal(7))
        _beside(database, lambda: item(value=Decimal("1.0")))


def _beside(database: Database, change: Any) -> None:
    thread = threading.Thread(target=database.run, args=(change,))
    thread.start()
    thread.join()


def test_index_that_is_added_finds_what_was_stored_in_another_form(database: Database) -> None:
    plain, indexed = release(Decimal), release(Indexed[Decimal])
    with database.transaction():
        old = plain(value=Decimal("1.0"))
    new = indexed.from_oid(old.oid)
    with database.view():
        assert indexed.lookup_all(value=Decimal(1)) == (new,)
    with database.transaction():
        new.note = "its release has written"
    with database.view():
        assert indexed.lookup_all(value=Decimal("1.00")) == (new,)
    with database.transaction():
        later = plain(value=Decimal("1.000"))  # the older release goes on
    with database.transaction():
        old.value = Decimal("3.0")
    with database.view():
        assert [each.oid for each in indexed.lookup_all(value=Decimal(1))] == [later.oid]
        assert indexed.lookup_all(value=Decimal(3)) == (new,)


def test_unique_over_equal_values_that_were_stored_is_refused(database: Database) -> None:
    plain, unique = release(Decimal), release(Unique[Decimal])
    with database.transaction():
        a, b = plain(value=Decimal(1)), plain(value=Decimal("1.0"))
    said = rf"shop\.Item: value is now unique, but objects {a.oid} and {b.oid} have the same value"
    with pytest.raises(StoreError, match=said), database.transaction():
        unique(value=Decimal(2))
    with database.view():
        assert (str(a.value), str(b.value)) == ("1", "1.0")


def test_file_with_other_forms_in_an_index_goes_on(tmp_path: Path) -> None:
    """As releases wrote it that did not store equal values alike."""
    item = release(Unique[Decimal])
    with Database(tmp_path / "odb.db", run_dir=tmp_path / "run") as database:
        with database.transaction():
            old = item(value=Decimal(5))
        link = database.session().link
        assert isinstance(link, SqliteLink)
        link.connection.run("UPDATE \"shop.Item\" SET value = '5.00'")
        link.connection.run(
            "UPDATE odb_class SET definition = replace(definition, ',\"keys\"', '')"
        )
    with Database(tmp_path / "odb.db", run_dir=tmp_path / "run") as database:
        with database.view():
            assert item.lookup_unique(value=Decimal(5)) == old
        with pytest.raises(AlreadyExistsError), database.transaction():
            item(value=Decimal("5.0"))
        with database.transaction():
            new = item(value=Decimal(6))
        with database.view():
            assert item.lookup_unique(value=Decimal("5.000")) == old
            assert item.lookup_unique(value=Decimal("6.0")) == new
