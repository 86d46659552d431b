"""Tables and fields of documents for people. Pure.

Off a terminal: aligned, complete, plain. On one: states coloured, cut to its width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from odbctl.commands.output.results import Document, as_document
from odbctl.commands.output.text import visible
from odbctl.light_typing import NamedTuple

GAP = "  "
_COLORS = {
    "running": "32",
    "ready": "32",
    "active": "32",
    "up": "32",
    "ok": "32",
    "starting": "33",
    "booting": "33",
    "initializing": "33",
    "stopping": "33",
    "rolling": "33",
    "draining": "33",
    "waiting": "33",
    "degraded": "33",
    "backoff": "33",
    "warning": "33",
    "no": "33",
    "crash-loop": "31",
    "throttled": "31",
    "unplaceable": "31",
    "failed": "31",
    "crashed": "31",
    "lost": "31",
    "missing": "31",
    "down": "31",
    "error": "31",
    "stopped": "2",
    "superseded": "2",
}


class Column(NamedTuple):
    """A column: its head, the field it shows (dots go inside), and how."""

    head: str
    field: str
    show: Callable[[object], str] = str
    is_wide: bool = False
    is_state: bool = False
    # What `--sort` compares, where it is neither the field's number nor the text.
    order: Callable[[Document], float] | None = None


def field_of(document: Document, path: str) -> object:
    """Return the value that `path` leads to, None where it ends early; "" is the document."""
    value: object = document
    for name in path.split(".") if path else ():
        value = as_document(value).get(name)
    return value


def cell(document: Document, column: Column) -> str:
    """Return one cell's text; a value that is missing is a dash."""
    field = column.field
    value = document[field] if field in document else field_of(document, field)
    if value is None or value == "":
        return "-"
    return visible(column.show(value)) or "-"


def table(
    columns: Sequence[Column],
    documents: Sequence[Document],
    *,
    width: int | None,
    has_color: bool,
    has_headers: bool = True,
) -> list[str]:
    """Return the lines of a table; `width` None does not cut."""
    heads = [c.head for c in columns]
    rows = [heads, *([cell(document, c) for c in columns] for document in documents)]
    measured = rows if has_headers else rows[1:]
    widths = [_widest(texts) for texts in zip(*measured, strict=True)]
    if width is not None:
        widths = _shrink(widths, heads, width)
    lines: list[str] = []
    for index, row in enumerate(rows):
        if index == 0 and not has_headers:
            continue
        cells = [_fit(text, room) for text, room in zip(row, widths, strict=True)]
        cells[-1] = cells[-1].rstrip(" ")
        if has_color:
            cells = [
                _color(text, column, index == 0)
                for text, column in zip(cells, columns, strict=True)
            ]
        lines.append(GAP.join(cells).rstrip())
    return lines


def _shrink(widths: list[int], heads: list[str], width: int) -> list[int]:
    """Take room from the widest columns until the table fits, but never from the heads."""
    room = list(widths)
    excess = sum(room) + len(GAP) * (len(room) - 1) - width
    while excess > 0:
        widest = max(range(len(room)), key=lambda n: room[n] - max(len(heads[n]), 8))
        if room[widest] <= max(len(heads[widest]), 8):
            break
        room[widest] -= 1
        excess -= 1
    return room


def _widest(texts: Sequence[str]) -> int:
    """Return the width of the widest text."""
    return max(map(len if "".join(texts).isascii() else display_width, texts))


def _fit(text: str, room: int) -> str:
    """Return a text of exactly `room` columns."""
    if text.isascii() and len(text) <= room:
        return text.ljust(room)
    taken = display_width(text)
    return _cut(text, room) if taken > room else text + " " * (room - taken)


def _cut(text: str, room: int) -> str:
    kept = ""
    for character in text:
        if display_width(kept + character) > room - 1:
            break
        kept += character
    return kept + "…" + " " * (room - 1 - display_width(kept))


def display_width(text: str) -> int:
    """Return how many terminal columns `text` takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def _color(text: str, column: Column, is_head: bool) -> str:
    if is_head:
        return f"\x1b[1m{text}\x1b[0m"
    return paint(text) if column.is_state else text


def paint(text: str) -> str:
    """Color a state's word."""
    code = _COLORS.get(text.strip())
    return f"\x1b[{code}m{text}\x1b[0m" if code else text
