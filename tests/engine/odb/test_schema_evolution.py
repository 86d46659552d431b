"""Releases of a class that differ, at once and one after the other, in every store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from odbctl.engine.odb import Database, DbObject, Index, Indexed, Schema, Unique, field
from odbctl.errors import AlreadyExistsError, RevisionConflictError, StoreError

# Class bodies of one class, `notes.Note`, as releases define it.
Body = type[Any]


# As somebody calls it who has no type checker.
anything: Any = field


@pytest.fixture
def database(any_database: Database) -> Database:
    """What is asked here must hold in every store."""
    return any_database


def release(body: Body) -> Any:
    """Define `notes.Note` as one release does."""
    body.__name__ = "Note"
    return Schema("notes").define(body)


class First(DbObject):
    text: str
    author: Indexed[str] = "ann"


def test_added_field_has_its_default_in_older_objects(database: Database) -> None:
    @release
    class Second(DbObject):
        text: str
        author: Indexed[str] = "ann"
        stars: Indexed[int] = 3

    first = release(First)
    with database.transaction():
        old = first(text="a")
    with database.view():
        assert Second.from_oid(old.oid).stars == 3
        assert [each.oid for each in Second.lookup_all(stars=3)] == [old.oid]
    with database.transaction():
        Second(text="b", stars=4)
    with database.view():
        assert [each.stars for each in Second.lookup_all()] == [3, 4]
        assert [each.text for each in first.lookup_all()] == ["a", "b"]


def test_older_release_leaves_what_it_does_not_know(database: Database) -> None:
    @release
    class Second(DbObject):
        text: str
        author: Indexed[str] = "ann"
        tags: list[str] = field(default_factory=list[str])

    with database.transaction():
        new = Second(text="a", tags=["x"])
    first = release(First)
    with database.transaction():
        first.from_oid(new.oid).text = "b"
    with database.view():
        assert (new.text, new.tags) == ("b", ["x"])


def test_removed_field_stays_for_those_who_know_it(database: Database) -> None:
    @release
    class Second(DbObject):
        text: str

    first = release(First)
    with database.transaction():
        old = first(text="a", author="bob")
    with database.transaction():
        Second.from_oid(old.oid).text = "b"
        new = Second(text="c")
    with database.view():
        assert (old.text, old.author) == ("b", "bob")
        assert first.from_oid(new.oid).author == "ann"


def test_required_field_that_was_not_stored_is_told(database: Database) -> None:
    @release
    class Second(DbObject):
        text: str
        stars: int

    first = release(First)
    with database.transaction():
        old = first(text="a")
    with database.view():
        assert Second.from_oid(old.oid).text == "a"
        with pytest.raises(StoreError, match=r"notes\.Note\.stars is required"):
            _ = Second.from_oid(old.oid).stars
    with (
        pytest.raises(StoreError, match=r"notes\.Note\.stars is new and has no default"),
        database.transaction(),
    ):
        Second(text="b", stars=1)


def test_required_field_of_a_class_without_objects_is_fine(database: Database) -> None:
    @release
    class Second(DbObject):
        text: str
        stars: int

    first = release(First)
    with database.transaction():
        first(text="a").delete()
    with database.transaction():
        first(text="b")
    with database.transaction():
        for each in first.lookup_all():
            each.delete()
    with database.transaction():
        assert Second(text="c", stars=1).stars == 1


class Starred(DbObject):
    text: str
    stars: Indexed[int]


def test_required_field_that_a_release_without_it_did_not_store_is_told(
    database: Database,
) -> None:
    first, second = release(First), release(Starred)
    with database.transaction():
        whole = second(text="a", stars=1)
    with database.transaction():
        oid = first(text="b").oid
    partial = second.from_oid(oid)
    said = r"notes\.Note\.stars is required, but this object was stored by a release without it"
    with database.view():
        assert (whole.stars, partial.text) == (1, "b")
        assert second.lookup_all(stars=1) == (whole,)
        with pytest.raises(StoreError, match=said):
            _ = partial.stars
    with database.transaction():
        partial.text = "c"
    with database.view(), pytest.raises(StoreError, match=said):
        _ = partial.stars
    with database.transaction():
        partial.stars = 1
    with database.view():
        assert [each.stars for each in second.lookup_all(stars=1)] == [1, 1]


def test_open_transaction_of_a_release_without_a_required_field_leaves_no_value_in_it(
    database: Database,
) -> None:
    first, second = release(First), release(Starred)
    with database.transaction():
        gone = first(text="a")
    with database.transaction():
        gone.delete()
    with database.transaction():
        assert not gone.exists()  # opens the snapshot
        oid = first(text="b").oid
        beside(database, lambda: second(text="a", stars=1))
    with database.view(), pytest.raises(StoreError, match="stars is required"):
        _ = second.from_oid(oid).stars


def test_required_field_gets_a_default_after_another_release_left_it_out(
    database: Database,
) -> None:
    @release
    class Third(DbObject):
        text: str
        stars: Indexed[int] = 7

    first, second = release(First), release(Starred)
    with database.transaction():
        second(text="a", stars=1)
    with database.transaction():
        first(text="b")
    with database.view():
        assert [each.stars for each in Third.lookup_all()] == [1, 7]


def test_field_without_a_value_is_not_converted(database: Database) -> None:
    @release
    class Third(DbObject):
        text: str
        stars: str = field(converted_from={int: str})

    first, second = release(First), release(Starred)
    with database.transaction():
        second(text="a", stars=1)
    with database.transaction():
        oid = first(text="b").oid
    for _ in range(2):  # before and after the first commit of the release
        with database.view():
            assert Third.lookup_all()[0].stars == "1"
            with pytest.raises(StoreError, match="stars is required"):
                _ = Third.from_oid(oid).stars
        with database.transaction():
            Third(text="c", stars="3")


class Renamed(DbObject):
    body: Indexed[str] = field(renamed_from="text")
    author: Indexed[str] = "ann"


def test_renamed_field_is_read_and_written_by_both(database: Database) -> None:
    first, second = release(First), release(Renamed)
    with database.transaction():
        old = first(text="a")
    new = second.from_oid(old.oid)
    with database.view():
        assert new.body == "a"
    with database.transaction():
        new.body = "b"
    with database.view():
        assert old.text == "b"
    with database.transaction():
        old.text = "c"
    with database.view():
        assert new.body == "c"
        assert second.lookup_all(body="c") == (new,)
    with database.transaction():
        second(body="d")
    with database.view():
        assert [each.text for each in first.lookup_all()] == ["c", "d"]


def test_renamed_field_that_an_older_release_changes_is_a_read_that_changed(
    database: Database,
) -> None:
    first, second = release(First), release(Renamed)
    with database.transaction():
        old = first(text="a")
    new = second.from_oid(old.oid)
    with database.view():
        assert second.lookup_all(body="a") == (new,)
    with database.transaction():
        old.text = "b"
    with database.view():
        assert second.lookup_all(body="a") == ()
        assert new.body == "b"


class Retyped(DbObject):
    text: str
    author: Indexed[int] = field(default=0, converted_from={str: len})


def test_converted_field_is_converted_as_it_is_read(database: Database) -> None:
    first, second = release(First), release(Retyped)
    with database.transaction():
        old = first(text="a", author="bob")
    new = second.from_oid(old.oid)
    with database.view():
        assert new.author == 3
        assert second.lookup_all(author=3) == (new,)
        assert second.lookup_count(author=3) == 1
        assert second.lookup_newest(1, author=3) == (new,)
        assert old.author == "bob"


def test_first_commit_of_a_release_converts_for_good(database: Database) -> None:
    first, second = release(First), release(Retyped)
    with database.transaction():
        old = first(text="a", author="bob")
    new = second.from_oid(old.oid)
    with database.transaction():
        new.text = "b"
    with database.view():
        assert new.author == 3
        assert second.lookup_all(author=3) == (new,)
    with database.transaction():
        new.author = 7
    with database.view():
        assert (new.author, new.text) == (7, "b")


def test_older_release_is_told_that_a_field_was_converted(database: Database) -> None:
    first, second = release(First), release(Retyped)
    with database.transaction():
        old = first(text="a", author="bob")
    with database.transaction():
        second(text="b", author=1)
    said = r"notes\.Note\.author was stored as int and is now str"
    with database.view(), pytest.raises(StoreError, match=said) as caught:
        _ = old.author
    assert "another release has converted it for good" in str(caught.value.hint)
    with pytest.raises(StoreError, match=said), database.transaction():
        first(text="c")


class Seconds(DbObject):
    text: str
    wait: int = 0


class Waiting(DbObject):
    text: str
    wait: timedelta = field(
        default=timedelta(0), converted_from={int: lambda value: timedelta(seconds=value)}
    )


def beside(database: Database, change: Callable[[], object]) -> None:
    """Commit a change from another thread, now."""
    thread = threading.Thread(target=database.run, args=(change,))
    thread.start()
    thread.join()


def test_open_transaction_of_an_older_release_writes_nothing_across_a_conversion(
    database: Database,
) -> None:
    first, second = release(Seconds), release(Waiting)
    with database.transaction():
        old = first(text="a", wait=3)
    said = r"notes\.Note\.wait was stored as timedelta and is now int"
    with pytest.raises(StoreError, match=said), database.transaction():  # noqa: PT012 - its end raises
        old.wait = 5
        beside(database, lambda: second(text="b"))
    with pytest.raises(StoreError, match=said), database.transaction():
        first(text="c", wait=5)
    with database.view():
        found = [each.wait for each in second.lookup_all()]
        assert found == [timedelta(seconds=3), timedelta(0)]


def test_changed_type_without_a_conversion_is_told(database: Database) -> None:
    @release
    class Second(DbObject):
        text: str
        author: Indexed[int] = 0

    with database.transaction():
        release(First)(text="a")
    with database.view(), pytest.raises(StoreError, match="was stored as str and is now int") as e:
        Second.lookup_all()
    assert "converted_from={str: function}" in str(e.value.hint)


def test_value_that_cannot_be_converted_is_named(database: Database) -> None:
    @release
    class Second(DbObject):
        text: int = field(converted_from={str: int})

    with database.transaction():
        old = release(First)(text="no number")
    with database.view(), pytest.raises(StoreError, match=f"text of {old.oid} holds 'no number'"):
        Second.lookup_all()


def test_conversion_between_types_of_one_column(database: Database) -> None:
    @release
    class Second(DbObject):
        text: list[str] = field(converted_from={str: str.split})

    first = release(First)
    with database.transaction():
        old = first(text="a b")
    with database.view():
        assert Second.from_oid(old.oid).text == ["a", "b"]
    with database.transaction():
        Second(text=["c"])
    with database.view():
        assert [each.text for each in Second.lookup_all()] == [["a", "b"], ["c"]]
        with pytest.raises(StoreError, match="was stored as"):
            first.lookup_all()


@pytest.mark.parametrize(
    ("before", "after", "value"),
    [
        (int, float, 3),
        (str, str | None, "a"),
        (list[int], list[int | str], [1]),
        (int, int | None, 4),
    ],
)
def test_wider_type_needs_no_declaration(
    database: Database, before: Any, after: Any, value: object
) -> None:
    def body(hint: Any) -> Body:
        class Note(DbObject):
            __annotations__ = {"value": hint}

        return Note

    old_class, new_class = release(body(before)), release(body(after))
    with database.transaction():
        old = old_class(value=value)
    with database.view():
        assert new_class.from_oid(old.oid).value == value
    with database.transaction():
        new_class(value=value)
    with database.view():
        assert [each.value for each in new_class.lookup_all()] == [value, value]


class Indexing(DbObject):
    owner: str
    name: str
    state: Indexed[str] = "new"
    by_owner_and_name = Index("owner", "name", unique=True)
    by_state_and_owner = Index("state", "owner")


def test_fields_of_an_index_are_looked_up_together(database: Database) -> None:
    note = release(Indexing)
    with database.transaction():
        a = note(owner="ann", name="a")
        b = note(owner="ann", name="b", state="old")
    with database.view():
        assert note.lookup_all(owner="ann", name="b") == (b,)
        assert note.lookup_unique(name="a", owner="ann") == a
        assert note.lookup_all(state="old", owner="ann") == (b,)
        assert note.lookup_any(state="old", owner="bob") is None
        with pytest.raises(TypeError, match=r"owner is not indexed; indexed: state, \(owner, name"):
            note.lookup_all(owner="ann")
        with pytest.raises(TypeError, match="takes a Unique field, or the fields of a unique"):
            note.lookup_unique(state="new", owner="ann")


def test_index_sees_what_the_transaction_wrote(database: Database) -> None:
    note = release(Indexing)
    with database.transaction():
        a = note(owner="ann", name="a")
    with database.transaction():
        assert note.lookup_all(owner="bob", name="a") == ()
        a.owner = "bob"
        assert note.lookup_all(owner="bob", name="a") == (a,)
        assert note.lookup_all(owner="ann", name="a") == ()


def test_unique_index_refuses_a_second(database: Database) -> None:
    note = release(Indexing)
    with database.transaction():
        note(owner="ann", name="a")
        note(owner="bob", name="a")
    with (
        pytest.raises(AlreadyExistsError, match=r"notes\.Note with owner, name: ann, a|ann, a"),
        database.transaction(),
    ):
        note(owner="ann", name="a")
    with (
        pytest.raises(AlreadyExistsError),
        database.transaction(),
    ):
        note.lookup_unique(owner="bob", name="a").owner = "ann"


def test_index_that_is_added_covers_older_objects(database: Database) -> None:
    @release
    class Second(DbObject):
        text: str
        author: Indexed[str] = "ann"
        together = Index("text", "author")

    with database.transaction():
        old = release(First)(text="a")
    with database.view():
        assert [each.oid for each in Second.lookup_all(text="a", author="ann")] == [old.oid]
    with database.transaction():
        Second(text="a")
    with database.view():
        assert Second.lookup_count(text="a", author="ann") == 2


def test_older_release_that_knows_no_index_still_counts(database: Database) -> None:
    @release
    class Second(DbObject):
        text: Unique[str]
        author: Indexed[str] = "ann"

    first = release(First)
    with database.transaction():
        old = first(text="a")
    with database.view():
        assert Second.lookup_unique(text="b") is None
    with database.transaction():
        old.text = "b"
    with database.view():
        assert Second.lookup_unique(text="b") is not None


def test_unique_values_change_places_in_a_release_that_does_not_know_the_mark(
    database: Database,
) -> None:
    @release
    class Second(DbObject):
        text: Unique[str]
        author: Indexed[str] = "ann"

    with database.transaction():
        a, b = Second(text="a"), Second(text="b")
    older = release(First).from_oid
    with database.transaction():
        older(a.oid).text, older(b.oid).text = "b", "a"
    with database.view():
        assert (a.text, b.text) == ("b", "a")


class Coded(DbObject):
    text: str
    code: Unique[str]


def test_unique_field_that_others_did_not_store_is_not_twice_the_same(database: Database) -> None:
    first, second = release(First), release(Coded)
    with database.transaction():
        second(text="a", code="x")
    with database.transaction():
        oids = [first(text="b").oid, first(text="c").oid]
    with database.transaction():
        for oid in oids:
            second.from_oid(oid).text = "d"
    with database.transaction():
        for oid in oids:
            second.from_oid(oid).code = str(oid)
    with pytest.raises(AlreadyExistsError) as caught, database.transaction():
        second.from_oid(oids[0]).code = "x"
    assert caught.value.hint is None


@pytest.mark.parametrize("body", [Coded, Indexing])
def test_unique_that_only_another_release_declares_is_said_to_be_so(
    database: Database, body: Body
) -> None:
    @release
    class Later(DbObject):
        text: str = ""
        code: str = ""
        owner: str = ""
        name: str = ""

    values = dict.fromkeys(("text", "code") if body is Coded else ("owner", "name"), "a")
    with database.transaction():
        release(body)(**values)
    with pytest.raises(AlreadyExistsError) as caught, database.transaction():
        Later(**values)
    assert "another release declares it unique" in str(caught.value.hint)


def test_unique_that_comes_too_late_is_refused(database: Database) -> None:
    @release
    class Second(DbObject):
        text: Unique[str]

    first = release(First)
    with database.transaction():
        a, b = first(text="a"), first(text="a")
    said = rf"notes\.Note: text is now unique, but objects {a.oid} and {b.oid} have the same value"
    with pytest.raises(StoreError, match=said), database.transaction():
        Second(text="b")
    with database.transaction():
        b.text = "c"
    with database.transaction():
        Second(text="b")


def test_names_that_are_swapped_in_two_steps_are_refused(database: Database) -> None:
    @release
    class Second(DbObject):
        x: str = field(renamed_from="text")
        y: Indexed[str] = field(default="", renamed_from="author")

    @release
    class Third(DbObject):
        author: Indexed[str] = field(default="", renamed_from="x")
        text: str = field(renamed_from="y")

    with database.transaction():
        old = release(First)(text="a", author="b")
    with database.transaction():
        Second.from_oid(old.oid).x = "c"
    said = r"notes\.Note\.author is kept under 'author', but its former name 'x' belongs to 'text'"
    with database.view(), pytest.raises(StoreError, match=said):
        Third.lookup_all()
    with pytest.raises(StoreError, match=said), database.transaction():
        Third(text="d")


class Slugged(DbObject):
    text: str
    slug: Unique[str] = "none"
    author: Indexed[str] = "ann"


class Signed(DbObject):
    text: Unique[str]
    author: Indexed[str] = "ann"


class Numbered(DbObject):
    text: str
    number: int = 7
    once = Index("text", "number", unique=True)


@pytest.mark.parametrize(
    ("body", "said"),
    [(Signed, "text 'a'"), (Numbered, "text '.'"), (Slugged, "slug '.'")],
)
def test_unique_mark_of_another_release_counts(database: Database, body: Body, said: str) -> None:
    newer, older = release(body), release(First)
    with database.transaction():
        newer(text="a")
    said = rf"notes\.Note with {said} already exists"
    with pytest.raises(AlreadyExistsError, match=said), database.transaction():
        older(text="a")
    with database.view():
        assert newer.lookup_count() == 1


def test_unique_mark_of_another_release_counts_for_changes(database: Database) -> None:
    newer, older = release(Numbered), release(First)
    with database.transaction():
        a, b = newer(text="a"), newer(text="b")
        c = newer(text="c", number=8)
    old = older.from_oid
    with pytest.raises(AlreadyExistsError), database.transaction():
        old(b.oid).text = "a"
    with database.transaction():
        old(c.oid).text = "a"
        old(a.oid).text, old(b.oid).text = "b", "a"
    with database.view():
        assert [(each.text, each.number) for each in (a, b, c)] == [("b", 7), ("a", 7), ("a", 8)]
    with pytest.raises(AlreadyExistsError, match="text"), database.transaction():
        older(text="a")
    with database.transaction():
        older(text="c")


def test_conversion_that_fails_leaves_the_class_as_it_was(database: Database) -> None:
    @release
    class Second(DbObject):
        text: int = field(default=0, converted_from={str: int})

    older = release(First)
    with database.transaction():
        old = older(text="no number")
    with pytest.raises(StoreError, match="cannot be converted"), database.transaction():
        Second(text=1)
    with database.transaction():
        old.text = "b"
    with database.view():
        assert [each.text for each in release(First).lookup_all()] == ["b"]


def test_factory_makes_a_default_for_each_object(database: Database) -> None:
    numbers = iter(range(100))

    @release
    class Second(DbObject):
        number: int = field(default_factory=lambda: next(numbers))
        tags: list[str] = field(default_factory=list[str])

    with database.transaction():
        a, b = Second(), Second()
        assert a.number != b.number
        a.tags = ["x"]
        assert b.tags == []


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: anything(default=1, default_factory=int), "not both"),
        (Index, "one or more fields"),
        (lambda: Index("a", "a"), "each once"),
    ],
)
def test_misuse_is_told(make: Callable[[], object], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        make()


def test_index_of_no_field_is_told(database: Database) -> None:
    @release
    class Second(DbObject):
        text: str
        wrong = Index("txet")

    with database.view(), pytest.raises(TypeError, match=r"wrong is an Index of 'txet'"):
        Second.lookup_all()


class Stamped(DbObject):
    """A mixin with a field, a property and a class method."""

    made_by: Indexed[str] = "nobody"

    @property
    def stamp(self) -> str:
        return f"by {self.made_by}"

    @classmethod
    def kind(cls) -> str:
        return cls.__name__


def test_mixins_bring_fields_and_methods(database: Database) -> None:
    @release
    class Second(Stamped):
        text: str

        @property
        def stamp(self) -> str:
            return f"{self.text} {super().stamp}"

    with database.transaction():
        one = Second(text="a", made_by="ann")
        assert one.stamp == "a by ann"
        assert Second.lookup_all(made_by="ann") == (one,)
    assert Second.kind() == "Note"


class Headed(DbObject):
    headline: Indexed[str] = field(renamed_from=("body", "text"))
    author: Indexed[str] = "ann"


class Forgetful(DbObject):
    """What `Renamed` is after `renamed_from` was dropped."""

    body: Indexed[str] = ""
    author: Indexed[str] = "ann"


def test_renamed_field_is_shared_with_an_older_release_if_the_newer_writes_first(
    database: Database,
) -> None:
    first, second = release(First), release(Renamed)
    with database.transaction():
        new = second(body="a")
    old = first.from_oid(new.oid)
    with database.view():
        assert old.text == "a"
    with database.transaction():
        old.text = "b"
    with database.view():
        assert (new.body, second.lookup_all(body="b")) == ("b", (new,))


@pytest.mark.parametrize("writers", [(First, Headed, Renamed), (Headed, First), (Renamed, Headed)])
def test_field_renamed_twice_has_one_value(database: Database, writers: tuple[Body, ...]) -> None:
    bodies: dict[str, Body] = {"text": First, "body": Renamed, "headline": Headed}
    releases = {name: release(body) for name, body in bodies.items()}
    order = [name for body in writers for name, each in bodies.items() if each is body]
    with database.transaction():
        oid = releases[order[0]](**{order[0]: "start"}).oid
    for name in order:
        with database.transaction():
            setattr(releases[name].from_oid(oid), name, f"by {name}")
        with database.view():
            found = {each: getattr(kind.from_oid(oid), each) for each, kind in releases.items()}
            assert set(found.values()) == {f"by {name}"}


def test_field_is_found_after_renamed_from_was_dropped(database: Database) -> None:
    first, second, third = release(First), release(Renamed), release(Forgetful)
    with database.transaction():
        old = first(text="a")
    with database.transaction():
        second.from_oid(old.oid).author = "bob"  # the release that renames has been in use
    new = third.from_oid(old.oid)
    with database.view():
        assert new.body == "a"
        assert third.lookup_all(body="a") == (new,)
    with database.transaction():
        new.body = "b"
    with database.view():
        assert (old.text, second.from_oid(old.oid).body) == ("b", "b")
    with database.transaction():
        old.text = "c"
    with database.view():
        assert new.body == "c"
        assert third.lookup_all(body="c") == (new,)


def test_change_by_a_dropped_name_is_a_conflict(database: Database) -> None:
    first, second, third = release(First), release(Renamed), release(Forgetful)
    with database.transaction():
        old = second(body="a")
    new, oldest = third.from_oid(old.oid), first.from_oid(old.oid)
    with database.view():
        assert (new.body, oldest.text) == ("a", "a")

    def write_new() -> None:
        new.body = new.body + "n"

    with pytest.raises(RevisionConflictError), database.transaction():  # noqa: PT012 - its end raises
        oldest.text = oldest.text + "o"
        beside(database, write_new)
    with database.view():
        assert oldest.text == "an"


class Swapped(DbObject):
    text: str = field(renamed_from="author")
    author: str = field(renamed_from="text")


class Retaken(DbObject):
    body: str = field(renamed_from="text")
    text: str = "new"


class BothFromOne(DbObject):
    body: str = field(renamed_from="text")
    title: str = field(renamed_from="text")


@pytest.mark.parametrize("body", [Swapped, Retaken, BothFromOne])
def test_name_of_another_field_is_refused_as_a_former_name(database: Database, body: Body) -> None:
    said = (
        r"notes\.Note\.(text|title|body): its former name '(text|author)' also belongs to notes\.N"
    )
    with database.view(), pytest.raises(TypeError, match=said):
        release(body).lookup_all()


def test_former_name_that_is_taken_again_later_is_refused(database: Database) -> None:
    @release
    class Third(DbObject):
        body: str = ""
        text: str = "new"

    with database.transaction():
        release(Renamed)(body="a")
    said = r"notes\.Note\.text has the former name of notes\.Note\.body"
    with database.view(), pytest.raises(StoreError, match=said):
        Third.lookup_all()


def renamed_class(name: str, *former: str) -> Any:
    """Define First under another name."""
    body = type(name, (DbObject,), {**vars(First), "__slots__": ()})
    return Schema("notes").define(renamed_from=former)(body)


@pytest.mark.parametrize("is_new_first", [False, True])
def test_renamed_class_has_the_objects_of_its_former_name(
    database: Database, is_new_first: bool
) -> None:
    note, memo = release(First), renamed_class("Memo", "Note")
    with database.transaction():
        oid = (memo if is_new_first else note)(text="a").oid
    with database.transaction():
        assert memo.lookup_all(author="ann") == (memo.from_oid(oid),)
        memo.from_oid(oid).text = "b"
    with database.transaction():
        assert note.from_oid(oid).text == "b"
        note.from_oid(oid).author = "bob"
    with database.view():
        assert [each.oid for each in memo.lookup_all(author="bob")] == [oid]
        assert repr(memo.from_oid(oid)) == f"<notes.Memo {oid}>"


def test_object_of_a_renamed_class_is_a_conflict_under_both_names(database: Database) -> None:
    note, memo = release(First), renamed_class("Memo", "Note")
    with database.transaction():
        old = note(text="a")
    new = memo.from_oid(old.oid)
    with pytest.raises(RevisionConflictError), database.transaction():  # noqa: PT012 - its end raises
        new.text = new.text + "n"
        beside(database, lambda: setattr(old, "text", "o"))
    with database.view():
        assert new.text == "o"


def test_class_that_forgets_its_former_name_is_refused(database: Database) -> None:
    with database.transaction():
        renamed_class("Memo", "Note")(text="a")
    said = r"notes\.Memo is stored under its former name notes\.Note"
    with database.view(), pytest.raises(StoreError, match=said) as caught:
        renamed_class("Memo").lookup_all()
    assert 'define(renamed_from="Note")' in str(caught.value.hint)


def test_class_with_objects_under_both_names_is_refused(database: Database) -> None:
    with database.transaction():
        release(First)(text="a")
        renamed_class("Memo")(text="b")
    said = r"notes\.Memo is renamed from notes\.Note, but the database has objects of notes\.Memo"
    with database.view(), pytest.raises(StoreError, match=said):
        renamed_class("Memo", "Note").lookup_all()


def test_class_cannot_take_the_former_name_of_another() -> None:
    schema = Schema("notes")

    class Note(DbObject):
        text: str

    class Memo(DbObject):
        text: str

    schema.define(Note)
    with pytest.raises(TypeError, match=r"notes\.Memo: notes\.Note has the same name or former"):
        schema.define(renamed_from="Note")(Memo)
