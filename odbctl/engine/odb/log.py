"""The change log: one entry per commit, saying which objects it changed. Pure.

An entry is JSON text, so that the `sqlite3` shell can read it: a list of
groups `[class, op, fields, oids, keys]`, each of objects that were changed
alike. After the first oid come differences to the one before. `keys` gives,
by indexed field, the values that lookups know the objects by, in the order
of the oids: of an update `[old, new]`, else the value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

from odbctl.engine.odb.codec import Stored, dumps, loads

if TYPE_CHECKING:
    from odbctl.engine.odb.definition import Definition
    from odbctl.engine.odb.field import Field
    from odbctl.engine.odb.overlay import Overlay

INSERT, UPDATE, DELETE, SCHEMA = "insert", "update", "delete", "schema"
# A value of a looked-up field, as JSON can hold it.
Key = int | float | str | None
# The keys of one object that a commit touched, by indexed field: [old, new], or the only one.
TouchedKeys = dict[str, list[Key]]


class LogRow(NamedTuple):
    """One changed object; the rows of one commit share `seq` and `at`."""

    seq: int  # the number of the commit; they have no gaps
    at: float  # seconds since the epoch
    class_name: str
    oid: int
    op: str
    fields: str  # names with commas between; of an update only
    keys: TouchedKeys


class Group(NamedTuple):
    """Objects of one class that a commit changed alike."""

    class_name: str
    op: str
    fields: str
    oids: Sequence[int]
    keys: dict[str, list[object]]

    def text(self) -> str:
        """Write the group for the log."""
        oids = self.oids
        if len(oids) == 1 and not self.keys:
            # The most common one, without the cost of an encoder.
            return f'["{self.class_name}","{self.op}","{self.fields}",[{oids[0]}],{{}}]'
        steps = [oids[0], *(after - before for before, after in pairwise(oids))]
        return dumps([self.class_name, self.op, self.fields, steps, self.keys])

    def rows(self, seq: int, at: float) -> Iterator[LogRow]:
        """Give a row for each object."""
        name, op, fields, oids, keys = self
        if not keys:
            return (LogRow(seq, at, name, oid, op, fields, {}) for oid in oids)
        return (
            LogRow(seq, at, name, oid, op, fields, _touched(keys, each, op))
            for each, oid in enumerate(oids)
        )


def entry_text(groups: Iterable[Group]) -> str:
    """Write the entry of a commit."""
    return f"[{','.join([group.text() for group in groups])}]"


def read_entry(seq: int, at: float, text: str) -> Iterator[LogRow]:
    """Read the entry of a commit."""
    groups: list[tuple[str, str, str, list[int], dict[str, list[object]]]] = loads(text)
    for name, op, fields, steps, keys in groups:
        yield from Group(name, op, fields, list(accumulate(steps)), keys).rows(seq, at)


def schema_group(class_name: str) -> Group:
    """Say that the table of a class was changed."""
    return Group(class_name, SCHEMA, "", (0,), {})


def groups_of(overlay: Overlay) -> Iterator[Group]:
    """Say what a transaction writes to one class."""
    definition = overlay.definition
    indexed, name = definition.indexed, definition.name
    if overlay.deleted:
        bases = [overlay.base[oid] for oid in overlay.deleted]
        yield Group(name, DELETE, "", list(overlay.deleted), _column_keys(indexed, bases))
    for mask, oids in overlay.oids_by_mask().items():
        pairs = _pair_keys(definition, overlay, mask, oids)
        yield Group(name, UPDATE, definition.names_of(mask), oids, pairs)
    if overlay.created:
        keys = _column_keys(indexed, overlay.created.values())
        yield Group(name, INSERT, "", list(overlay.created), keys)


def log_key(value: Stored) -> Key:
    """Return a stored value as the log writes it: JSON has no bytes."""
    return f"x'{value.hex()}'" if isinstance(value, bytes) else value


def _column_keys(
    fields: Iterable[Field], rows: Iterable[Sequence[Stored]]
) -> dict[str, list[object]]:
    return {
        field.log_name: [log_key(row[field.position]) for row in rows] for field in fields
    }  # fmt: skip


def _pair_keys(
    definition: Definition, overlay: Overlay, mask: int, oids: Sequence[int]
) -> dict[str, list[object]]:
    if not mask & definition.indexed_mask:
        return {}
    pairs = [(overlay.base[oid], overlay.changed_row(oid)) for oid in oids]
    return {
        field.log_name: [
            [log_key(old[field.position]), log_key(new[field.position])] for old, new in pairs
        ]
        for field in definition.indexed
        if field.bit & mask
    }


def _touched(keys: dict[str, list[object]], each: int, op: str) -> TouchedKeys:
    if op == UPDATE:
        return {name: values[each] for name, values in keys.items()}  # type: ignore[misc] # pyright: ignore[reportReturnType] - of an update they are pairs
    return {name: [values[each]] for name, values in keys.items()}  # type: ignore[list-item] # pyright: ignore[reportReturnType] - of JSON
