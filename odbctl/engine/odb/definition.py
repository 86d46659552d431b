"""What a stored class looks like: its fields, and how they are looked up.

A `Definition` is made when the class is defined and resolved (hints become
codecs) when it is first used; after that it never changes. It belongs to the
process, not to a database: what a given file holds is `tables.py`'s concern.
"""

from __future__ import annotations

import _thread  # `threading` would take 1 ms more
import sys
from collections.abc import Callable, Iterable, Mapping

from odbctl.engine.odb.codec import Mismatch, Row, Stored
from odbctl.engine.odb.field import MISSING, Field
from odbctl.engine.odb.hints import FieldType, Mark, field_type
from odbctl.engine.odb.specifiers import FieldSpec, Index
from odbctl.errors import ObjectGoneError
from odbctl.light_typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from odbctl.engine.odb.objects import DbObject
    from odbctl.engine.odb.ranges import Range


class ClassNames(NamedTuple):
    """How a stored class is called, e.g. "library.Book"."""

    title: str
    renamed_from: tuple[str, ...]  # its former names, the latest first


# Arguments of lookups that are no fields, and endings of arguments that compare one.
ORDER_BY, LIMIT, AFTER = "order_by", "limit", "after"
RANGE_WORDS = frozenset({ORDER_BY, LIMIT, AFTER})
COMPARISONS = frozenset({"gt", "gte", "lt", "lte"})


class RangeAskedError(TypeError):
    """A lookup asks for a range, an order or a page, where only values are expected."""

    def __init__(self, class_name: str, argument: str) -> None:
        super().__init__(
            f"{class_name}: {argument} is for lookup_all, lookup_any, lookup_count and lookup_each"
        )


class CompositeIndex(NamedTuple):
    """Fields that are looked up together."""

    fields: tuple[Field, ...]
    is_unique: bool


class Definition:
    """A stored class: its fields in order, its indexes."""

    def __init__(
        self,
        names: ClassNames,
        module: str,
        hints: Mapping[str, object],
        defaults: Mapping[str, object],
        scope: Mapping[str, object],
        indexes: Mapping[str, Index],
    ) -> None:
        # Its own name, and the one that it is stored under: its oldest, the same in every release.
        self.title, self.renamed_from = names
        self.name = names.renamed_from[-1] if names.renamed_from else names.title
        self.module = module
        self.hints = hints
        self.defaults = defaults
        self.scope = scope
        self.fields = {each: Field(self, each, number) for number, each in enumerate(hints)}
        self._declared_indexes = indexes
        self.is_resolved = False
        self._resolving = _thread.RLock()
        # What the fields of a deleted object read as; None where that is an error.
        self.values_when_deleted: Mapping[str, object] | None = None
        # What `require_unique` has found good.
        self._unique: set[tuple[str, ...]] = set()
        # The fields of lookups that were found good, by the names of their arguments.
        self.known_lookups: dict[tuple[str, ...], tuple[Field, ...]] = {}
        # Names of arguments that are known to ask for ranges.
        self.range_lookups: set[tuple[str, ...]] = set()
        # `ranges.py`, once a range is looked up.
        self._asked_range: Callable[..., Range] | None = None
        self.cls: type[DbObject]
        # What its fields may read without asking the view, in each thread: `rows` of the cache if
        # nobody wants to know what is read, else `tracked`. Of no class of its own, whose
        # attributes would be looked up first.
        self.direct_reads = _thread._local()  # pyright: ignore[reportPrivateUsage] - as `threading` does

    def resolve(self) -> None:
        """Turn hints into codecs. Does nothing the second time.

        Raises:
            TypeError: A hint is of a type that cannot be stored, or a default does not fit.
        """
        if not self.is_resolved:
            with self._resolving:
                # Another thread may have done it meanwhile.
                if not self.is_resolved:
                    self._resolve()

    def _resolve(self) -> None:
        type_of = self._type_finder()
        together = {name for index in self._declared_indexes.values() for name in index.fields}
        for name, field in self.fields.items():
            default = self.defaults.get(name, MISSING)
            if isinstance(default, FieldSpec):
                field.specify(default.default_factory, default.renamed_from, default.converted_from)
                default = default.default
            found = type_of(field)
            is_indexed = found.mark is not None or name in together
            field.resolve(found, default, is_indexed=is_indexed)
        ordered = tuple(self.fields.values())
        self._check_names(ordered)
        self.ordered = ordered
        self.indexes = tuple(self._composite(*each) for each in self._declared_indexes.items())
        # Fields that take part in any index: lookups need their values in the change log.
        self.indexed = tuple(each for each in ordered if each.mark or each.name in together)
        # Arguments of lookups that are not the values of indexed fields of the same names.
        taken = RANGE_WORDS.intersection([each.name for each in self.indexed])
        self.range_words = RANGE_WORDS - taken if taken else RANGE_WORDS
        self.indexed_mask = sum(each.bit for each in self.indexed)
        self.required = tuple(each for each in ordered if each.is_required)
        self.unique_fields = (
            *((each,) for each in ordered if each.mark is Mark.UNIQUE),
            *(index.fields for index in self.indexes if index.is_unique),
        )
        self.factories = tuple(each for each in ordered if each.factory is not None)
        # Fields whose values may be or hold objects.
        self.referring = tuple(each for each in ordered if each.codec.has_references)
        self._defaults: Row = tuple([each.default for each in ordered])
        # By name: where a row has a field, and what encodes it.
        self._encoders = {each.name: (each.position, each.encode) for each in ordered}
        self.table = quoted(self.name)
        self._masks: dict[str, int] = {}
        # What the arguments of a lookup by range ask for; see `ranges.py`.
        self.questions: dict[tuple[str | None, ...], Any] = {}
        self._names_of_mask: dict[int, str] = {}
        self.is_resolved = True

    def _check_names(self, fields: Iterable[Field]) -> None:
        """Check that each name, former ones too, belongs to one field: one column has one meaning.

        Raises:
            TypeError: Two fields share one.
        """
        owners = dict(self.fields)
        for field in fields:
            for name in field.renamed_from:
                if (other := owners.setdefault(name, field)) is not field:
                    raise TypeError(
                        f"{field}: its former name {name!r} also belongs to {other};"
                        " an older release would mix them up, so one of them needs another name"
                    )

    def learn_names(self, field: Field, names: Iterable[str]) -> None:
        """Take note of names that a store knows a field by, to recognize it in the change log."""
        if new := [each for each in names if each not in field.known_names]:
            field.known_names = (*field.known_names, *new)
            self._masks, self._names_of_mask = {}, {}

    def _type_finder(self) -> Callable[[Field], FieldType]:
        """Return a function from a field to its type; equal hints are looked at once."""
        scope = vars(sys.modules[self.module]) if self.module in sys.modules else {}
        names = dict(self.scope)
        known: dict[str, FieldType] = {}

        def find(field: Field) -> FieldType:
            hint = self.hints[field.name]
            try:
                if not isinstance(hint, str):
                    return field_type(hint)
                if hint not in known:
                    value = eval(hint, scope, names)  # noqa: S307 - the author's annotation
                    known[hint] = field_type(value)
                return known[hint]
            except (NameError, TypeError) as error:
                raise TypeError(f"{field}: {error}") from None

        return find

    def new_row(self, oid: int, values: Mapping[str, object]) -> list[Stored]:
        """Build the row of a new object.

        Raises:
            TypeError: A field is unknown, missing or of another type.
        """
        row = [oid, *self._defaults]
        encoders = self._encoders
        for name, value in values.items():
            try:
                position, encode = encoders[name]
                row[position] = encode(value)
            except (KeyError, Mismatch, ValueError, RecursionError):
                self._encode_again(row, name, value)
        if len(values) == len(encoders):
            return row  # all are given
        for field in self.required:
            if field.name not in values:
                raise TypeError(f"{field} is missing; it expects {field.codec.text}")
        for field in self.factories:
            if field.name not in values and field.factory is not None:
                row[field.position] = field.stored(field.factory())
        return row

    def _encode_again(self, row: list[Stored], name: str, value: object) -> None:
        """Encode a field that could not be encoded, to say why."""
        field = self.fields.get(name)
        if field is None:
            known = ", ".join(self.fields)
            raise TypeError(f"{self.title} has no field {name!r}; it has {known}") from None
        row[field.position] = field.stored(value)

    def row_when_deleted(self, oid: int) -> Row:
        """Return what an object reads as that does not exist.

        Raises:
            ObjectGoneError: The class does not say so.
        """
        if self.values_when_deleted is None:
            raise ObjectGoneError(self.title, oid)
        return tuple(self.new_row(oid, self.values_when_deleted))

    def fields_of(self, mask: int) -> tuple[Field, ...]:
        """Give the fields whose bits are in `mask`."""
        return tuple(each for each in self.ordered if each.bit & mask)

    def names_of(self, mask: int) -> str:
        """Write a mask as the change log does: names with commas between."""
        if (text := self._names_of_mask.get(mask)) is None:
            fields = self.fields_of(mask)
            text = ",".join(",".join(each.known_names) for each in fields)
            self._names_of_mask[mask] = text
        return text

    def mask_of(self, names: str) -> int:
        """Read a mask from the change log; names of other releases are left out."""
        if (mask := self._masks.get(names)) is None:
            changed = set(names.split(","))
            mask = self._masks[names] = sum(
                each.bit for each in self.ordered if not changed.isdisjoint(each.known_names)
            )
        return mask

    def lookup_fields(self, names: tuple[str, ...]) -> tuple[Field, ...]:
        """Give the fields of a lookup, in the order in which they were defined.

        Raises:
            TypeError: A field is unknown or not indexed.
        """
        if (found := self.known_lookups.get(names)) is None:
            found = self.known_lookups[names] = self._lookup_fields(names)
        return found

    def has_key(self, name: str) -> bool:
        """Tell whether an argument of a lookup is the value of an indexed field of that name."""
        return self.fields.get(name) in self.indexed

    def _lookup_fields(self, names: tuple[str, ...]) -> tuple[Field, ...]:
        for name in names:
            if (name in RANGE_WORDS or is_comparison(name)) and not self.has_key(name):
                self.range_lookups.add(names)
                raise RangeAskedError(self.title, name)
        for name in names:
            if name not in self.fields:
                compared, _, word = name.rpartition("__")
                if compared in self.fields:
                    field_name = f"{self.title}.{compared}"
                    raise TypeError(f"{field_name} has no comparison {word!r}: gt, gte, lt or lte")
                raise TypeError(
                    f"{self.title}.{name} is not a field; indexed: {self._lookups_text()}"
                )
        fields = tuple(each for each in self.ordered if each.name in names)
        if any(set(names) == {each.name for each in index.fields} for index in self.indexes):
            return fields
        for field in fields:
            if not field.mark:
                raise TypeError(f"{field} is not indexed; indexed: {self._lookups_text()}")
        return fields

    def range_of(self, asked: Mapping[str, object], read: Callable[[Field, int], object]) -> Range:
        """Return the range that the arguments of a lookup ask for; see `asked_range`."""
        if (find := self._asked_range) is None:
            from odbctl.engine.odb.ranges import asked_range

            find = self._asked_range = asked_range
        return find(self, asked, read)

    def range_fields(self, names: tuple[str, ...], order: Field | None) -> tuple[Field, ...]:
        """Give the fields of a lookup that comes in the order of a field.

        Raises:
            TypeError: A field is unknown, or no index has the objects in this order.
        """
        if order is None:
            return self.lookup_fields(names) if names else ()
        wanted = {*names}
        for index in self.indexes:
            first = {field.name for field in index.fields[: len(wanted)]}
            if first == wanted and order in index.fields[len(wanted) : len(wanted) + 1]:
                return tuple(each for each in self.ordered if each.name in wanted)
        if not order.mark:
            together = ", ".join(map(repr, (*names, order.name)))
            where = f" behind {', '.join(names)}: add Index({together})" if names else ""
            raise TypeError(f"{order} is not indexed{where}; indexed: {self._lookups_text()}")
        return self.lookup_fields(names) if names else ()

    def _lookups_text(self) -> str:
        alone = [each.name for each in self.ordered if each.mark]
        together = [f"({', '.join(f.name for f in each.fields)})" for each in self.indexes]
        return ", ".join([*alone, *together]) or "nothing"

    def _composite(self, name: str, index: Index) -> CompositeIndex:
        for each in index.fields:
            if each not in self.fields:
                raise TypeError(
                    f"{self.title}.{name} is an Index of {each!r}, which is not a field"
                )
        return CompositeIndex(tuple(self.fields[each] for each in index.fields), index.is_unique)

    def require_unique(self, names: tuple[str, ...]) -> None:
        """Check that a lookup names one Unique field, or the fields of a unique Index.

        Raises:
            TypeError: It does not.
        """
        if names in self._unique:
            return
        self.resolve()
        fields = self.lookup_fields(names)
        is_alone = len(fields) == 1 and fields[0].mark is Mark.UNIQUE
        if is_alone or any(i.is_unique and set(i.fields) == set(fields) for i in self.indexes):
            self._unique.add(names)
        else:
            raise TypeError(
                f"{self.title}: lookup_unique takes a Unique field,"
                f" or the fields of a unique Index, not {names}"
            )


def is_comparison(name: str) -> bool:
    """Tell whether an argument of a lookup compares a field, as `day__gte` does."""
    field, _, comparison = name.rpartition("__")
    return bool(field) and comparison in COMPARISONS


def quoted(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'
