"""A file that an earlier odbctl has written is read and written with all its values."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from earlier_home import restore_database

from odbctl.engine.odb import Database, DbObject, Index, Indexed, Schema, Unique, field
from odbctl.errors import AlreadyExistsError

shop = Schema("shop")


class Level(enum.StrEnum):
    LOW = "low"
    HIGH = "high"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


@dataclass(frozen=True)
class Price:
    amount: Decimal
    since: dt.datetime | None = None


@shop.define
class Customer(DbObject):
    name: Unique[str]
    born: dt.date | None = None


@shop.define
class Order(DbObject):
    number: Unique[int]
    customer: Indexed[Customer]
    at: Indexed[dt.datetime]
    total: Unique[Decimal]
    price: Price
    level: Indexed[Level] = Level.LOW
    access: Access = Access.READ
    token: str = ""
    key: UUID = UUID(int=0)
    waits: dt.timedelta = dt.timedelta(0)
    tags: list[str] = []
    others: dict[str, list[Customer]] = field(default_factory=dict[str, list[Customer]])
    pair: tuple[int, str] | None = None
    mixed: int | str | None = None
    state: str = "new"
    by_customer_and_state = Index("customer", "state")
    once = Index("customer", "waits", unique=True)


SUMMER = dt.timezone(dt.timedelta(hours=2))
NOON = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def earlier(tmp_path: Path) -> Iterator[Database]:
    restore_database(tmp_path / "odb.db")
    with Database(tmp_path / "odb.db", run_dir=tmp_path / "run") as opened:
        yield opened


def check_values() -> None:
    """Compare what is there with what was written."""
    ann, bob = Customer.lookup_all()
    assert [(each.name, each.born) for each in (ann, bob)] == [
        ("ann", dt.date(1990, 1, 2)),
        ("bob", None),
    ]
    first, second, third = Order.lookup_all()
    values = {name: getattr(first, name) for name in Order.__odb__.fields}
    assert values == {
        "number": 1,
        "customer": ann,
        "at": dt.datetime(2026, 7, 1, 14, tzinfo=SUMMER),
        "total": Decimal("1.10"),
        "price": Price(Decimal("1.10"), dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
        "level": Level.HIGH,
        "access": Access.READ | Access.WRITE,
        "token": "a",
        "key": UUID(int=7),
        "waits": dt.timedelta(seconds=5),
        "tags": ["x", "y"],
        "others": {"near": [ann, bob]},
        "pair": (1, "a"),
        "mixed": "m",
        "state": "paid",
    }
    assert (second.tags, second.mixed, second.pair) == (["later"], 4, None)
    assert (third.at, third.total) == (dt.datetime(2026, 1, 1), Decimal(100))  # noqa: DTZ001 - as it was written
    assert third.price == Price(Decimal("-0.5"))
    assert third.waits == dt.timedelta(days=-1)
    assert Order.lookup_all(at=NOON) == (first, second)
    assert Order.lookup_unique(total=Decimal("1E2")) == third
    assert Order.lookup_all(customer=bob, level=Level.LOW) == (second, third)
    assert Order.lookup_unique(customer=bob, waits=dt.timedelta(days=-1)) == third
    assert Order.lookup_all(customer=ann, state="paid") == (first,)


def test_values_are_read_before_and_after_the_first_commit(earlier: Database) -> None:
    with earlier.view():
        check_values()
    with earlier.transaction():
        new = Order(
            number=4,
            customer=Customer(name="eve"),
            at=NOON,
            total=Decimal(7),
            price=Price(Decimal(7)),
        )
    with earlier.transaction():
        customer = new.customer
        new.delete()
        customer.delete()
    with earlier.view():
        check_values()


def test_unique_values_stay_unique(earlier: Database) -> None:
    with earlier.view():
        bob = Customer.lookup_one(name="bob")
    for number, total, waits in [(1, 7, 7), (4, 100, 7), (4, 7, 0)]:
        with pytest.raises(AlreadyExistsError), earlier.transaction():
            Order(
                number=number,
                customer=bob,
                at=NOON,
                total=Decimal(total),
                price=Price(Decimal(1)),
                waits=dt.timedelta(waits),
            )
