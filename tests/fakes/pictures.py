"""What the terminal shows, cell by cell, and comparing it with files of text."""

from __future__ import annotations

import difflib
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from fakes.dashboard import screen_lines, strips_of, until
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style
from textual.app import App
from textual.pilot import Pilot

from odbctl.tui.picture import without_fonts

# Read before the tests' own environment takes its place.
IS_UPDATING = "ODBCTL_UPDATE_SCREENS" in os.environ
SCREENS = Path(__file__).parent.parent / "tui" / "screens"
STILL_SECONDS = 0.3
PATIENCE_SECONDS = 10.0


class Drawn(NamedTuple):
    """A character on the screen, where it stands, and how it is drawn."""

    x: int
    y: int
    text: str
    style: Style


def picture_of(app: App[None]) -> str:
    """Return the text on the screen; characters of two cells are one of its characters."""
    return "\n".join(screen_lines(app)) + "\n"


def drawn_in(app: App[None]) -> Iterator[Drawn]:
    """Yield every character on the screen."""
    for y, strip in enumerate(strips_of(app)):
        x = 0
        for text, style, _ in strip:
            for character in text:
                yield Drawn(x, y, character, style or Style.null())
                x += cell_len(character)


def drawn_text(app: App[None], text: str, *, row: str = "") -> list[Drawn]:
    """Return the characters of the first place where a text stands, in a line that has `row`.

    Raises:
        AssertionError: It is nowhere.
    """
    lines: dict[int, list[Drawn]] = {}
    for drawn in drawn_in(app):
        lines.setdefault(drawn.y, []).append(drawn)
    for line in lines.values():
        written = "".join(drawn.text for drawn in line)
        if row in written and (place := written.find(text)) >= 0:
            return line[place : place + len(text)]
    raise AssertionError(f"{text!r} is in no line with {row!r}:\n{picture_of(app)}")


def contrast(style: Style) -> float:
    """Return how text stands out from its background, from 1 to 21 (WCAG 2, contrast ratio)."""
    colors = (style.bgcolor, style.color) if style.reverse else (style.color, style.bgcolor)
    one, other = sorted(map(_luminance, colors))
    return (other + 0.05) / (one + 0.05)


def _luminance(color: Color | None) -> float:
    assert color is not None
    assert color.triplet is not None
    parts = [part / 255 for part in color.triplet]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def colours_of(app: App[None]) -> str:
    """Return the screen as an SVG picture, with its colours."""
    return without_fonts(app.export_screenshot())


def told_colours(svg: str) -> str:
    """Return what is drawn in a picture, where and how: not what frames it."""
    styles = dict(re.findall(r"\.[\w-]+-(r\d+) \{ ?([^}]*?) ?\}", svg))
    lines = re.findall(r'<rect (fill="[^"]*" x="[^"]*" y="[^"]*" width="[^"]*")', svg)
    texts = re.findall(r'<text class="[\w-]+-(r\d+)" (x="[^"]*" y="[^"]*")[^>]*>(.*?)</text>', svg)
    return "\n".join([*lines, *(f"{place} {styles[key]} {text}" for key, place, text in texts)])


async def compare(pilot: Pilot[None], app: App[None], name: str) -> str:
    """Wait until the screen is as a file says; return how it is another, if it stays so.

    The ending of the name says whether its text is compared (`.txt`) or its colours (`.svg`).
    With `ODBCTL_UPDATE_SCREENS` set the file is written instead, once the screen is still.
    """
    path = SCREENS / name
    draw, told = (colours_of, told_colours) if path.suffix == ".svg" else (picture_of, str)
    if IS_UPDATING:
        await _until_still(pilot, app, draw)
        path.parent.mkdir(exist_ok=True)
        path.write_text(draw(app), "utf-8")
        return ""
    wanted = told(path.read_text("utf-8")) if path.exists() else ""
    try:
        await until(pilot, lambda: told(draw(app)) == wanted, timeout_seconds=PATIENCE_SECONDS)
    except AssertionError:
        return difference(name, wanted, told(draw(app)))
    return ""


def difference(name: str, wanted: str, found: str) -> str:
    """Return the lines that differ, those that were wanted before those that were found."""
    lines = difflib.unified_diff(
        wanted.splitlines(), found.splitlines(), name, "the screen", lineterm="", n=1
    )
    return "\n".join(lines)


async def _until_still(
    pilot: Pilot[None], app: App[None], draw: Callable[[App[None]], str]
) -> None:
    shown, since = "", time.monotonic()

    def is_still() -> bool:
        nonlocal shown, since
        if (now := draw(app)) != shown:
            shown, since = now, time.monotonic()
        return time.monotonic() - since > STILL_SECONDS

    await until(pilot, is_still)
