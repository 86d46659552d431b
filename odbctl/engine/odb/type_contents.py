"""Compares the fields of records and the members of enums with those a store has recorded.

A column records its type in words, and these name records and enums; what stands in them may
change between releases, too. Pure; imported where a release declares other contents than the
store has. Contents are a tuple: "record" with fields as `amount: Decimal`, or `amount?: Decimal`
where there is a default, or "enum" with members as `LOW='low'`, or `LOW` if the name is stored.

Two releases may use one class at once, so more fields and members are always fine on one side,
and a store records all that any release has. The same name must mean the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from odbctl.engine.odb.type_change import is_compatible_inside

Contents = tuple[str, ...]
# By the name of the record or enum. Empty contents are not known.
Types = Mapping[str, Contents]


def difference(recorded: Types, declared: Types) -> str | None:
    """Say what has another meaning in a release than in the store; None if nothing has."""
    for name, before, after in _pairs(recorded, declared):
        if before[0] != after[0]:
            return f"{name} was {_with_article(before[0])} and is now {_with_article(after[0])}"
        items = _items(before)
        for key, (text, has_default) in _items(after).items():
            if key not in items:
                if after[0] == "record" and not has_default:
                    return f"{name}.{key} is new and has no default"
            elif not _is_same(after[0], items[key][0], text):
                return f"{name}.{key} was {items[key][0]} and is now {text}"
    return None


def lacks(recorded: Types, declared: Types) -> bool:
    """Tell whether a store has fields or members that a release does not."""
    return any(
        not _items(before).keys() <= _items(after).keys()
        for _, before, after in _pairs(recorded, declared)
    )


def joined(recorded: Contents, declared: Contents) -> Contents:
    """Add what a release has more to what the store records."""
    if not recorded or not declared:
        return ()
    known = _items(recorded)
    return (*recorded, *(each for each in declared[1:] if _key(each) not in known))


def _pairs(recorded: Types, declared: Types) -> Iterator[tuple[str, Contents, Contents]]:
    """Find what belongs together: by name, or as the only one that has another name."""
    for name, after in declared.items():
        if after and recorded.get(name):
            yield name, recorded[name], after
    gone = [name for name in recorded if name not in declared]
    new = [name for name in declared if name not in recorded]
    if len(gone) == len(new) == 1 and recorded[gone[0]] and declared[new[0]]:
        yield new[0], recorded[gone[0]], declared[new[0]]


def _items(contents: Contents) -> dict[str, tuple[str, bool]]:
    """Return, by name, a field's type or a member's value, and whether it has a default."""
    return {_key(each): (_text(each), _head(each).endswith("?")) for each in contents[1:]}


def _head(item: str) -> str:
    return item.partition("=")[0].partition(": ")[0]


def _key(item: str) -> str:
    return _head(item).removesuffix("?")


def _text(item: str) -> str:
    return item[len(_head(item)) :].removeprefix("=").removeprefix(": ") or "stored by its name"


def _is_same(kind: str, before: str, after: str) -> bool:
    return before == after if kind == "enum" else is_compatible_inside(before, after)


def _with_article(kind: str) -> str:
    return f"an {kind}" if kind == "enum" else f"a {kind}"
