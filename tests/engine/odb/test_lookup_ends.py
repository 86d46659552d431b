"""The ends of a lookup are read without its middle; counting reads nothing."""

from __future__ import annotations

import pytest

from odbctl.engine.odb import Database, DbObject, Indexed, Schema

schema = Schema("ends")


@schema.define
class Entry(DbObject):
    """A numbered entry of a group."""

    group: Indexed[str]
    number: int


@pytest.fixture
def db(any_database: Database) -> Database:
    """Ten entries, in every store."""
    with any_database.transaction():
        for number in range(10):
            Entry(group="even" if number % 2 == 0 else "odd", number=number)
    return any_database


def test_newest_and_oldest_come_oldest_first(db: Database) -> None:
    with db.view():
        assert [e.number for e in Entry.lookup_newest(3)] == [7, 8, 9]
        assert [e.number for e in Entry.lookup_oldest(2, group="odd")] == [1, 3]
        assert [e.number for e in Entry.lookup_newest(2, group="even")] == [6, 8]


def test_more_than_there_are_is_all_and_none_is_none(db: Database) -> None:
    with db.view():
        assert len(Entry.lookup_newest(99)) == 10
        assert Entry.lookup_newest(0) == Entry.lookup_oldest(-5) == ()
        assert Entry.lookup_newest(3, group="none") == ()


def test_count_sees_what_the_transaction_wrote(db: Database) -> None:
    with db.view():
        assert (Entry.lookup_count(), Entry.lookup_count(group="odd")) == (10, 5)
    with db.transaction():
        Entry(group="odd", number=11)
        assert Entry.lookup_count(group="odd") == 6
        assert [e.number for e in Entry.lookup_newest(2, group="odd")] == [9, 11]


def test_an_empty_class_has_no_ends(any_database: Database) -> None:
    with any_database.view():
        assert Entry.lookup_count() == 0
        assert Entry.lookup_newest(3) == ()
