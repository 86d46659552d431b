"""Records that are more than a line says: tracebacks that came line by line, JSON lines.

Pure. What `logging` writes is whole already; what a program prints, or writes to its
descriptors, comes as lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from odbctl.engine.telemetry.log_format import LogLine

_HEAD = "Traceback (most recent call last):"
_LINKS = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)
LONGEST_TRACEBACK_LINES = 1000
_LEVEL_KEYS = ("level", "levelname", "severity", "lvl", "log.level")
_TEXT_KEYS = ("message", "msg", "event", "text")
# What other loggers call these levels.
_LEVELS = {
    "WARN": "WARNING",
    "FATAL": "CRITICAL",
    "ERR": "ERROR",
    "TRACE": "DEBUG",
    "NOTICE": "INFO",
}
# The order of levels; a word that is none of these counts as INFO.
RANKS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}


def joined(lines: Iterable[LogLine]) -> Iterator[LogLine]:
    """Join the lines of each traceback to one record; all else stays as it is."""
    held: list[LogLine] = []
    for line in lines:
        if held and _goes_on(held, line):
            held.append(line)
            continue
        yield from _released(held)
        held = []
        if line.text.lstrip() == _HEAD:
            held = [line]
        else:
            yield line
    yield from _released(held)


def _goes_on(held: list[LogLine], line: LogLine) -> bool:
    """Tell whether a line belongs to the traceback before it.

    Its frames are indented, the first line that is not names the exception; behind that
    comes, between empty lines, what links it to the next one.
    """
    if line.stream != held[0].stream or len(held) >= LONGEST_TRACEBACK_LINES:
        return False
    last = held[-1].text
    if last.startswith((" ", "\t")) or last == _HEAD:
        return True
    if last in _LINKS:
        return not line.text
    if not last:
        return line.text in _LINKS or (line.text == _HEAD and held[-2].text in _LINKS)
    return not line.text  # behind the exception


def _released(held: list[LogLine]) -> Iterator[LogLine]:
    """Yield what was held as one record, and empty lines that ended it as their own."""
    if not held:
        return
    end = len(held)
    while not held[end - 1].text:
        end -= 1
    yield held[0]._replace(text="\n".join([line.text for line in held[:end]]))
    yield from held[end:]


class Understood(NamedTuple):
    """A record whose text was a JSON object: its own level and message, and all else."""

    level: str
    text: str
    fields: dict[str, object]


def understand(line: LogLine) -> Understood | None:
    """Read a record whose text is a JSON object; None of any other."""
    return understand_text(line.text, line.level)


def understand_text(text: str, said_level: str) -> Understood | None:
    """Read a text that is a JSON object; None of any other.

    Args:
        text: The text.
        said_level: The level of its record, for an object that has none.
    """
    if not (text.startswith("{") and text.endswith("}")):
        return None
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    level = _take(fields, _LEVEL_KEYS)
    message = _take(fields, _TEXT_KEYS)
    return Understood(
        level_name(level) if level is not None else said_level,
        str(message) if message is not None else text,
        fields,
    )


def is_found(pattern: re.Pattern[str], line: LogLine) -> bool:
    """Tell whether a pattern is found in a record: in its text, or the message inside it."""
    if pattern.search(line.text):
        return True
    understood = understand(line)
    return understood is not None and pattern.search(understood.text) is not None


def _take(fields: dict[str, object], keys: Iterable[str]) -> object | None:
    for key in keys:
        if isinstance(fields.get(key), str | int):
            return fields.pop(key)
    return None


def level_name(level: object) -> str:
    """Return a level as `logging` calls it; a number counts as it does there."""
    if isinstance(level, int):
        below = [name for name, rank in RANKS.items() if rank <= level]
        return below[-1] if below else "DEBUG"
    word = str(level).upper()
    return _LEVELS.get(word, word)


def rank_of(level: str) -> int:
    """Return how much a level matters."""
    return RANKS.get(_LEVELS.get(level, level), RANKS["INFO"])


def names_from(level: str) -> list[str]:
    """Return the names of the levels that matter at least as much as one."""
    least = rank_of(level)
    return [name for name in (*RANKS, *_LEVELS) if rank_of(name) >= least]
