"""The change log stays small: long values that objects are looked up by are hashes in it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from odbctl.engine.odb import Database, DbObject, Index, Indexed, Schema
from odbctl.engine.odb.log import Group, entry_text
from odbctl.errors import RevisionConflictError

schema = Schema("long")
LONG = "long " * 2000
OTHER = "other " * 2000


@schema.define
class Page(DbObject):
    """Looked up by a text and by a blob."""

    text: Indexed[str]
    blob: Indexed[bytes] = b""
    number: Indexed[int] = 0
    both = Index("text", "number")


def _beside(database: Database, function: Callable[[], object]) -> None:
    def commit() -> None:
        with database.transaction():
            function()
        database.close_session()

    thread = threading.Thread(target=commit)
    thread.start()
    thread.join()


def test_long_values_are_short_in_the_log(any_database: Database) -> None:
    with any_database.transaction():
        page = Page(text=LONG, blob=b"x" * 5000)
    with any_database.transaction():
        page.text = OTHER
    with any_database.transaction():
        page.delete()
    _, groups = any_database.log_since(0)
    assert groups is not None
    assert len(entry_text(groups)) < 1000


@pytest.mark.parametrize("text", [LONG, "short", "\u20ac" * 30])
def test_lookup_of_a_long_value_conflicts_with_what_it_would_find(
    any_database: Database, text: str
) -> None:
    with any_database.transaction():
        page, other = Page(text="a"), Page(text=OTHER)
    for change in (
        lambda: Page(text=text),
        lambda: setattr(page, "text", text),
        lambda: setattr(page, "text", OTHER),
        page.delete,
    ):
        with any_database.view():
            assert Page.lookup_all(text=OTHER, number=5) == ()
        is_touching, before = change != page.delete, 0
        try:
            with any_database.transaction():
                before = len(Page.lookup_all(text=text))
                _beside(any_database, change)
                other.number += 1
        except RevisionConflictError:
            assert is_touching
        else:
            assert not is_touching
        with any_database.view():
            found = len(Page.lookup_all(text=text))
            assert found == before or is_touching
            assert [each.text for each in Page.lookup_all(text=text)] == [text] * found


def test_lookup_of_another_long_value_does_not_conflict(any_database: Database) -> None:
    with any_database.transaction():
        page = Page(text=LONG)
    with any_database.transaction():
        assert Page.lookup_all(text=OTHER) == ()
        assert Page.lookup_all(text="short") == ()
        assert Page.lookup_all(blob=b"y" * 100) == ()
        assert Page.lookup_all(text=OTHER, number=0) == ()
        _beside(any_database, lambda: Page(text=LONG + "2", blob=b"x" * 100))
        _beside(any_database, lambda: setattr(page, "text", LONG + "3"))
        Page(text="new")


def test_release_without_hashes_takes_every_lookup_for_touched(any_database: Database) -> None:
    with any_database.transaction():
        Page(text=LONG)
    _, groups = any_database.log_since(0)
    assert groups is not None
    inserted: Group = groups[-1]
    assert "text" not in inserted.keys
    assert inserted.keys["number"] == [0]


def test_log_is_pruned_by_its_size(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("odbctl.engine.odb.checkpoint.KEPT_LOG_BYTES", 20_000, raising=False)
    monkeypatch.setattr("odbctl.engine.odb.memory_store.KEPT_CHANGES", 600, raising=False)
    for _ in range(4):
        for number in range(40):
            with any_database.transaction():
                for _ in range(10):
                    Page(text=str(number))
        any_database.checkpoint()
    last = any_database.last_commit()
    assert last == 160
    assert any_database.log_since(0)[1] is None
    _, recent = any_database.log_since(last - 5)
    assert recent is not None
    assert sum(len(group.oids) for group in recent) == 50
    with any_database.transaction():
        page = Page(text="one more")
    assert any_database.last_commit() == last + 1
    with any_database.view():
        assert page.text == "one more"
        assert Page.lookup_count() == 1601


def test_log_of_a_single_large_commit_is_kept(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("odbctl.engine.odb.checkpoint.KEPT_LOG_BYTES", 10, raising=False)
    monkeypatch.setattr("odbctl.engine.odb.memory_store.KEPT_CHANGES", 10, raising=False)
    with any_database.transaction():
        for number in range(100):
            Page(text=str(number))
    any_database.checkpoint()
    any_database.checkpoint()
    assert any_database.last_commit() == 1
    assert any_database.log_since(0)[1] is not None
