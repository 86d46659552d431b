"""Whether a release may read values that are stored as another type.

Decided from both types in words; pure. Imported where a release declares a field in other words
than the store records. Two releases may use one class at once, and whichever writes first is
recorded, so the question has no direction: one of the types must be a wider form of the other,
with values that are stored alike.

Enums, Literals and records are compared by how they may be stored, not by name: a class that
is renamed in Python keeps its values, and an enum of strings may take the place of `str`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_LISTS: Final = ("list", "set", "frozenset", "tuple")
# The JSON value that each type becomes. What is not here is an enum, a Literal or a record.
_KINDS: Final = {
    "int": "int",
    "bool": "bool",
    "float": "float",
    "timedelta": "int",
    "str": "str",
    "bytes": "str",
    "datetime": "str",
    "date": "str",
    "time": "str",
    "UUID": "str",
    "Decimal": "str",
    "dict": "dict",
    **dict.fromkeys(_LISTS, "list"),
}


def is_compatible(recorded: str, declared: str) -> bool:
    """Tell whether values of both types can stand in one column, each read as what it was."""
    return _is_wider(recorded, declared, in_column=True) or _is_wider(
        declared, recorded, in_column=True, with_floats=False
    )


def is_compatible_inside(recorded: str, declared: str) -> bool:
    """Tell the same of values inside a record."""
    return _is_wider(recorded, declared) or _is_wider(declared, recorded, with_floats=False)


def _is_wider(old: str, new: str, *, in_column: bool = False, with_floats: bool = True) -> bool:
    """Tell whether each value stored as `old` is one of `new`; None is one of every type."""
    olds, news = _members(old), _members(new)
    if in_column and len(olds) != len(news) and 1 in (len(olds), len(news)):
        # A single type has a column of its own, a union one of JSON text.
        single = olds[0] if len(olds) == 1 else news[0]
        if _head(single) in _KINDS and _kind(single) not in ("list", "dict"):
            return False
    tags = {_is_tagged(olds), _is_tagged(news)}
    if tags >= {True, False}:
        return False
    if True in tags:
        return set(olds) <= set(news)
    return all(any(_fits(one, other, with_floats=with_floats) for other in news) for one in olds)


def _fits(old: str, new: str, *, with_floats: bool) -> bool:
    """Compare two types that are not unions."""
    if old == new:
        return True
    kinds = _kind(old), _kind(new)
    if kinds == ("list", "list"):
        return _list_fits(old, new, with_floats=with_floats)
    if kinds == ("dict", "dict"):
        (old_key, old_item), (new_key, new_item) = _arguments(old), _arguments(new)
        # The kind of the keys decides between a JSON object and pairs.
        has_keys = old_key == new_key or (
            " | " not in old_key + new_key and _fits(old_key, new_key, with_floats=with_floats)
        )
        return has_keys and _is_wider(old_item, new_item, with_floats=with_floats)
    if (old, new) == ("int", "float"):
        return with_floats
    return _name_fits(old, new)


def _list_fits(old: str, new: str, *, with_floats: bool) -> bool:
    old_items, new_items = _items(old), _items(new)
    return len(old_items) == len(new_items) and all(
        _is_wider(one, other, with_floats=with_floats)
        for one, other in zip(old_items, new_items, strict=True)
    )


def _name_fits(old: str, new: str) -> bool:
    """Compare two types of which one is an enum, a Literal, a record or a stored class."""
    if any("." in _head(each) for each in (old, new)):
        return False  # references to different classes, or one and something else
    if _head(old) in _KINDS and _head(new) in _KINDS:
        return False
    kinds = _kind(old), _kind(new)
    if kinds == (None, None):
        return True
    known = [each for each in kinds if each is not None]
    scalars = [each for each in (old, new) if _head(each) in _KINDS]
    return len(set(known)) == 1 and (not scalars or scalars[0] in ("str", "int"))


def _is_tagged(members: Sequence[str]) -> bool | None:
    """Tell whether values of a union are stored with the name of their type; None if not known."""
    kinds = [_kind(each) for each in members]
    known = [each for each in kinds if each is not None]
    if len(set(known)) < len(known):
        return True
    return False if len(known) == len(kinds) or len(kinds) == 1 else None


def _kind(member: str) -> str | None:
    head = _head(member)
    if "." in head:
        return "int"
    if head != "Literal":
        return _KINDS.get(head)
    options = _arguments(member)
    if all(each[0] in "'\"" for each in options):
        return "str"
    return "int" if all(each.lstrip("-").isdigit() for each in options) else "literal"


def _members(text: str) -> list[str]:
    return [each for each in _split(text, " | ") if each != "None"]


def _head(member: str) -> str:
    return member.partition("[")[0]


def _arguments(member: str) -> list[str]:
    return _split(member[member.index("[") + 1 : -1], ", ")


def _items(member: str) -> list[str]:
    """Return the types of the items: one for all, or with `()` behind it one per place."""
    arguments = _arguments(member)
    if _head(member) != "tuple":
        return arguments
    return arguments[:1] if arguments[1:] == ["..."] else [*arguments, "()"]


def _split(text: str, separator: str) -> list[str]:
    """Split at a separator that stands in no brackets and in no quotes."""
    parts: list[str] = []
    start = place = depth = 0
    quote = ""
    while place < len(text):
        letter = text[place]
        if quote:
            if letter == "\\":
                place += 1
            elif letter == quote:
                quote = ""
        elif letter in "'\"":
            quote = letter
        elif letter in "[(":
            depth += 1
        elif letter in "])":
            depth -= 1
        elif not depth and text.startswith(separator, place):
            parts.append(text[start:place])
            start = place + len(separator)
        place += 1
    return [*parts, text[start:]]
