"""Pictures of a screen: SVG as it comes, plain text, or PNG through a converter that is there.

No converter is brought along: a PNG is drawn by one of those that systems package.
"""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from odbctl.errors import OdbctlError, UsageError

KINDS = (".svg", ".txt", ".png")
CONVERT_SECONDS = 60.0
# A cell of the SVG is so wide, in its own units.
_CELL_WIDTH = 12.2
_TEXT = re.compile(
    r'<text class="[^"]*-r\d+" x="([\d.]+)" y="[\d.]+" textLength="[\d.]+" '
    r'clip-path="url\(#[^)]*-line-(\d+)\)">(.*?)</text>',
    re.DOTALL,
)
_PLACED = re.compile(
    r'(<text class="[^"]*" x=")([\d.]+)(" y="[\d.]+" textLength=")([\d.]+)("[^>]*>)(.*?)</text>',
    re.DOTALL,
)
_BLANK = "&#160;"
_GAPS = re.compile(rf"(^(?:{_BLANK})+|(?:{_BLANK}){{2,}}|(?:{_BLANK})+$)")
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)

# Finds a program on the path.
Find = Callable[[str], str | None]
# By program, the words that turn one file into another. The first that is there is taken.
_CONVERTERS: Mapping[str, Callable[[str, str], list[str]]] = {
    "rsvg-convert": lambda svg, png: ["rsvg-convert", "--output", png, svg],
    "resvg": lambda svg, png: ["resvg", svg, png],
    "inkscape": lambda svg, png: ["inkscape", "--export-type=png", f"--export-filename={png}", svg],
    "magick": lambda svg, png: ["magick", svg, png],
}


def check_picture(path: Path, *, find: Find = shutil.which) -> None:
    """Refuse a picture that cannot be made, before anything is drawn.

    Raises:
        UsageError: Its ending means nothing, or nothing here makes a PNG.
    """
    if path.suffix not in KINDS:
        raise UsageError(
            f"unknown picture format {path.suffix!r}", hint=f"one of {' '.join(KINDS)}"
        )
    if path.suffix == ".png" and _converter(find) is None:
        raise UsageError(
            "no program to convert a picture to PNG was found",
            hint=f"install one of {', '.join(_CONVERTERS)}, or write a .svg",
        )


def write_picture(
    svg: str, path: Path, *, find: Callable[[str], str | None] = shutil.which
) -> None:
    """Write a picture of a screen, by the ending of its path; whole, or not at all.

    Raises:
        OdbctlError: The file cannot be written, or the converter failed.
    """
    plain = without_fonts(svg)
    try:
        if path.suffix == ".png":
            _write_png(plain, path, find)
        else:
            text = svg_text(svg) if path.suffix == ".txt" else plain
            path.write_text(text, "utf-8")
    except OSError as error:
        raise OdbctlError(f"cannot write {path}: {error.strerror}") from error


def without_fonts(svg: str) -> str:
    """Return the picture without fonts from elsewhere: viewers that show pictures fetch none.

    Gaps become places: some viewers leave blanks out, and letters of another width would drift.
    """
    return _PLACED.sub(_placed, _FONTS.sub("", svg))


def _placed(found: re.Match[str]) -> str:
    """Return a text as one for each stretch without gaps, each at its own place."""
    from rich.cells import cell_len

    head, x, middle, _width, tail, text = found.groups()
    at, placed = float(x), ""
    for part in _GAPS.split(text):
        width = _CELL_WIDTH * cell_len(html.unescape(part))
        if part.replace(_BLANK, ""):
            placed += f"{head}{at:g}{middle}{width:g}{tail}{part}</text>"
        at += width
    return placed


def svg_text(svg: str) -> str:
    """Return what a picture of a terminal says, line by line."""
    lines: dict[int, dict[float, str]] = {}
    for x, line, text in _TEXT.findall(svg):
        lines.setdefault(int(line), {})[float(x)] = html.unescape(text)
    count = max(lines, default=-1) + 1
    return "".join(f"{_joined(lines.get(number, {}))}\n" for number in range(count))


def _joined(parts: Mapping[float, str]) -> str:
    from rich.cells import cell_len

    line = ""
    for x in sorted(parts):
        line += " " * (round(x / _CELL_WIDTH) - cell_len(line))
        line += parts[x].replace("\xa0", " ")
    return line.rstrip()


def _converter(find: Find) -> str | None:
    return next((name for name in _CONVERTERS if find(name)), None)


def _write_png(svg: str, path: Path, find: Find) -> None:
    name = _converter(find)
    if name is None:
        check_picture(path, find=find)
        return
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        source, target = os.path.join(folder, "screen.svg"), os.path.join(folder, "screen.png")
        Path(source).write_text(svg, "utf-8")
        said = subprocess.run(
            _CONVERTERS[name](source, target),
            check=False,
            capture_output=True,
            text=True,
            timeout=CONVERT_SECONDS,
        )
        if said.returncode != 0 or not os.path.isfile(target):
            reason = said.stderr.strip().splitlines()[-1:] or [f"exit code {said.returncode}"]
            raise OdbctlError(f"{name} could not make {path}: {reason[0]}", hint="write a .svg")
        os.replace(target, path)
