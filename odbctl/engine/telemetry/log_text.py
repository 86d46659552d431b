"""How text becomes bytes of a log: whole lines, readable whatever they hold."""

from __future__ import annotations

CONTINUATION = "\t"


def encode(text: str) -> bytes:
    """Encode what goes into the log; lone surrogates and NUL stay readable."""
    raw = text.encode("utf-8", "backslashreplace")
    return raw.replace(b"\0", b"\\x00") if b"\0" in raw else raw


def join_record(text: str) -> str:
    """Make one record of several lines: those after the first are marked as its continuations."""
    return text.rstrip("\n").replace("\n", f"\n{CONTINUATION}")
