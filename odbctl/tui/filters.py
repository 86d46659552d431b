"""Choosing among rows by what a person types. Pure.

A filter is words that must all match: a pattern (`^api`, `web|mail`), what
must not match (`!test`), letters in their order (`~dplr`), or a pattern for
one field (`status=failed`). Smart case: a capital letter tells upper from
lower case. Patterns that might be slow are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from odbctl.tui.patterns import LONGEST_TEXT, PatternError, compile_pattern, is_fuzzy

Matches = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class _Word:
    """One word: what must hold for a field, or for any of those that are searched."""

    matches: Matches
    field: str = ""
    is_inverse: bool = False

    def takes(self, fields: Mapping[str, str], searched: Collection[str]) -> bool:
        names = (self.field,) if self.field else searched
        found = any(self.matches(fields.get(name, "")[:LONGEST_TEXT]) for name in names)
        return found is not self.is_inverse


@dataclass(frozen=True, slots=True)
class Filter:
    """What rows have to match; without words all do."""

    text: str = ""
    words: tuple[_Word, ...] = ()

    def takes(self, fields: Mapping[str, str], searched: Collection[str]) -> bool:
        """Tell whether a row with these fields matches every word.

        Args:
            fields: The texts of the row, by lower-case name.
            searched: The fields that a word without a field looks at.
        """
        return all(word.takes(fields, searched) for word in self.words)


def parse_filter(text: str, names: Collection[str]) -> Filter:
    """Return the filter that was typed.

    Args:
        text: What was typed.
        names: The fields that `field=pattern` may name.

    Raises:
        PatternError: A pattern is broken, or may be slow; the message names it.
    """
    return Filter(text, tuple(_word(word, names) for word in text.split()))


def _word(text: str, names: Collection[str]) -> _Word:
    if len(text) > 1 and text.startswith("!"):
        inner = _word(text[1:], names)
        return _Word(inner.matches, inner.field, not inner.is_inverse)
    field, sign, value = text.partition("=")
    if sign and field.lower() in names:
        return _Word(_matcher(value), field.lower())
    return _Word(_matcher(text))


def _matcher(text: str) -> Matches:
    if text.startswith("~"):
        letters = text[1:]
        return lambda field: is_fuzzy(letters, field)
    try:
        pattern: re.Pattern[str] = compile_pattern(text)
    except PatternError as error:
        raise PatternError(f"{text}: {error}") from error
    return lambda field: pattern.search(field) is not None
