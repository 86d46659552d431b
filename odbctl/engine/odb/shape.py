"""Shape: where a store keeps the fields of a class, which releases of it may see differently.

A store records, by column, its type, mark and type in words; a release looks
for its fields there. Pure; both stores use it.

- A field that the store lacks has its default.
- A release without a field stores no value in its column. If that is no value of the field, it has
  its default there, or cannot be read if it has none.
- A renamed field is kept in the column of its oldest name, whichever release
  writes first, so that an older one goes on with it. The column records the
  other names, so that a later release finds it that has dropped `renamed_from`.
- A field of another type is converted as it is read; the first commit
  converts the column for good, and keeps the old values in a column aside.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from odbctl.engine.odb.field import UNSET
from odbctl.engine.odb.hints import Mark
from odbctl.errors import StoreError
from odbctl.light_typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Final

    from odbctl.engine.odb.codec import Row, Stored
    from odbctl.engine.odb.definition import Definition
    from odbctl.engine.odb.field import Field
    from odbctl.engine.odb.type_contents import Types

# Of each column: its type, its mark, its type in words, then CONVERTED and other names, if any; of
# an index `#field,field` likewise. Older releases keep what they do not know.
Recorded = dict[str, list[str]]
INDEX_PREFIX: Final = "#"
# Stands behind the type of a column that a release has converted.
CONVERTED: Final = "converted"
# Stands there if the type is a record: by name it could be an enum, too.
RECORD: Final = "record"
# Stands there if equal values are stored alike, for lookups.
KEYS: Final = "keys"
# Stands there if a release without that column has written, so that values may be missing.
GAPS: Final = "gaps"
# Stands before another name of a column, or, as `#=name`, of the class.
ALIAS: Final = "="
# As `#@column@name`: what stands in a record or enum of the column's type; see `type_contents`.
TYPES: Final = INDEX_PREFIX + "@"
_MARKS: Final = ("", Mark.INDEXED.value, Mark.UNIQUE.value)


class Place:
    """Where one field is kept."""

    __slots__ = ("column", "convert", "field", "has_gaps", "is_rewritten", "is_there")

    def __init__(
        self,
        field: Field,
        column: str,
        *,
        is_there: bool = True,
        convert: Callable[[Stored], Stored] | None = None,
        is_rewritten: bool = False,
        has_gaps: bool = False,
    ) -> None:
        """Store what is known.

        Args:
            field: The field.
            column: The column that it is kept in, or will be.
            is_there: Whether the store has that column.
            convert: Makes the stored value one of now; None if it is.
            is_rewritten: Whether it only makes equal values alike, so that no old ones are kept.
            has_gaps: Whether NULL may stand there for a value that was not stored.
        """
        self.field = field
        self.column = column
        self.is_there = is_there
        self.convert = convert
        self.is_rewritten = is_rewritten
        self.has_gaps = has_gaps


class Shape:
    """The fields of one definition in one store, as of a snapshot."""

    __slots__ = (
        "conversions",
        "definition",
        "exists",
        "gaps",
        "is_current",
        "is_plain",
        "keys_of_others",
        "merged",
        "missing",
        "places",
    )

    def __init__(self, definition: Definition, recorded: Recorded | None) -> None:
        """Compare what is declared with what is recorded.

        Raises:
            StoreError: A field has another type than in the store, and no conversion is declared.
        """
        known = recorded or {}
        self.definition = definition
        self.exists = recorded is not None
        types = _recorded_types(known)
        self.places = tuple(_place(field, known, types) for field in definition.ordered)
        _check_columns(self.places, known)
        self.conversions = tuple(each for each in self.places if each.convert is not None)
        self.missing = tuple(
            each.field
            for each in self.places
            if self.exists and not each.is_there and each.field.is_required
        )
        # What fields have where a release without them stored nothing.
        self.gaps = tuple(
            (each.field.position, UNSET if each.field.is_required else each.field.default)
            for each in self.places
            if each.has_gaps and not each.field.takes_none()
        )
        # Columns that another release looks up and this one does not.
        self.keys_of_others = tuple(
            each.field
            for each in self.places
            if each.is_there and not each.field.is_key and KEYS in known[each.column][3:]
        )
        # Whether rows can be taken as they are stored.
        self.is_plain = not (self.conversions or self.missing or self.gaps)
        self.merged = _merged(definition, self.places, known)
        for place in self.places:
            _merge_types(self.merged, place, types.get(place.column, {}))
        self.is_current = self.merged == recorded

    @property
    def unique_columns(self) -> list[tuple[str, ...]]:
        """The columns of each unique index: those of this release, and of others."""
        return [
            tuple(name.removeprefix(INDEX_PREFIX).split(","))
            for name, (_, mark, *_) in self.merged.items()
            if mark == Mark.UNIQUE.value
        ]

    def make_keys(self, rows: Iterable[list[Stored] | None]) -> None:
        """Store alike what another release looks up."""
        for row in rows:
            if row is not None:
                for field in self.keys_of_others:
                    row[field.position] = field.as_key(row[field.position])

    def column(self, field: Field) -> str:
        """Return the column that a field is kept in."""
        return self.place(field).column

    def place(self, field: Field) -> Place:
        """Return where a field is kept."""
        return self.places[field.position - 1]

    def row(self, oid: int, columns: Mapping[str, Stored]) -> Row:
        """Make a row of stored columns."""
        values = [columns.get(each.column, each.field.default) for each in self.places]
        return self.converted((oid, *values))

    def columns(self, row: Row | list[Stored]) -> dict[str, Stored]:
        """Make columns of a row."""
        return {each.column: row[each.field.position] for each in self.places}

    def converted(self, row: Row) -> Row:
        """Convert what the store still has in an older type, and mark what it lacks."""
        if self.is_plain:
            return row
        values = list(row)
        for place in self.conversions:
            position = place.field.position
            values[position] = converted(place, int(row[0] or 0), row[position])
        for field in self.missing:
            values[field.position] = UNSET
        for position, value in self.gaps:
            if values[position] is None:
                values[position] = value
        return tuple(values)


def _recorded_types(known: Recorded) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return what is recorded of records and enums, by column and name."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for key, recorded in known.items():
        if key.startswith(TYPES):
            column, _, name = key[len(TYPES) :].rpartition("@")
            found.setdefault(column, {})[name] = tuple(recorded[3:])
    return found


def _place(field: Field, known: Recorded, types: Mapping[str, Types]) -> Place:
    names = field.name, *field.renamed_from
    column = next((name for name in names if name in known), None) or _column_called(names, known)
    if column is None:
        return Place(field, field.log_name, is_there=False)
    if field.renamed_from:
        _check_former_names(field, column, known)
    field.definition.learn_names(field, [column, *_aliases(known[column])])
    convert = _conversion(field, known[column], types.get(column, {}))
    # In a column that takes None, it is a value.
    has_gaps = GAPS in known[column][3:] and "None" not in known[column][2]
    if convert is None and field.is_key and KEYS not in known[column][3:]:
        return Place(field, column, convert=field.as_key, is_rewritten=True, has_gaps=has_gaps)
    return Place(field, column, convert=convert, has_gaps=has_gaps)


def _check_former_names(field: Field, column: str, known: Recorded) -> None:
    """Refuse a field whose former name a release in between has given to another column.

    Raises:
        StoreError: Its names belong to two columns, as after a swap in two steps.
    """
    for name in field.renamed_from:
        other = _column_called([name], known)
        if other is not None and other != column and name not in known:
            raise StoreError(
                f"{field} is kept under {column!r}, but its former name {name!r} belongs to"
                f" {other!r}: an older release would mix them up",
                hint=f"give {field.name} a name that no field has had",
            )


def _column_called(names: Iterable[str], known: Recorded) -> str | None:
    """Find the column that has one of these as another name."""
    aliases = {each: column for column, recorded in known.items() for each in _aliases(recorded)}
    return next((aliases[name] for name in names if name in aliases), None)


def _aliases(recorded: Sequence[str]) -> list[str]:
    return [each[len(ALIAS) :] for each in recorded[3:] if each.startswith(ALIAS)]


def check_class_names(definition: Definition, known: Callable[[str], Recorded | None]) -> None:
    """Check that a renamed class has its objects under one name only.

    Args:
        definition: The class.
        known: Returns what is recorded under a name.

    Raises:
        StoreError: Two releases that know nothing of each other have written under two names.
    """
    for title in (definition.title, *definition.renamed_from):
        if title != definition.name and known(title) and known(definition.name):
            raise StoreError(
                f"{definition.title} is renamed from {definition.name},"
                f" but the database has objects of {title}, too",
                hint="copy them by a release that defines both classes, without renamed_from",
            )


def check_alias(definition: Definition, names: Iterable[str]) -> None:
    """Refuse a class that is stored under a former name that it no longer gives.

    Args:
        definition: The class, which nothing is recorded of.
        names: The classes that record it as another name.

    Raises:
        StoreError: There is one.
    """
    for name in names:
        former = name.removeprefix(definition.title.partition(".")[0] + ".")
        raise StoreError(
            f"{definition.title} is stored under its former name {name}",
            hint=f'keep that name: define(renamed_from="{former}")',
        )


def check_case(definition: Definition, names: Iterable[str]) -> None:
    """Refuse a class whose name differs from one that is stored in case only: SQLite has no two.

    Args:
        definition: The class, which nothing is recorded of.
        names: Classes that are stored.

    Raises:
        StoreError: There is such a class.
    """
    for name in names:
        if name.lower() == definition.name.lower():
            raise StoreError(
                f"{definition.title} differs from {name}, which is stored, in case only",
                hint="give one of them another name",
            )


def class_alias(name: str) -> str:
    """Return what is recorded of a class that also has another name."""
    return INDEX_PREFIX + ALIAS + name


def _check_columns(places: Iterable[Place], known: Recorded) -> None:
    """Check that no two fields are kept in one column, nor in two that SQLite takes for one.

    Raises:
        StoreError: A field has the former name of another, which no longer says so; or its name
            differs from that of a stored one in case only.
    """
    fields: dict[str, Field] = {}
    for place in places:
        if not place.is_there and (other_name := _differing_in_case(place.column, known)):
            raise StoreError(
                f"{place.field} differs from {other_name}, which is stored, in case only",
                hint=f'rename it: field(renamed_from="{other_name}"); or give it another name',
            )
        other = fields.setdefault(place.column, place.field)
        if other is not place.field:
            taken, owner = (
                (place.field, other) if place.field.name == place.column else (other, place.field)
            )
            raise StoreError(
                f"{taken} has the former name of {owner}, whose values are kept under it",
                hint=f"give {taken.name} another name",
            )


def _differing_in_case(column: str, known: Recorded) -> str | None:
    return next((each for each in known if each.lower() == column.lower()), None)


def _conversion(
    field: Field, recorded: list[str], types: Types
) -> Callable[[Stored], Stored] | None:
    column, _, text, *rest = recorded
    if text in field.conversions:
        return _through(field, *field.conversions[text])
    now = field.codec
    if types and types != now.types and (convert := _conversion_inside(field, recorded, types)):
        return convert
    if column == now.column and text == now.text:
        return None
    # A column that was converted has no meaning for releases of before.
    is_converted = CONVERTED in rest
    if not is_converted and column == now.column and _is_compatible(text, now.text, rest):
        return None
    if (_without_none(text), _without_none(now.text)) == ("int", "float"):
        return _as_float
    for earlier, conversion in field.conversions.items():
        # What is recorded are the words of the first release, perhaps narrower ones.
        if not is_converted and _is_compatible(text, earlier, rest):
            return _through(field, *conversion)
    cure = f"field(converted_from={{{text}: function}})"
    hint = (
        f"another release has converted it for good: run that one, or convert back by {cure}"
        if is_converted
        else f"convert it: {cure}; or give it a new name"
    )
    raise StoreError(f"{field} was stored as {text} and is now {field.codec.text}", hint=hint)


def _conversion_inside(
    field: Field, recorded: list[str], types: Types
) -> Callable[[Stored], Stored] | None:
    """Convert a column whose records or enums have other contents than the store has recorded.

    Returns:
        None if they mean the same, or if the type in words differs, too.

    Raises:
        StoreError: They do not mean the same, and no conversion is declared.
    """
    from odbctl.engine.odb.type_contents import difference, lacks

    _, _, text, *_ = recorded
    found = difference(types, field.codec.types)
    if found or lacks(types, field.codec.types):
        for earlier, conversion in field.conversions.items():
            # The class of before has another name in Python now.
            own = field.earlier_types[earlier]
            is_covered = own and not lacks(types, own) and difference(types, own) is None
            if is_covered and _is_compatible(text, earlier, recorded[3:]):
                return _through(field, *conversion)
    if found is None or not _is_compatible(text, field.codec.text, recorded[3:]):
        return None
    name = found.partition(".")[0].partition(" ")[0]
    cure = f"field(converted_from={{Old{name}: function}})"
    hint = (
        f"another release has converted it for good: run that one, or convert back by {cure}"
        if CONVERTED in recorded[3:]
        else f"keep the earlier {name} as Old{name}: {cure}; or give the field a new name"
    )
    raise StoreError(f"{field} was stored as another {name}: {found}", hint=hint)


def _merge_types(merged: Recorded, place: Place, recorded: Types) -> None:
    """Record what stands in the records and enums of a column."""
    is_converted = place.convert is not None and not place.is_rewritten
    if is_converted:
        for name in recorded:
            del merged[f"{TYPES}{place.column}@{name}"]
    for name, declared in place.field.codec.types.items():
        contents = recorded.get(name, declared)
        if is_converted:
            contents = declared
        elif contents != declared:
            from odbctl.engine.odb.type_contents import joined

            contents = joined(contents, declared)
        merged[f"{TYPES}{place.column}@{name}"] = ["", "", "", *contents]


def _is_compatible(recorded: str, declared: str, rest: Sequence[str]) -> bool:
    from odbctl.engine.odb.type_change import is_compatible

    if RECORD in rest and _without_none(declared) in ("str", "int"):
        return False
    return is_compatible(recorded, declared)


def _without_none(text: str) -> str:
    return text.removesuffix(" | None")


def _as_float(stored: Stored) -> Stored:
    return float(stored) if isinstance(stored, int) else stored


def _through(
    field: Field, decode: Callable[[Any], Any] | None, function: Callable[[Any], Any]
) -> Callable[[Stored], Stored]:
    def convert(stored: Stored) -> Stored:
        value = stored if stored is None or decode is None else decode(stored)
        return field.stored(function(value))

    return convert


def converted(place: Place, oid: int, stored: Stored) -> Stored:
    """Convert one stored value.

    Raises:
        StoreError: The author's function raised.
    """
    assert place.convert is not None, "only conversions come here"
    if stored is None and place.has_gaps:
        return None
    try:
        return place.convert(stored)
    except Exception as error:
        raise StoreError(
            f"{place.field} of {oid} holds {stored!r:.200}, which cannot be converted: {error}",
            hint="fix the function in converted_from",
        ) from error


def _merged(definition: Definition, places: tuple[Place, ...], known: Recorded) -> Recorded:
    """Join what two releases know of a class; an index that one of them needs stays."""
    merged = dict(known)
    own = {place.column for place in places}
    for column, recorded in known.items():
        if not column.startswith(INDEX_PREFIX) and column not in own and GAPS not in recorded[3:]:
            merged[column] = [*recorded, GAPS]
    for title in (definition.title, *definition.renamed_from):
        if title != definition.name:
            merged.setdefault(class_alias(title), ["", "", ""])
    for place in places:
        field, column = place.field, place.column
        before = known[column] if place.is_there else ["", "", ""]
        also = [ALIAS + each for each in field.known_names if each != column]
        also = list(dict.fromkeys([*(ALIAS + each for each in _aliases(before)), *also]))
        mark = max(field.mark.value if field.mark else "", before[1], key=_MARKS.index)
        if place.convert is not None and not place.is_rewritten:
            gaps = [GAPS] if GAPS in before[3:] else []
            merged[column] = [*_description(field, mark), CONVERTED, *gaps, *also]
        elif place.is_there:
            # The words of another release stay, where both read the same type of column.
            merged[column] = [before[0], mark, *before[2:]]
            also = [*([KEYS] if field.is_key else []), *also]
            merged[column] += [each for each in also if each not in before[3:]]
        else:
            merged[column] = [*_description(field, mark), *also]
    for index in definition.indexes:
        names = [places[field.position - 1].column for field in index.fields]
        name = INDEX_PREFIX + ",".join(names)
        mark = Mark.UNIQUE.value if index.is_unique else Mark.INDEXED.value
        merged[name] = ["", max(mark, known.get(name, ["", ""])[1], key=_MARKS.index), ""]
    return merged


def _description(field: Field, mark: str) -> list[str]:
    codec = field.codec
    is_record = codec.kind.startswith("dict") and _without_none(codec.text).isidentifier()
    notes = [*([RECORD] if is_record else []), *([KEYS] if field.is_key else [])]
    return [codec.column, mark, codec.text, *notes]


def unique_hint(shape: Shape, columns: Collection[str]) -> str | None:
    """Return the hint of a value that is taken, if the class itself declares nothing of that."""
    own = [{shape.column(field) for field in fields} for fields in shape.definition.unique_fields]
    if set(columns) in own:
        return None
    return "another release declares it unique, and the database keeps that"


def not_unique(shape: Shape, columns: Collection[str], oids: Sequence[Stored]) -> StoreError:
    """Return the error of a mark that comes too late: two objects have the same value."""
    names = ", ".join(each.field.name for each in shape.places if each.column in columns)
    first, second = map(repr, oids)
    return StoreError(
        f"{shape.definition.title}: {names or ', '.join(columns)} is now unique,"
        f" but objects {first} and {second} have the same value",
        hint="change one of them with the release before this one",
    )
