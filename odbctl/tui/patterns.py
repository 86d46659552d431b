"""Patterns that cannot freeze the screen. Pure.

Python's regular expressions backtrack, and cannot be interrupted: a repeat
inside a repeat, or choice upon choice, takes for ever on the wrong text. Such patterns are refused
before they run; what is left is quick on texts of a bounded length.
"""

from __future__ import annotations

import re

MOST_REPEATS = 2
MOST_CHOICES = 12
LONGEST_PATTERN = 200
# A pattern looks at so much of each field.
LONGEST_TEXT = 160


class PatternError(ValueError):
    """A pattern that is none, or that might take for ever; the message says which."""


def compile_pattern(text: str) -> re.Pattern[str]:
    """Compile a smart-case pattern: a capital letter in it tells upper from lower case.

    Raises:
        PatternError: It is broken or may be slow.
    """
    if len(text) > LONGEST_PATTERN:
        raise PatternError("the pattern is too long")
    _refuse_slow(text)
    is_plain = text == text.lower()
    try:
        return re.compile(text, re.IGNORECASE if is_plain else 0)
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternError(str(error)) from error


def _refuse_slow(text: str) -> None:
    """Refuse a repeat of a group that has a repeat or a choice in it, and many of either."""
    open_groups: list[bool] = []
    repeats = choices = place = 0
    before, is_closed_open = "(", False
    while place < len(text):
        step, token = _token(text, place)
        if token in "*+{" and before != "(":
            repeats += 1
            if is_closed_open:
                raise PatternError("the pattern may be slow: a repeat of a repeat")
        if token == "|" or (token == "?" and before not in "(*+{?"):
            choices += 1
        if token in "*+{|?" and before != "(":
            open_groups = [True] * len(open_groups)
        if token == "(":
            open_groups.append(False)
        is_closed_open = token == ")" and bool(open_groups) and open_groups.pop()
        before = token
        place += step
    if repeats > MOST_REPEATS or choices > MOST_CHOICES:
        raise PatternError("the pattern may be slow: too many repeats or choices")


def _token(text: str, place: int) -> tuple[int, str]:
    """Return how long the token at a place is, and its sign; plain text has none."""
    char = text[place]
    if char == "\\":
        return 2, "."
    if char == "[":
        end = text.find("]", place + 2)
        return (end - place + 1 if end > 0 else 1), "."
    if char == "{":
        match = re.compile(r"\{\d*,?\d*\}").match(text, place)
        return (len(match[0]), "{") if match else (1, ".")
    return 1, (char if char in "*+?|()" else ".")


def is_fuzzy(word: str, text: str) -> bool:
    """Tell whether the letters of a word occur in a text, in their order."""
    if word == word.lower():
        text = text.lower()
    place = 0
    for char in word:
        place = text.find(char, place) + 1
        if place == 0:
            return False
    return True
