"""Decoded values of containers, remembered by their stored text.

A field of a container is read again and again while its text stays the same. Decoding JSON
takes many times as long as copying what came of it, so each field remembers that, within
bounds, and gives a copy of what can be changed. Any thread may use it.
"""

from __future__ import annotations

from collections.abc import Callable

from odbctl.light_typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from typing import Final

# Characters of stored text that one field remembers at most; beyond that it forgets them all.
MOST_CHARACTERS: Final = 1_000_000
# Counted for a short text, too.
LEAST_CHARACTERS: Final = 100

_PLAIN: Final = frozenset({int, float, str, bool, bytes, type(None)})
_PLAIN_MODULES: Final = frozenset({"datetime", "decimal", "uuid", "pathlib"})


def remembering(decode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Make a decoder that decodes each text once, as long as it is remembered."""
    known: dict[str, tuple[Any, Callable[[Any], Any] | None]] = {}
    characters = 0

    def decode_once(stored: str) -> Any:
        nonlocal characters
        found = known.get(stored)
        if found is None:
            value = decode(stored)
            if not (is_shared := _is_immutable(value)) and not _is_copied(value):
                return value
            characters += max(len(stored), LEAST_CHARACTERS)
            if characters > MOST_CHARACTERS:
                known.clear()
                characters = max(len(stored), LEAST_CHARACTERS)
            found = known[stored] = value, None if is_shared else _copier(value)
        value, copy = found
        return value if copy is None else copy(value)

    return decode_once


def _is_immutable(value: Any) -> bool:
    kind = _type_of(value)
    if kind in _PLAIN or kind.__module__ in _PLAIN_MODULES or hasattr(kind, "__odb__"):
        return True
    if isinstance(value, (tuple, frozenset)):
        return all(map(_is_immutable, cast("tuple[Any, ...]", value)))
    if hasattr(kind, "__members__"):
        return True  # of an enum
    parameters = getattr(kind, "__dataclass_params__", None)
    return (
        parameters is not None
        and parameters.frozen
        and all(_is_immutable(getattr(value, name)) for name in kind.__dataclass_fields__)
    )


def _is_copied(value: Any) -> bool:
    """Tell whether `_copied` can copy all that can be changed in a value."""
    kind = _type_of(value)
    if kind is list:
        return all(_is_immutable(each) or _is_copied(each) for each in value)
    if kind is dict:
        return all(_is_immutable(each) or _is_copied(each) for each in value.values())
    return kind is set


def _copier(value: Any) -> Callable[[Any], Any]:
    """Return what copies a value: its own method where its items need none."""
    kind = _type_of(value)
    if all(map(_is_immutable, value.values() if kind is dict else value)):
        copy: Callable[[Any], Any] = kind  # list, dict and set make copies when called
        return copy
    return _copied


def _copied(value: Any) -> Any:
    kind = _type_of(value)
    if kind is list:
        return [_copied(each) for each in value]
    if kind is dict:
        return {key: _copied(each) for key, each in value.items()}
    return value.copy() if kind is set else value


def _type_of(value: object) -> Any:
    return type(value)
