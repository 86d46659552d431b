"""Documents as YAML 1.2: only mappings, lists, text, numbers, booleans and null. Pure.

Text is quoted as JSON, which YAML reads, unless it is plainly a word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

# Begins with a letter, so it is no number; words that YAML reads as something else are not plain.
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./@+-]*")
_WORDS = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n", "inf", "nan"))


def to_yaml(value: object) -> str:
    """Return a document, or a list of documents, as YAML."""
    if is_scalar(value):
        return _scalar(value) + "\n"
    return "\n".join(_lines(value)) + "\n"


def is_scalar(value: object) -> bool:
    """Tell whether a value is written on the line of its key."""
    return not isinstance(value, (Mapping, list, tuple)) or not value


def _lines(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from _mapping_lines(value)  # pyright: ignore[reportUnknownArgumentType]  # JSON
    elif isinstance(value, (list, tuple)):
        yield from _list_lines(value)  # pyright: ignore[reportUnknownArgumentType]  # JSON


def _mapping_lines(mapping: Mapping[str, object]) -> Iterator[str]:
    for key, item in mapping.items():
        if is_scalar(item):
            yield f"{_scalar(str(key))}: {_scalar(item)}"
        else:
            yield f"{_scalar(str(key))}:"
            yield from ("  " + line for line in _lines(item))


def _list_lines(items: Sequence[object]) -> Iterator[str]:
    for item in items:
        if is_scalar(item):
            yield f"- {_scalar(item)}"
        else:
            first, *rest = _lines(item)
            yield f"- {first}"
            yield from ("  " + line for line in rest)


def _scalar(value: object) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value)
