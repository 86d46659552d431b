"""Records and enums of one name whose contents two releases declare otherwise; in every store."""

from __future__ import annotations

import enum
import json
from dataclasses import make_dataclass
from pathlib import Path
from typing import Any

import pytest

from odbctl.engine.odb import Database, DbObject, Indexed, Schema, field
from odbctl.engine.odb.shape import TYPES
from odbctl.engine.odb.sqlite_store import SqliteLink
from odbctl.errors import StoreError, UnreadableFieldError


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


def price(*fields: Any, name: str = "Price") -> Any:
    """Make a record of these fields: (name, type) or (name, type, default)."""
    return make_dataclass(name, fields, frozen=True)


def level(name: str = "Level", **members: Any) -> Any:
    """Make an enum."""
    return enum.Enum(name, members, module=__name__)


# Type checkers take no types that are computed.
listed: Any = list
indexed: Any = Indexed
CENTS = price(("cents", int))
LOW_AND_HIGH = level(LOW=1, HIGH=2)

REFUSED: list[tuple[Any, Any, Any, str]] = [
    (CENTS, CENTS(5), price(("cents", str)), "another Price: Price.cents was int and is now str"),
    (
        listed[CENTS],
        [CENTS(5)],
        listed[price(("cents", int), ("reason", str))],
        "another Price: Price.reason is new and has no default",
    ),
    (CENTS, CENTS(5), price(("euros", int)), "another Price: Price.euros is new and"),
    (LOW_AND_HIGH, LOW_AND_HIGH.LOW, level(LOW=2, HIGH=1), "Level: Level.LOW was 1 and is now 2"),
    (
        level(LOW=1.5),
        level(LOW=1.5).LOW,
        level(LOW="LOW"),
        "Level: Level.LOW was stored by its name and is now 'LOW'",
    ),
]


@pytest.mark.parametrize(("before", "value", "after", "said"), REFUSED)
def test_contents_that_mean_something_else_are_refused(
    database: Database, before: Any, value: object, after: Any, said: str
) -> None:
    if isinstance(value, enum.Enum):
        value = next(iter(before))
    with database.transaction():
        release(before)(value=value)
    new = release(after)
    with database.view(), pytest.raises(StoreError, match=said):
        new.lookup_all()
    with pytest.raises(StoreError, match=said), database.transaction():
        new.lookup_newest(1)


def test_contents_inside_contents_are_compared(database: Database) -> None:
    before, after = price(("cents", int)), price(("cents", str))
    offer = price(("price", before), name="Offer")
    with database.transaction():
        release(offer)(value=offer(before(1)))
    with database.view(), pytest.raises(StoreError, match=r"Price\.cents was int and is now str"):
        release(price(("price", after), name="Offer")).lookup_all()


ACCEPTED: list[tuple[Any, Any]] = [
    (CENTS, price(("cents", int), ("reason", str, "late"))),
    (CENTS, price(("cents", int | None))),
    (CENTS, price(("cents", int), name="Cost")),
    (LOW_AND_HIGH, level(LOW=1, HIGH=2, HIGHEST=3)),
    (LOW_AND_HIGH, level(CHEAP=1, HIGH=2)),
    (listed[CENTS] | None, listed[price(("cents", int), ("reason", str, "late"))] | None),
]


@pytest.mark.parametrize(("before", "after"), ACCEPTED)
@pytest.mark.parametrize("is_back", [False, True])
def test_more_fields_and_members_are_fine_on_either_side(
    database: Database, before: Any, after: Any, is_back: bool
) -> None:
    old, new = release(before), release(after)
    for item in (new, old) if is_back else (old, new):
        kind = before if item is old else after
        kind = getattr(kind, "__args__", [kind])[0]
        kind = getattr(kind, "__args__", [kind])[0]
        value = next(iter(kind)) if issubclass(kind, enum.Enum) else kind(5)
        with database.transaction():
            one = item(value=[value] if hasattr(before, "__args__") else value)
        with database.view():
            for other in (old, new):
                assert len(other.lookup_all()) == 1
                assert other.lookup_all()[0].value is not None
        with database.transaction():
            one.delete()


def test_contents_of_several_releases_add_up(database: Database) -> None:
    """A field that a release has dropped does not come back with another type."""
    for kind in (CENTS, price(("cents", int), ("reason", str, "")), CENTS):
        with database.transaction():
            release(kind)(value=kind(1))
    later = price(("cents", int), ("reason", int, 0))
    with (
        database.view(),
        pytest.raises(StoreError, match=r"Price\.reason was str and is now int"),
    ):
        release(later).lookup_all()


def test_earlier_record_is_converted_under_another_name(database: Database) -> None:
    new_price = price(("euros", float))
    old_price: Any = price(("cents", int), name="OldPrice")
    older = release(indexed[CENTS])
    with database.transaction():
        old = older(value=CENTS(150))

    def to_euros(value: Any) -> object:
        return new_price(value.cents / 100)

    newer = release(indexed[new_price], converted_from={old_price: to_euros})
    with database.view():
        assert newer.from_oid(old.oid).value == new_price(1.5)
        assert newer.lookup_all(value=new_price(1.5)) == (newer.from_oid(old.oid),)
    with database.transaction():
        newer(value=new_price(2.0))
    with database.view():
        assert [each.value for each in newer.lookup_all()] == [new_price(1.5), new_price(2.0)]
    said = "another Price: Price.cents is new and has no default"
    with database.view(), pytest.raises(StoreError, match=said) as caught:
        older.lookup_all()
    assert "another release has converted it for good" in str(caught.value.hint)
    latest = price(("pounds", float), ("rate", float, 1.0))
    middle: Any = price(("euros", float), name="MiddlePrice")

    def to_pounds(value: Any) -> object:
        return latest(value.euros * 2)

    newest = release(latest, converted_from={middle: to_pounds})
    with database.transaction():
        newest(value=latest(1.0))
    with database.view():
        assert [each.value.pounds for each in newest.lookup_all()] == [3.0, 4.0, 1.0]


def test_member_that_is_gone_is_named_or_converted(database: Database) -> None:
    with database.transaction():
        release(LOW_AND_HIGH)(value=LOW_AND_HIGH.HIGH)
    low = level(LOW=1)
    with (
        database.view(),
        pytest.raises(UnreadableFieldError, match=r"shop\.Item\.value holds 2, which is not Level"),
    ):
        _ = release(low).lookup_all()[0].value
    old_level: Any = level("OldLevel", LOW=1, HIGH=2)

    def to_low(_: object) -> object:
        return low.LOW

    newer = release(low, converted_from={old_level: to_low})
    with database.transaction():
        newer(value=low.LOW)
    with database.view():
        assert [each.value for each in newer.lookup_all()] == [low.LOW, low.LOW]
        assert [each.value for each in release(low).lookup_all()] == [low.LOW, low.LOW]


def test_file_that_records_no_contents_takes_those_of_its_next_release(tmp_path: Path) -> None:
    with Database(tmp_path / "odb.db", run_dir=tmp_path / "run") as database:
        with database.transaction():
            release(CENTS)(value=CENTS(1))
        link = database.session().link
        assert isinstance(link, SqliteLink)
        ((text,),) = link.connection.query("SELECT definition FROM odb_class")
        recorded = json.loads(str(text))
        # As an earlier odbctl wrote it.
        kept = {key: each for key, each in recorded.items() if not key.startswith(TYPES)}
        assert kept != recorded
        link.connection.run("UPDATE odb_class SET definition = ?", (json.dumps(kept),))
    with Database(tmp_path / "odb.db", run_dir=tmp_path / "run") as database:
        with database.view():
            assert release(CENTS).lookup_all()[0].value == CENTS(1)
        with database.transaction():
            release(CENTS)(value=CENTS(2))
        with database.view(), pytest.raises(StoreError, match="another Price"):
            release(price(("cents", str))).lookup_all()
