r"""Text of a log as runs of one style: colours are kept, all else that steers is not. Pure.

Of escape sequences only SGR (ECMA-48, 8.3.117: `ESC [ ... m`) means something here; the
others are dropped. What is left of control characters is shown as its escape.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rich.cells import cell_len

TAB_CELLS = 8
_SEQUENCE = re.compile(
    r"\x1b\[([0-9;:]*)m|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]|\x9b[0-?]*[ -/]*[@-~]"
)
# Marks that turn the direction of writing, joiners of nothing: they hide what is there.
_HIDDEN = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)
_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_MARKS = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse", 9: "strike"}
_ENDS = {
    22: ("bold", "dim"),
    23: ("italic",),
    24: ("underline",),
    27: ("reverse",),
    29: ("strike",),
}


class Run(NamedTuple):
    """A text and its style: a name of the viewer's, or a Rich style behind `ansi:`."""

    text: str
    style: str = ""


def runs_of(text: str) -> list[Run]:
    """Return the runs of one line; of one that was overwritten, as it stood at last."""
    if text.isprintable():
        return [Run(text)] if text else []
    runs: list[Run] = []
    state: dict[str, str] = {}
    at = 0
    for found in _SEQUENCE.finditer(text):
        if found.start() > at:
            runs.append(Run(text[at : found.start()], _style(state)))
        if found[1] is not None:
            _apply(state, found[1])
        at = found.end()
    if at < len(text):
        runs.append(Run(text[at:], _style(state)))
    return _tabbed(_last_state(runs))


def plain(text: str) -> str:
    """Return the text of one line without its escapes, as it is shown."""
    return "".join(run.text for run in runs_of(text))


def _last_state(runs: list[Run]) -> list[Run]:
    """Keep what stands behind the last carriage return, as a terminal would show it."""
    if runs and runs[-1].text.endswith("\r"):
        runs[-1] = Run(runs[-1].text.rstrip("\r"), runs[-1].style)
    for place in range(len(runs) - 1, -1, -1):
        before, mark, after = runs[place].text.rpartition("\r")
        if mark and (after or place < len(runs) - 1):
            return [Run(after, runs[place].style), *runs[place + 1 :]]
        if mark:
            runs[place] = Run(before, runs[place].style)
    return runs


def _tabbed(runs: list[Run]) -> list[Run]:
    column = 0
    made: list[Run] = []
    for run in runs:
        pieces: list[str] = []
        for place, piece in enumerate(run.text.split("\t")):
            if place:
                pieces.append(" " * (TAB_CELLS - column % TAB_CELLS))
                column += len(pieces[-1])
            shown = _HIDDEN.sub(_escaped, piece)
            pieces.append(shown)
            column += len(shown) if shown.isascii() else cell_len(shown)
        if text := "".join(pieces):
            made.append(Run(text, run.style))
    return made


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def _style(state: dict[str, str]) -> str:
    return "ansi:" + " ".join(state.values()) if state else ""


def _apply(state: dict[str, str], words: str) -> None:
    codes = [int(word) if word.isdigit() else 0 for word in re.split("[;:]", words)][:32]
    place = 0
    while place < len(codes):
        code = codes[place]
        if code in (38, 48):
            place += _extended(state, "fg" if code == 38 else "bg", codes[place + 1 : place + 5])
        else:
            _apply_one(state, code)
        place += 1


def _apply_one(state: dict[str, str], code: int) -> None:
    if code == 0:
        state.clear()
    elif code in _MARKS:
        state[_MARKS[code]] = _MARKS[code]
    elif code in _ENDS:
        for name in _ENDS[code]:
            state.pop(name, None)
    elif code in (39, 49):
        state.pop("fg" if code == 39 else "bg", None)
    else:
        tens, colour = divmod(code, 10)
        if colour < len(_COLOURS) and tens in (3, 4, 9, 10):
            bright = "bright_" if tens >= 9 else ""
            _colour(state, "fg" if tens in (3, 9) else "bg", f"{bright}{_COLOURS[colour]}")


def _extended(state: dict[str, str], layer: str, codes: list[int]) -> int:
    """Apply a colour of 256, or of all; return how many codes it took."""
    match codes:
        case [5, number, *_]:
            _colour(state, layer, f"color({min(number, 255)})")
            return 2
        case [2, red, green, blue]:
            levels = (min(level, 255) for level in (red, green, blue))
            _colour(state, layer, "#{:02x}{:02x}{:02x}".format(*levels))
            return 4
        case _:
            return len(codes)


def _colour(state: dict[str, str], layer: str, name: str) -> None:
    state[layer] = name if layer == "fg" else f"on {name}"
