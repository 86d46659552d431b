"""Cells as content that Textual draws; nothing in them is taken for markup."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from odbctl.tui.paint import Cell, Tone

_STYLES = {
    Tone.PLAIN: "$foreground",
    Tone.STRONG: "bold $foreground",
    Tone.MUTED: "$secondary",
    Tone.GOOD: "$text-success",
    Tone.BUSY: "$text-accent",
    Tone.WARN: "$text-warning",
    Tone.BAD: "bold $text-error",
}
# Where a terminal has 16 colours or none, faults do not depend on them.
_ANSI_STYLES = {
    **_STYLES,
    Tone.WARN: "bold $text-warning",
    Tone.BAD: "bold reverse $text-error",
}


def content_line(cells: Iterable[Cell], *, is_ansi: bool = False) -> Content:
    """Return cells as one line; `is_ansi` for a terminal with 16 colours or none."""
    styles = _ANSI_STYLES if is_ansi else _STYLES
    return Content.assemble(*((cell.text, styles[cell.tone]) for cell in cells))


def content_lines(lines: Iterable[Iterable[Cell]]) -> Content:
    """Return lines of cells as one text."""
    return Content("\n").join(content_line(line) for line in lines)
