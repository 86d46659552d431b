"""The colours that say something, in both themes, as they reach the terminal."""

from __future__ import annotations

from typing import Any, cast

import pytest
from fakes.dashboard import run_app, until, until_shown
from fakes.full_home import SERVICES, full_backend, full_toolbox
from fakes.pictures import Drawn, contrast, drawn_in, drawn_text
from rich.style import Style
from textual.pilot import Pilot

from odbctl.tui.app import DashboardApp
from odbctl.tui.logs.screen import LogScreen

SIZE = (120, 40)
# What is readable at any size (WCAG 2, level AA).
READABLE = 4.5
THEMES = ("dark", "light")
WANTED = {
    "dark": {
        "failed": "bold #ef9ca7 on #12161c",
        "warning": "#edce9a on #12161c",
        "cursor row": "#d7dce4 on #263f58",
        "marked row": "bold #8fced6 on #12161c",
        "log line of a program's colour": "#f4005f on #12161c",
        "log line of an error": "#ef9ca7 on #12161c",
        "match": "bold #12161c on #e4b567",
    },
    "light": {
        "failed": "bold #761928 on #f7f8fa",
        "warning": "#654000 on #f7f8fa",
        "cursor row": "#1d232b on #afc7e0",
        "marked row": "bold #09515b on #f7f8fa",
        "log line of a program's colour": "#aa3731 on #f7f8fa",
        "log line of an error": "#761928 on #f7f8fa",
        "match": "bold #f7f8fa on #996200",
    },
}


def told(drawn: list[Drawn]) -> str:
    """Return how a text is drawn, all of it alike, as `bold #ff0000 on #000000`."""
    styles = {told_style(character.style) for character in drawn}
    assert len(styles) == 1, f"{''.join(d.text for d in drawn)!r} is drawn in {styles}"
    return styles.pop()


def told_style(style: Style) -> str:
    assert style.color is not None
    assert style.bgcolor is not None
    words = [word for word in ("bold", "dim", "reverse", "underline") if getattr(style, word)]
    return " ".join([*words, style.color.name, "on", style.bgcolor.name])


async def styles_of(pilot: Pilot[None], app: DashboardApp) -> dict[str, str]:
    """Return how everything is drawn that has a colour of its own."""
    await until_shown(pilot, app, "as JSON")
    await pilot.press("space", "j")
    await until_shown(pilot, app, "1 marked")
    found = {
        "failed": told(drawn_text(app, "✖ crash-loop")),
        "warning": told(drawn_text(app, "▲ degraded", row="billing")),
        "cursor row": told(drawn_text(app, "feature/[link=x…")),
        "marked row": told(drawn_text(app, "▎")),
    }
    await pilot.press("g", "l")
    await until(pilot, lambda: isinstance(app.screen, LogScreen))
    await until_shown(pilot, app, "following")
    found["log line of a program's colour"] = told(drawn_text(app, "red", row="and bold"))
    found["log line of an error"] = told(drawn_text(app, "Traceback"))
    await pilot.press("slash", *"stays", "enter")
    await until_shown(pilot, app, "1 of 1")
    found["match"] = told(drawn_text(app, "stays", row="[link="))
    return found


@pytest.mark.parametrize("theme", THEMES)
def test_what_has_a_meaning_has_its_colour(theme: str) -> None:
    found: dict[str, str] = {}

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        found.update(await styles_of(pilot, app))

    run_app(full_backend(), scenario, size=SIZE, toolbox=full_toolbox(theme))
    assert found == WANTED[theme]


@pytest.mark.parametrize("theme", THEMES)
def test_all_text_of_the_cursor_row_is_readable(theme: str) -> None:
    dim: dict[str, float] = {}

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "as JSON")
        table = cast("Any", app.screen).table
        for place in range(len(SERVICES)):
            table.move_to(place)
            await pilot.pause()
            line = table.region.y + 1 + place
            for drawn in drawn_in(app):
                if drawn.y == line and drawn.text.isprintable() and not drawn.text.isspace():
                    ratio = contrast(drawn.style)
                    if ratio < READABLE:
                        dim[told_style(drawn.style)] = round(ratio, 1)

    run_app(full_backend(), scenario, size=SIZE, toolbox=full_toolbox(theme))
    assert not dim
