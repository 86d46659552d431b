"""The change log: one entry per commit, saying which objects it changed. Pure.

An entry is JSON text, so that the `sqlite3` shell can read it: a list of
groups `[class, op, fields, oids, keys]`, each of objects that were changed
alike. After the first oid come differences to the one before. `keys` gives,
by indexed field, the values that lookups know the objects by, in the order
of the oids: of an update `[old, new]`, else the value. Under `#` and the name
of a field its long values are hashes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import accumulate, pairwise

from odbctl.engine.odb.codec import Stored, dumps, loads
from odbctl.light_typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from typing import Final

    from odbctl.engine.odb.field import Field
    from odbctl.engine.odb.overlay import Overlay

_new_tuple: Callable[..., Any] = tuple.__new__  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] - of any items
INSERT, UPDATE, DELETE, SCHEMA = "insert", "update", "delete", "schema"
# Of a key that is longer the log has the hash.
MOST_KEY_BYTES: Final = 64
HASH_DIGITS: Final = 32
# Stands before the name of a field whose long keys are hashed: releases that do not know of
# hashes find no keys under its name, and take every lookup for touched.
HASHED: Final = "#"
_SHORT_COLUMNS: Final = frozenset({"INTEGER", "REAL"})
# A value of a looked-up field, as JSON can hold it.
Key = int | float | str | None


class Group(NamedTuple):
    """Objects of one class that a commit changed alike."""

    class_name: str
    op: str
    fields: str  # names with commas between; of an update only
    oids: Sequence[int]
    # By indexed field, in the order of the oids: of an update [old, new], else the value.
    keys: dict[str, list[Any]]
    seq: int = 0  # the number of the commit; they have no gaps
    at: float = 0.0  # seconds since the epoch


def entry_text(groups: Sequence[Group]) -> str:
    """Write the entry of a commit."""
    texts: list[str] = []
    for name, op, fields, oids, keys, _, _ in groups:
        if len(oids) == 1 and not keys:
            # The most common one, without the cost of an encoder.
            texts.append(f'["{name}","{op}","{fields}",[{oids[0]}],{{}}]')
        else:
            steps = [oids[0], *(after - before for before, after in pairwise(oids))]
            columns = [f"{dumps(field)}:{_list_text(column)}" for field, column in keys.items()]
            texts.append(
                f'["{name}","{op}","{fields}",{_list_text(steps)},{{{",".join(columns)}}}]'
            )
    return f"[{','.join(texts)}]"


def _list_text(values: list[Any]) -> str:
    """Write a list as JSON; of nothing but integers, as most are, three times as fast."""
    if set(map(type, values)) == {int}:
        return str(values).replace(" ", "")
    return dumps(values)


def read_entries(entries: Sequence[tuple[int, float, str]]) -> list[Group]:
    """Read log entries: the number of the commit, its time, what it changed."""
    # One call of the decoder for all of them: commits come in flocks.
    texts: list[list[tuple[str, str, str, list[int], dict[str, list[Any]]]]] = loads(
        f"[{','.join([text for _, _, text in entries])}]"
    )
    found: list[Group] = []
    for (seq, at, _), entry in zip(entries, texts, strict=True):
        for name, op, fields, steps, keys in entry:
            oids = steps if len(steps) == 1 else list(accumulate(steps))
            found.append(_new_tuple(Group, (name, op, fields, oids, keys, seq, at)))
    return found


def read_entries_since(entries: Sequence[tuple[Any, ...]], first_seq: int) -> list[Group] | None:
    """Read the log entries from `first_seq` on; None if the first of them has been pruned."""
    if not entries:
        return []
    if entries[0][0] != first_seq:  # numbers have no gaps
        return None
    return read_entries(entries)


def schema_group(class_name: str) -> Group:
    """Say that the table of a class was changed."""
    return Group(class_name, SCHEMA, "", (0,), {})


def groups_of(overlay: Overlay) -> list[Group]:
    """Say what a transaction writes to one class."""
    definition, masks = overlay.definition, overlay.masks
    name = definition.name
    if len(masks) == 1 and not overlay.created and not overlay.deleted:
        ((oid, mask),) = masks.items()
        keys = _pair_keys(overlay, mask, (oid,)) if mask & definition.indexed_mask else {}
        fields = definition.names_of(mask)
        return [_new_tuple(Group, (name, UPDATE, fields, (oid,), keys, 0, 0.0))]
    groups, indexed = list[Group](), definition.indexed
    if overlay.deleted:
        bases = [overlay.base[oid] for oid in overlay.deleted]
        groups.append(_group(name, DELETE, "", list(overlay.deleted), _keys(indexed, bases)))
    for mask, oids in overlay.oids_by_mask().items():
        keys = _pair_keys(overlay, mask, oids) if mask & definition.indexed_mask else {}
        groups.append(_group(name, UPDATE, definition.names_of(mask), oids, keys))
    if overlay.created:
        keys = _keys(indexed, overlay.created.values())
        groups.append(_group(name, INSERT, "", list(overlay.created), keys))
    return groups


def _group(
    name: str, op: str, fields: str, oids: Sequence[int], keys: dict[str, list[Any]]
) -> Group:
    # Each commit makes some: without the checks of arguments.
    group: Group = _new_tuple(Group, (name, op, fields, oids, keys, 0, 0.0))
    return group


def log_key(value: Stored) -> Key:
    """Return a stored value as the log writes it: JSON has no bytes."""
    return f"x'{value.hex()}'" if isinstance(value, bytes) else value


def short_key(key: Key) -> Key:
    """Return a key, or the hash of a long one."""
    if type(key) is not str or not _is_long(key):
        return key
    from hashlib import blake2b

    return blake2b(key.encode(), digest_size=HASH_DIGITS // 2).hexdigest()


def may_be_hash(key: Key) -> bool:
    """Tell whether a key among hashed ones may stand for a long one, which has another order."""
    return type(key) is str and len(key) == HASH_DIGITS


def _is_long(key: str) -> bool:
    # UTF-8 takes up to four bytes a character.
    return 4 * len(key) > MOST_KEY_BYTES and len(key.encode()) > MOST_KEY_BYTES


def _keys(fields: Iterable[Field], rows: Collection[Sequence[Stored]]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {}
    for field in fields:
        position, is_short = field.position, field.codec.column in _SHORT_COLUMNS
        if is_short:
            keys: list[Any] = [row[position] for row in rows]
        else:
            keys = [log_key(row[position]) for row in rows]
        if not is_short and _has_long(keys):
            columns[HASHED + field.log_name] = [short_key(key) for key in keys]
        else:
            columns[field.log_name] = keys
    return columns


def _pair_keys(overlay: Overlay, mask: int, oids: Sequence[int]) -> dict[str, list[Any]]:
    fields = [field for field in overlay.definition.indexed if field.bit & mask]
    old = _keys(fields, [overlay.base[oid] for oid in oids])
    new = _keys(fields, [overlay.changed_row(oid) for oid in oids])
    columns: dict[str, list[Any]] = {}
    for field in fields:
        name = field.log_name
        before, after = old.get(name), new.get(name)
        if before is None or after is None:
            hashed = HASHED + name
            before = old[hashed] if before is None else before
            after = new[hashed] if after is None else after
            name = hashed
        columns[name] = [[*pair] for pair in zip(before, after, strict=True)]
    return columns


def _has_long(keys: Iterable[Key]) -> bool:
    return any(type(key) is str and _is_long(key) for key in keys)
