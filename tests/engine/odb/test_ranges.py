"""Lookups by range, in an order, page by page: what they find, what counts as read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any, Literal
from uuid import UUID

import pytest

from odbctl.engine.odb import (
    Database,
    DbObject,
    Index,
    Indexed,
    Reactor,
    Schema,
    Unique,
    transaction,
)
from odbctl.engine.odb.session import Session
from odbctl.engine.odb.shape import Shape
from odbctl.engine.odb.tracker import Tracker
from odbctl.errors import ObjectGoneError, RevisionConflictError, TransactionError

schema = Schema("ranges")


class Level(IntEnum):
    """Values with an order of their own."""

    LOW = 1
    HIGH = 10


class Color(Enum):
    """Values without an order."""

    RED = 1


@schema.define
class Event(DbObject):
    """Something that happened, or has yet to."""

    at: Indexed[int] | None
    kind: str = "a"
    size: Indexed[int] = 0
    note: str = ""
    by_kind = Index("kind", "at")


@schema.define
class Valued(DbObject):
    """A value of each type that has an order."""

    f: Indexed[float] = 0.0
    s: Indexed[str] = ""
    b: Indexed[bytes] = b""
    t: Indexed[bool] = False
    d: Indexed[date] = date(2026, 1, 1)
    td: Indexed[timedelta] = timedelta()
    e: Indexed[Level] = Level.LOW
    dt: Indexed[datetime] | None = None
    dec: Indexed[Decimal] = Decimal(0)
    tm: Indexed[time] = time()
    color: Indexed[Color] = Color.RED
    either: Indexed[int | str] = 0
    uuid: Indexed[UUID] = UUID(int=0)
    word: Indexed[Literal["a", "b"]] = "a"
    u: Unique[str] | None = None


@schema.define
class Note(DbObject):
    """Something with a long title."""

    title: str
    n: int
    by_title = Index("title", "n")


def create(db: Database, *ats: int | None, kind: str = "a") -> list[Event]:
    with db.transaction():
        return [Event(at=at, kind=kind) for at in ats]


def ats(**asked: Any) -> list[int | None]:
    return [event.at for event in Event.lookup_all(**asked)]


def test_bounds_are_as_their_names_say(any_database: Database) -> None:
    create(any_database, 3, 1, 2, 2, None)
    with any_database.view():
        assert ats(at__gte=2) == [2, 2, 3]
        assert ats(at__gt=2) == [3]
        assert ats(at__lt=2) == [1]
        assert ats(at__lte=2) == [1, 2, 2]
        assert ats(at__gt=1, at__lt=3) == [2, 2]
        assert ats(at__gt=3) == ats(at__gte=3, at__lt=2) == []
        assert ats(at__gt=2, at__lt=2) == ats(at__gt=2, at__lte=2) == ats(at__gte=2, at__lt=2) == []
        assert ats(at__gte=2, at__lte=2) == [2, 2]
        none = Event.lookup_all(order_by="at")[0]
        assert ats(at__gte=1, order_by="-at", after=none) == []
        assert ats(at__gte=1, after=none) == [1, 2, 2, 3]


def test_order_is_that_of_values_none_first_then_oldest_first(any_database: Database) -> None:
    a, b, c, d, e = create(any_database, 3, None, 1, None, 3)
    with any_database.view():
        assert Event.lookup_all(order_by="at") == (b, d, c, a, e)
        assert Event.lookup_all(order_by="-at") == (e, a, c, d, b)
        assert Event.lookup_all(order_by="-oid", limit=2) == (e, d)
        assert Event.lookup_all(limit=2) == (a, b)
        assert Event.lookup_all(order_by="at", limit=0) == Event.lookup_all(limit=-1) == ()


@pytest.mark.parametrize(("name", "lowest"), [("s", ""), ("b", b""), ("f", float("-inf"))])
def test_pages_end_among_objects_of_the_lowest_value(
    any_database: Database, name: str, lowest: Any
) -> None:
    with any_database.transaction():
        for _ in range(3):
            values: dict[str, Any] = {name: lowest}
            Valued(**values)
    with any_database.view():
        first, second, third = Valued.lookup_all()
        assert Valued.lookup_all(order_by=f"-{name}", after=third) == (second, first)
        assert Valued.lookup_all(order_by=f"-{name}", after=second) == (first,)
        assert Valued.lookup_count(order_by=f"-{name}", after=first) == 0
        assert Valued.lookup_all(order_by=f"-{name}", after=lowest) == ()


@pytest.mark.parametrize("order_by", ["at", "-at", "oid", "-oid", None])
@pytest.mark.parametrize("written", [False, True])
def test_pages_join_to_the_whole(
    any_database: Database, order_by: str | None, written: bool
) -> None:
    create(any_database, 2, None, 1, 2, None, 2, 3, None, 1)
    with any_database.transaction():
        if written:
            events = Event.lookup_all()
            events[0].at, events[3].at = None, 5
            events[6].delete()
            Event(at=2)
        whole = Event.lookup_all(order_by=order_by, limit=99)
        pages: list[Event] = []
        while page := Event.lookup_all(
            order_by=order_by, limit=2, after=pages[-1] if pages else None
        ):
            assert len(page) <= 2
            pages += page
        assert tuple(pages) == whole
        assert set(whole) == set(Event.lookup_all())


def test_negative_oids_have_their_place(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    oids = iter(range(-9, 0))
    monkeypatch.setattr(transaction, "new_oid", lambda: next(oids))
    a, b, c, d = create(any_database, 1, 1, 2, None)
    with any_database.view():
        assert Event.lookup_all(at__gte=1) == Event.lookup_all(at__gt=0) == (a, b, c)
        assert Event.lookup_all(at__lt=2) == (a, b)
        assert Event.lookup_all(order_by="at", after=a) == (b, c)
        assert Event.lookup_all(order_by="-at", after=b) == (a, d)
    assert read_conflicts(
        any_database, lambda: Event.lookup_all(at__gte=5), lambda: Event(at=5)
    )  # fmt: skip


def test_equal_fields_go_with_a_range_of_a_composite_index(any_database: Database) -> None:
    create(any_database, 1, 3, 2, None)
    create(any_database, 5, 4, kind="b")
    with any_database.view():
        assert ats(kind="a", at__gte=2) == [2, 3]
        assert ats(kind="a", order_by="-at", limit=2) == [3, 2]
        assert ats(kind="b", order_by="at") == [4, 5]
        assert ats(size=0, at__gt=3) == [4, 5], "of two indexes"
        assert Event.lookup_count(kind="a", at__lt=3) == 2
        first = Event.lookup_any(kind="b", order_by="at")
        assert first is not None
        assert first.at == 4


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("f", [float("-inf"), -1.5, 0.0, 2.0, 10.0, float("inf")]),
        ("s", ["", "\0", "A", "Z", "a", "ä", "\uffff", "\U0001f600"]),
        ("b", [b"", b"\0", b"\0\1", b"a", b"ab", b"\xff"]),
        ("t", [False, True]),
        ("d", [date(1, 1, 1), date(999, 9, 9), date(2026, 10, 9), date(2026, 10, 10)]),
        ("td", [timedelta(-1), timedelta(), timedelta(0, 9), timedelta(0, 10)]),
        ("e", [Level.LOW, Level.HIGH]),
        ("uuid", [UUID(int=0), UUID(int=9), UUID(int=10), UUID(int=2**128 - 1)]),
        ("word", ["a", "b"]),
        (
            "dt",
            [
                datetime(1, 1, 1, tzinfo=UTC),
                datetime(999, 12, 31, 23, 59, 59, 999_999, UTC),
                datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))),
                datetime(2026, 1, 1, tzinfo=UTC),
                datetime(2026, 1, 1, 0, 0, 0, 1, UTC),
                datetime(2026, 1, 1, 0, 0, 0, 10, UTC),
                datetime(2025, 12, 31, 22, 0, 1, tzinfo=timezone(-timedelta(hours=2))),
                datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC),
            ],
        ),
        ("dt", [datetime.fromisoformat(f"{day}T00:00:00") for day in ("0001-01-01", "2026-01-01")]),
    ],
)
def test_order_of_each_type_is_that_of_python(
    any_database: Database, name: str, values: list[Any]
) -> None:
    assert values == sorted(values)
    with any_database.transaction():
        for value in reversed(values):
            Valued(**{name: value})
    with any_database.view():
        found = [getattr(each, name) for each in Valued.lookup_all(order_by=name)]
        assert found == values
        for number, value in enumerate(values):
            above = Valued.lookup_all(**{f"{name}__gte": value})
            assert [getattr(each, name) for each in above] == values[number:]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"order_by": "dec"}, r"ranges\.Valued\.dec is Decimal, whose stored values have another"),
        ({"tm__gte": time(1)}, r"ranges\.Valued\.tm is time"),
        ({"order_by": "-color"}, r"ranges\.Valued\.color is Color"),
        ({"either__lt": 5}, r"ranges\.Valued\.either is int \| str"),
        ({"dt__gte": date(2026, 1, 1)}, r"ranges\.Valued\.dt expects datetime"),
        ({"f__gte": "1"}, r"ranges\.Valued\.f expects float"),
        ({"u__gt": None}, r"ranges\.Valued\.u: u__gt cannot be None"),
        ({"f__gte": 1.0, "s__gte": ""}, "a range of one field, not of f and s"),
        ({"f__gte": 1.0, "order_by": "s"}, "in the order of f, not of s"),
        ({"x__gte": 1}, r"ranges\.Valued\.x__gte is no field"),
        ({"order_by": "x"}, r"ranges\.Valued\.x is not a field to order by"),
        ({"order_by": 1}, "order_by expects the name of a field"),
        ({"limit": "5"}, "limit expects int"),
        ({"after": "5"}, "after expects the last object of a page, or an oid, got str '5'"),
        ({"order_by": "f", "after": "5"}, "last object of a page, or a value of f, got str '5'"),
    ],
)
def test_what_has_no_order_is_refused(
    any_database: Database, asked: dict[str, Any], message: str
) -> None:
    with any_database.view():
        for lookup in (Valued.lookup_all, Valued.lookup_each, Valued.lookup_count):
            with pytest.raises(TypeError, match=message):
                lookup(**asked)


def test_fields_without_index_have_no_range(any_database: Database) -> None:
    with any_database.view():
        with pytest.raises(TypeError, match=r"Event\.note is not indexed; indexed: "):
            Event.lookup_all(note__gte="a")
        with pytest.raises(TypeError, match=r"indexed behind size: add Index\('size', 'kind'\)"):
            Event.lookup_all(size=1, order_by="kind")
        with pytest.raises(TypeError, match="at__gte is for lookup_all"):
            Event.lookup_newest(3, at__gte=1)


def test_unknown_comparison_is_refused_with_those_there_are(any_database: Database) -> None:
    message = r"Event\.at has no comparison 'ge': gt, gte, lt or lte"
    with any_database.view(), pytest.raises(TypeError, match=message):
        Event.lookup_all(at__ge=1)


def test_argument_called_like_an_indexed_field_is_its_value(any_database: Database) -> None:
    def odd(hints: dict[str, Any]) -> Any:
        body = {"__annotations__": hints, "__module__": __name__}
        return Schema(f"odd{'_'.join(hints)}").define(type("Odd", (DbObject,), body))

    plain = odd({"limit": int, "n__gte": int, "n": Indexed[int]})
    taken = odd({"limit": Indexed[int], "n__gte": Indexed[int], "n": Indexed[int]})
    with any_database.transaction():
        for cls in (plain, taken):
            first, second = (cls(limit=n, n__gte=n, n=n) for n in (1, 2))
            if cls is plain:
                assert plain.lookup_all(limit=1) == (first,)
                assert plain.lookup_all(n__gte=1) == (first, second)
            else:
                assert taken.lookup_all(limit=2) == (second,)
                assert taken.lookup_all(n__gte=1) == (first,)
                assert taken.lookup_any(n__lt=3, order_by="-n") == second
                assert taken.lookup_all(limit=2, n__gt=0, order_by="n") == (second,)
        with pytest.raises(TypeError, match=r"Event\.note is not indexed"):
            Event.lookup_all(note="a", limit=1)


def test_page_after_a_value_begins_behind_all_that_have_it(any_database: Database) -> None:
    a, b, c, d = create(any_database, 1, 2, 2, None)
    with any_database.view():
        assert Event.lookup_all(order_by="at", after=1) == (b, c)
        assert Event.lookup_all(order_by="at", after=2) == ()
        assert Event.lookup_all(order_by="-at", after=2) == (a, d)
        assert Event.lookup_all(order_by="-at", after=1) == (d,)
        assert Event.lookup_all(after=b.oid) == (c, d)
        assert Event.lookup_all(order_by="-oid", after=b.oid) == (a,)
        for far in (2**63 - 1, 2**63, 2**70):
            assert Event.lookup_all(after=far) == ()
            assert Event.lookup_all(order_by="-oid", after=-far - 1) == ()
            assert len(Event.lookup_all(after=-far - 1, limit=far)) == 4
        with pytest.raises(ValueError, match=r"Event\.at: .* has more than 64 bits"):
            Event.lookup_all(order_by="at", after=2**63)


def test_page_after_a_deleted_object_says_so(any_database: Database) -> None:
    first, _ = create(any_database, 1, 2)
    with any_database.transaction():
        first.delete()
        with pytest.raises(ObjectGoneError):
            Event.lookup_all(order_by="at", after=first)
        assert len(Event.lookup_all(after=first)) == 1, "an oid has its place nevertheless"


def test_transaction_sees_its_writes_in_order(any_database: Database) -> None:
    a, b, c, d = create(any_database, 1, 2, 3, 4)
    with any_database.transaction():
        e = Event(at=2)
        a.at = 9
        c.delete()
        assert Event.lookup_all(order_by="at") == (b, e, d, a)
        assert Event.lookup_all(order_by="-at", limit=2) == (a, d)
        assert Event.lookup_all(at__lte=4, limit=2) == (b, e)
        assert Event.lookup_count(at__gte=2) == 4
        for event in (b, d):
            event.kind = "b"
        assert Event.lookup_all(kind="b", order_by="-at") == (d, b)
        assert Event.lookup_all(kind="a", at__gte=0) == (e, a)


def test_limit_is_filled_behind_many_written_objects(any_database: Database) -> None:
    events = create(any_database, *range(20))
    with any_database.transaction():
        for event in events[:15]:
            event.at = 100
        assert ats(order_by="at", limit=3) == [15, 16, 17]
        assert ats(order_by="at", limit=7) == [15, 16, 17, 18, 19, 100, 100]


def test_loop_over_the_first_of_a_range_reads_each_object_once(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(any_database, *range(300, 0, -1))
    read: list[int] = []
    select = Session.select_range

    def counted(session: Session, wanted: Any) -> Any:
        rows = select(session, wanted)
        read.append(len(rows))
        return rows

    monkeypatch.setattr(Session, "select_range", counted)
    with any_database.transaction():
        taken: list[int | None] = []
        while event := Event.lookup_any(kind="a", order_by="at"):
            taken.append(event.at)
            if event.at == 7:
                Event(at=8)
            event.kind = "b"
    assert taken == [*range(1, 8), 8, *range(8, 301)]
    assert sum(read) == 301, "the first one again, once it was written"
    assert len(read) < 20


# What another commit does, and whether a transaction that read the range then conflicts.
CHANGES: dict[str, tuple[Callable[[list[Event]], object], bool]] = {
    "created in it": (lambda _: Event(at=25), True),
    "created at its end": (lambda _: Event(at=30), True),
    "created behind it": (lambda _: Event(at=31), False),
    "created without a value": (lambda _: Event(at=None), False),
    "moved into it": (lambda events: setattr(events[0], "at", 22), True),
    "moved out of it": (lambda events: setattr(events[2], "at", 99), True),
    "moved within it": (lambda events: setattr(events[2], "at", 21), True),
    "moved outside": (lambda events: setattr(events[0], "at", 99), False),
    "deleted in it": (lambda events: events[2].delete(), True),
    "deleted outside": (lambda events: events[4].delete(), False),
    "another field": (lambda events: setattr(events[2], "note", "new"), False),
}


@pytest.mark.parametrize("name", CHANGES)
def test_phantom_in_the_range_is_a_conflict(any_database: Database, name: str) -> None:
    change, is_conflict = CHANGES[name]
    events = create(any_database, 10, 20, 25, 30, 40)
    assert read_conflicts(
        any_database, lambda: Event.lookup_all(at__gte=20, at__lte=30), lambda: change(events)
    ) is is_conflict  # fmt: skip
    assert is_noticed(
        any_database, lambda: Event.lookup_count(at__gt=41, at__lte=50), lambda: Event(at=50)
    )


@pytest.mark.parametrize(
    ("asked", "at", "is_conflict"),
    [
        ({"order_by": "at", "limit": 2}, 2, True),
        ({"order_by": "at", "limit": 2}, None, True),
        ({"order_by": "at", "limit": 2}, 20, False),
        ({"order_by": "at", "limit": 3}, 29, True),
        ({"order_by": "at", "limit": 9}, 99, True),
        ({"order_by": "-at", "limit": 2}, 25, True),
        ({"order_by": "-at", "limit": 2}, 20, True),
        ({"order_by": "-at", "limit": 2}, 19, False),
        ({"order_by": "oid", "limit": 2}, 15, False),
        ({"order_by": "-oid", "limit": 2}, 15, True),
    ],
)
def test_only_the_page_was_read(
    any_database: Database, asked: dict[str, Any], at: int | None, is_conflict: bool
) -> None:
    create(any_database, 10, 20, 30)
    assert read_conflicts(
        any_database, lambda: Event.lookup_all(**asked), lambda: Event(at=at)
    ) is is_conflict  # fmt: skip


@pytest.mark.parametrize("order_by", ["at", "-at", "oid"])
def test_last_object_of_a_page_was_read(any_database: Database, order_by: str) -> None:
    _, last, _ = create(any_database, 10, 20, 30)

    def look() -> object:
        return Event.lookup_all(order_by=order_by, limit=2)

    assert read_conflicts(any_database, look, last.delete)


def test_equal_fields_bound_what_was_read(any_database: Database) -> None:
    create(any_database, 10, 20)
    (other,) = create(any_database, 15, kind="b")

    def look() -> object:
        return Event.lookup_all(kind="a", at__gte=10)

    assert not read_conflicts(any_database, look, lambda: Event(at=15, kind="b"))
    assert read_conflicts(any_database, look, lambda: setattr(other, "kind", "a"))
    assert read_conflicts(any_database, look, lambda: Event(at=15, kind="a"))


def test_bytes_count_as_read_in_their_order(any_database: Database) -> None:
    def look() -> object:
        return Valued.lookup_all(b__gte=b"\x01", b__lt=b"\xa0")

    assert read_conflicts(any_database, look, lambda: Valued(b=b"\x9f\xff"))
    assert not read_conflicts(any_database, look, lambda: Valued(b=b"\xa0"))
    assert not read_conflicts(any_database, look, lambda: Valued(b=b"\0\xff"))


def test_long_values_are_compared_where_the_log_has_only_their_hashes(
    any_database: Database,
) -> None:
    long = "m" + 80 * "x"

    def look() -> object:
        return Valued.lookup_all(s__gte="k", s__lt="p")

    assert read_conflicts(any_database, look, lambda: Valued(s=long))
    assert read_conflicts(any_database, look, lambda: (Valued(s="n"), Valued(s="z" + long)))
    assert not read_conflicts(any_database, look, lambda: Valued(s="z"))
    with any_database.transaction():
        one, other = Valued(s=long), Valued(s="z")
    assert read_conflicts(any_database, look, lambda: setattr(one, "s", "a"))
    # Short values beside long ones are in the log as they are.
    assert not is_noticed(
        any_database, lambda: Valued.lookup_all(s__gt="zz"), lambda: Valued(s="b")
    )
    assert not is_noticed(
        any_database,
        lambda: Note.lookup_all(title=long, n__gte=5),
        lambda: (Note(title=long, n=4), Note(title="short", n=5), Note(title=long + "x", n=5)),
    )
    assert is_noticed(
        any_database, lambda: Note.lookup_all(title=long, n__gte=5), lambda: Note(title=long, n=5)
    )
    assert other.oid > one.oid


def test_datetimes_count_as_read_by_their_instants(any_database: Database) -> None:
    east = timezone(timedelta(hours=5))

    def look() -> object:
        return Valued.lookup_all(dt__gte=datetime(2026, 1, 1, tzinfo=UTC), order_by="dt")

    late, early = datetime(2026, 1, 1, 5, tzinfo=east), datetime(2026, 1, 1, 4, 59, tzinfo=east)
    assert read_conflicts(any_database, look, lambda: Valued(dt=late))
    assert not read_conflicts(any_database, look, lambda: Valued(dt=early))


def test_iterator_counts_what_it_gave(any_database: Database) -> None:
    create(any_database, *range(1200))

    def look(count: int) -> Callable[[], object]:
        def read() -> object:
            found = Event.lookup_each(order_by="at")
            return [next(found) for _ in range(count)]

        return read

    assert not read_conflicts(any_database, look(10), lambda: Event(at=1100))
    assert read_conflicts(any_database, look(1050), lambda: Event(at=1100))


def test_iterator_gives_all_in_order_and_forgets_what_is_behind(any_database: Database) -> None:
    create(any_database, *range(1300, 0, -1))
    with any_database.view() as view:
        assert [event.at for event in Event.lookup_each(order_by="at")] == list(range(1, 1301))
        cached = view.session.cache.tables[Event.__odb__].rows
        assert len(cached) < 500
        assert len(list(Event.lookup_each(at__gt=200, limit=700))) == 700
        assert len(list(Event.lookup_each())) == 1300
        assert list(Event.lookup_each(limit=0)) == []


def test_iterator_does_not_meet_what_its_loop_creates(any_database: Database) -> None:
    create(any_database, 1, 2)
    with any_database.transaction():
        Event(at=3)
        for event in Event.lookup_each():
            Event(at=event.at)
            event.kind = "b"
        assert Event.lookup_count(at__gte=0) == 6


def test_iterator_ends_with_its_view(any_database: Database) -> None:
    create(any_database, *range(600))
    with any_database.view():
        found = Event.lookup_each()
        next(found)
    with pytest.raises(TransactionError, match=r"Event\.lookup_each began"):
        list(found)
    with any_database.view(), pytest.raises(StopIteration):
        next(found)


def test_ranges_of_pages_are_kept_as_one(any_database: Database) -> None:
    create(any_database, *range(40))
    with any_database.transaction() as transaction:
        for order_by in ("at", "-at", "oid"):
            last = None
            while page := Event.lookup_all(order_by=order_by, limit=3, after=last):
                last = page[-1]
        ranges = transaction.read_set.ranges
        assert ranges is not None
        kept = ranges[Event.__odb__]._intervals  # pyright: ignore[reportPrivateUsage] - how much is kept shows nowhere else
        assert [len(each) for each in kept.values()] == [1, 1]


def test_reactor_wakes_only_for_its_range(any_database: Database) -> None:
    create(any_database, 10, 20)
    runs: list[list[int | None]] = []
    ran = threading.Event()

    def look() -> None:
        with any_database.view():
            runs.append(ats(at__gte=10, at__lt=30))
        ran.set()

    with Reactor(any_database, look):
        assert ran.wait(10)
        ran.clear()
        create(any_database, 30)
        create(any_database, 25)
        assert ran.wait(10)
    assert runs == [[10, 20], [10, 20, 25]]


def test_range_of_a_converted_field_has_the_new_order(any_database: Database) -> None:
    from odbctl.engine.odb import field

    def release(hint: Any, **rest: Any) -> Any:
        body = {"__annotations__": {"n": hint}, "__module__": __name__, **rest}
        return Schema("evolving").define(type("Thing", (DbObject,), body))

    before = release(Indexed[str])
    with any_database.transaction():
        for text in ("10", "9", "1"):
            before(n=text)
    after = release(Indexed[int], n=field(converted_from={str: int}))
    with any_database.transaction():
        assert [each.n for each in after.lookup_all(order_by="n")] == [1, 9, 10]
        assert [each.n for each in after.lookup_all(order_by="-n", limit=2)] == [10, 9]
        assert after.lookup_count(n__gte=9) == 2


def test_datetimes_that_were_stored_in_zones_have_the_order_of_instants(
    any_database: Database,
) -> None:
    def release(hint: Any) -> Any:
        body = {"__annotations__": {"at": hint}, "__module__": __name__}
        return Schema("zones").define(type("Thing", (DbObject,), body))

    zone = timezone(timedelta(hours=3))
    before, after = release(datetime), release(Indexed[datetime])
    with any_database.transaction():
        second = before(at=datetime(2026, 1, 1, 2, tzinfo=UTC)).oid
        first = before(at=datetime(2026, 1, 1, 4, tzinfo=zone)).oid
    for _ in range(2):
        with any_database.transaction():
            assert [each.oid for each in after.lookup_all(order_by="at")][:2] == [first, second]
            one = datetime(2026, 1, 1, 1, 30, tzinfo=UTC)
            assert [each.oid for each in after.lookup_all(at__lt=one)] == [first]
            assert after.lookup_count(at__gte=one.astimezone(zone), at__lt=one.replace(day=2)) == 1
            after(at=datetime(2026, 2, 1, tzinfo=zone))
            before(at=datetime(2026, 2, 1, tzinfo=zone))


def test_range_of_a_field_that_the_store_lacks_has_its_default(any_database: Database) -> None:
    def release(hints: dict[str, Any], **rest: Any) -> Any:
        body = {"__annotations__": hints, "__module__": __name__, **rest}
        return Schema("growing").define(type("Thing", (DbObject,), body))

    with any_database.transaction():
        first, second = [release({"a": int})(a=each) for each in (1, 2)]
    after = release({"a": int, "n": Indexed[int]}, n=1)
    with any_database.view():
        found = after.lookup_all(order_by="-n")
        assert [each.oid for each in found] == [second.oid, first.oid]
        assert [each.oid for each in after.lookup_all(n__gte=1, after=found[1])] == [second.oid]
        assert after.lookup_count(n__gt=1) == 0


def test_older_snapshot_keeps_its_order(any_database: Database) -> None:
    a, b, c, d = create(any_database, 1, 2, 3, None)
    seen: list[object] = []

    def beside() -> None:
        with any_database.transaction():
            a.at, c.at, d.at = 9, 2, 0
            b.delete()
            Event(at=2)
            seen.append(Event.lookup_all(order_by="at"))
        any_database.close_session()

    with any_database.view():
        assert Event.lookup_all(order_by="at") == (d, a, b, c)
        runner = threading.Thread(target=beside)
        runner.start()
        runner.join()
        assert Event.lookup_all(order_by="-at") == (c, b, a, d)
        assert Event.lookup_all(at__gte=2, at__lt=9) == (b, c)
        assert Event.lookup_count(at__lt=2) == 1
    with any_database.view():
        found = Event.lookup_all(order_by="at")
        assert [event.at for event in found] == [0, 2, 2, 9]
        assert found[:2] == (d, c)
        assert Event.lookup_count(at__gt=2) == 1
    with any_database.transaction():
        for event in Event.lookup_all():
            event.delete()
    with any_database.view():
        assert Event.lookup_all(order_by="at") == ()


def test_objects_of_a_release_without_the_field_have_their_place(any_database: Database) -> None:
    def release(hints: dict[str, Any], **rest: Any) -> Any:
        body = {"__annotations__": hints, "__module__": __name__, **rest}
        return Schema("beside").define(type("Thing", (DbObject,), body))

    before = release({"a": int})
    after = release({"a": int, "n": Indexed[int]}, n=5)
    with any_database.transaction():
        first = before(a=1)
    with any_database.transaction():
        small, large = after(a=1, n=2), after(a=1, n=8)
        same = after(a=1, n=5)
    with any_database.transaction():
        second = before(a=1)
    with any_database.view():
        oids = [each.oid for each in after.lookup_all(order_by="n")]
        assert oids == [small.oid, first.oid, same.oid, second.oid, large.oid]
        assert [each.oid for each in after.lookup_all(n__gte=5, order_by="-n")] == oids[:0:-1]
        assert [each.oid for each in after.lookup_all(n__lte=5, limit=2)] == oids[:2]


@pytest.mark.parametrize("asked", [{}, {"kind": "a"}])
def test_page_of_the_store_in_memory_reads_no_more_than_the_page(
    monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any]
) -> None:
    database = Database.in_memory()
    create(database, *range(300))
    rows: list[int] = []
    make_row = Shape.row

    def counted(shape: Shape, oid: int, columns: Any) -> Any:
        rows.append(oid)
        return make_row(shape, oid, columns)

    monkeypatch.setattr(Shape, "row", counted)
    with database.view():
        assert ats(order_by="-at", limit=3, **asked) == [299, 298, 297]
        assert ats(at__gte=100, at__lt=250, limit=2, **asked) == [100, 101]
    assert len(rows) == 5


def read_conflicts(db: Database, look: Callable[[], object], change: Callable[[], object]) -> bool:
    """Tell whether a change beside a transaction that has looked makes it conflict.

    What a tracker says of the same read must agree.
    """
    done = threading.Event()

    def beside() -> None:
        with db.transaction():
            change()
        db.close_session()
        done.set()

    tracker = Tracker(db)
    with tracker, db.view() as view:
        look()
    seq = view.seq
    try:
        with db.transaction():
            look()
            Valued()
            runner = threading.Thread(target=beside)
            runner.start()
            runner.join()
    except RevisionConflictError:
        has_conflicted = True
    else:
        has_conflicted = False
    assert done.is_set(), "the change failed"
    later = db.log_since(seq)[1] or []
    own = [group for group in later if group.seq == seq + 1]
    assert tracker.is_touched_by(own) is has_conflicted
    return has_conflicted


def is_noticed(db: Database, look: Callable[[], object], change: Callable[[], object]) -> bool:
    """Tell whether a reader of a range is told of a change."""
    tracker = Tracker(db)
    with tracker, db.view():
        look()
    with db.transaction():
        change()
    assert tracker.first_seq is not None
    return tracker.is_touched_by(db.log_since(tracker.first_seq)[1] or [])
