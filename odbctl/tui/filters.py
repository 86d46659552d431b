"""Choosing among rows by what a person types. Pure.

A filter is words that must all occur in the name or the state; `!word` must
not; `ref=word` and the like look at one field. Words with a capital letter tell upper from lower
case. Plain text, no patterns: no input makes it slow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from odbctl.tui.snapshot import ServiceRow


def filter_services(rows: Iterable[ServiceRow], text: str) -> tuple[ServiceRow, ...]:
    """Return the rows that match every word of `text`, in their order."""
    words = text.split()
    return tuple(row for row in rows if all(_matches(word, _fields(row)) for word in words))


def _fields(row: ServiceRow) -> dict[str, str]:
    return {"name": row.key, "state": row.state, "ref": row.ref, "reason": row.reason}


def _matches(word: str, fields: Mapping[str, str]) -> bool:
    if len(word) > 1 and word.startswith("!"):
        return not _matches(word[1:], fields)
    key, sign, value = word.partition("=")
    if sign and key in fields:
        return _occurs(value, fields[key])
    return _occurs(word, fields["name"]) or _occurs(word, fields["state"])


def _occurs(word: str, field: str) -> bool:
    return word in (field if word != word.lower() else field.lower())
