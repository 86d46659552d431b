"""The form of a line in a `.log` file.

`2026-11-23T23:14:05.123Z INFO stdout text`: time in UTC, level, stream, text.
A record of several lines (a traceback) goes on in lines that begin with a tab.
The text is UTF-8 without NUL; everything else is kept as it was said.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

RECORD = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (\S+) (\S+) (.*)", re.DOTALL)
# Terminal sequences: CSI, OSC and other strings (with or without their end), two-byte escapes.
ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


# Written where a record has no level: what a program prints to stderr says nothing of how bad
# it is. Files of earlier versions have ERROR there.
NO_LEVEL = "-"
STDERR = "stderr"


class LogLine(NamedTuple):
    """One record of an instance's log; `text` may have several lines.

    `level` is empty for a line on stderr that is not a log record.
    """

    at: float
    service: str
    instance: str
    stream: str
    level: str
    text: str


class Record(NamedTuple):
    """A record as a file gives it, before it is known whose it is."""

    at: float
    level: str
    stream: str
    text: str


def decode(raw: bytes) -> str:
    r"""Read bytes of unknown origin as text; what is no UTF-8 stays readable as `\xff`."""
    return raw.replace(b"\0", b"\\x00").decode("utf-8", "backslashreplace")


def parse_record(line: bytes) -> Record | None:
    """Read the first line of a record, or None when it has not its form (a torn line)."""
    found = RECORD.fullmatch(line)
    if found is None:
        return None
    try:
        at = datetime.fromisoformat(found[1].decode("ascii")).astimezone(UTC).timestamp()
    except ValueError:
        return None
    stream = decode(found[3])
    return Record(at, level_of(decode(found[2]), stream), stream, decode(found[4]))


def level_of(word: str, stream: str) -> str:
    """Return the level that a file gives for a record; empty when it has none."""
    return "" if word == NO_LEVEL or stream == STDERR else word


def safe_text(text: str) -> str:
    """Strip what could steer a terminal; tabs and line ends stay.

    Of a line that was overwritten by carriage returns (a progress bar) the last
    state is kept, as a terminal would show it.
    """
    if text.isprintable():
        return text
    lines = (_last_state(line) for line in ESCAPES.sub("", text).split("\n"))
    return "\n".join(CONTROLS.sub("", line) for line in lines)


def _last_state(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2] if "\r" in line else line
