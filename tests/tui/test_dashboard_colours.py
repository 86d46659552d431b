"""The colours that say something, in both themes, as they reach the terminal."""

from __future__ import annotations

import colorsys
from functools import partial
from typing import Any, cast

import pytest
from fakes.dashboard import FakeBackend, a_service, a_snapshot, run_app, until, until_shown
from fakes.full_home import SERVICES, full_backend, full_toolbox
from fakes.pictures import Drawn, contrast, drawn_in, drawn_text
from rich.style import Style
from textual.pilot import Pilot
from textual.theme import Theme

from odbctl.engine.api.log_pages import PageLine
from odbctl.tui.app import DashboardApp
from odbctl.tui.logs.layout import LANE_COLOURS
from odbctl.tui.logs.screen import LogScreen
from odbctl.tui.logs.view import LogView
from odbctl.tui.messages import NoticeRaised
from odbctl.tui.snapshot import ManagerState
from odbctl.tui.theme import ANSI, DARK, LIGHT, lane_colours

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
    await pilot.press("k")  # the line under the cursor has the cursor's colours
    await until_shown(pilot, app, "paused")
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
    checked: list[str] = []

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
                    checked.append(drawn.text)
                    if ratio < READABLE:
                        dim[told_style(drawn.style)] = round(ratio, 1)

    run_app(full_backend(), scenario, size=SIZE, toolbox=full_toolbox(theme))
    assert len(checked) > 20 * len(SERVICES)
    assert not dim


@pytest.mark.parametrize("theme", THEMES)
def test_what_was_searched_for_is_readable(theme: str) -> None:
    ratios: dict[str, float] = {}

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "as JSON")
        await pilot.press("g", "l")
        await until_shown(pilot, app, "following")
        await pilot.press("slash", *"request 3", "enter")
        await until_shown(pilot, app, "2 of 11")
        here, there = (
            drawn_text(app, "request 3", row="request 30"),
            drawn_text(app, "request 3", row="request 31"),
        )
        assert told(here) != told(there)
        ratios.update({told(drawn): contrast(drawn[0].style) for drawn in (here, there)})

    run_app(full_backend(), scenario, size=SIZE, toolbox=full_toolbox(theme))
    assert len(ratios) == 2
    assert min(ratios.values()) >= READABLE, ratios


def is_other(view: LogView, line: PageLine | None) -> bool:
    """Return whether another line of a log is under the cursor now."""
    return view.frame.current != line


async def cursor_lines_of(pilot: Pilot[None], app: DashboardApp) -> list[list[Drawn]]:
    """Return each line of a log as it is drawn under the cursor."""
    await until_shown(pilot, app, "as JSON")
    await pilot.press("g", "l")
    await until_shown(pilot, app, "following")
    assert isinstance(app.screen, LogScreen)
    view = app.screen.panel.view
    await pilot.press("g")
    await until(pilot, lambda: not view.frame.is_following)
    lines: list[list[Drawn]] = []
    while not view.frame.is_following:
        await pilot.pause()
        y, current = view.region.y + view.frame.cursor_lines[0], view.frame.current
        line = [drawn for drawn in drawn_in(app) if drawn.y == y and drawn.text.strip()]
        # The mark of the place in the log is beside the line.
        lines.append([drawn for drawn in line if drawn.text != "\N{RIGHT HALF BLOCK}"])
        await pilot.press("j")
        await until(pilot, partial(is_other, view, current))
    return lines


@pytest.mark.parametrize("theme", THEMES)
def test_the_line_under_the_cursor_of_a_log_stands_out_and_is_readable(theme: str) -> None:
    lines: list[list[Drawn]] = []

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        lines.extend(await cursor_lines_of(pilot, app))

    run_app(full_backend(), scenario, size=SIZE, toolbox=full_toolbox(theme))
    assert len(lines) > 10
    wanted = WANTED[theme]["cursor row"]
    grounds = {told_style(drawn.style).removeprefix("bold ") for line in lines for drawn in line}
    assert {ground.rpartition(" on ")[2] for ground in grounds} == {wanted.rpartition(" on ")[2]}
    assert min(contrast(drawn.style) for line in lines for drawn in line) >= READABLE


def test_the_line_under_the_cursor_of_a_log_is_reversed_in_16_colours() -> None:
    lines: list[list[Drawn]] = []

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        lines.extend(await cursor_lines_of(pilot, app))

    run_app(full_backend(), scenario, size=SIZE, toolbox=full_toolbox("ansi"))
    assert len(lines) > 10
    assert all(drawn.style.reverse for line in lines for drawn in line)


def test_what_is_wrong_with_all_of_it_is_reversed_in_16_colours() -> None:
    found: dict[str, Style] = {}

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        app.post_message(NoticeRaised("the deploy failed"))
        for text in ("No manager is running", "the deploy failed"):
            await until_shown(pilot, app, text)
            found[text] = drawn_text(app, text)[0].style

    snapshot = a_snapshot(a_service("api"), manager=ManagerState.STOPPED)
    run_app(FakeBackend(snapshot), scenario, size=SIZE, toolbox=full_toolbox("ansi"))
    assert all(style.bold and style.reverse for style in found.values())


def hue_of(colour: str) -> float:
    """Return the hue of `#rrggbb`, from 0 to 360."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return colorsys.rgb_to_hsv(red, green, blue)[0] * 360


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_lanes_are_readable_and_far_from_warnings_and_errors(theme: Theme) -> None:
    assert theme.warning is not None
    assert theme.error is not None
    assert theme.background is not None
    lanes = lane_colours(theme.name)
    assert len(set(lanes)) == LANE_COLOURS
    for lane in lanes:
        assert contrast(Style(color=lane, bgcolor=theme.background)) >= READABLE
        for meaning in (theme.warning, theme.error):
            distance = abs(hue_of(lane) - hue_of(meaning))
            assert min(distance, 360 - distance) > 40, (lane, meaning)


def test_lanes_of_16_colours_leave_out_those_of_warnings_and_errors() -> None:
    lanes = lane_colours(ANSI.name)
    assert len(set(lanes)) == LANE_COLOURS
    assert not any("red" in lane or "yellow" in lane for lane in lanes)


async def faults_of(pilot: Pilot[None], app: DashboardApp) -> dict[str, Style]:
    """Return how faults are drawn, by their text; and the marks of levels in a log."""
    await until_shown(pilot, app, "as JSON")
    await pilot.press("G")
    found = {
        text: drawn_text(app, text)[0].style for text in ("✖ crash-loop", "▲ degraded", "● running")
    }
    await pilot.press("g", "l")
    await until_shown(pilot, app, "following")
    for row, letter in (("Traceback", "E"), ("the cache is cold", "W"), ("as JSON", "I")):
        found[letter] = drawn_text(app, letter, row=row)[0].style
    colours = {drawn.style.color for drawn in drawn_in(app)} - {None}
    found |= {f"colour {colour.name}": Style(color=colour) for colour in colours if colour}
    return found


@pytest.mark.parametrize("environ", [{"TERM": "xterm"}, {"NO_COLOR": "1"}], ids=str)
def test_faults_stand_out_with_16_colours_and_with_none(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "COLORTERM", "COLORFGBG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    found: dict[str, Style] = {}

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        found.update(await faults_of(pilot, app))

    run_app(full_backend(), scenario, size=SIZE, toolbox=full_toolbox("auto"))
    for fault in ("✖ crash-loop", "E"):
        assert found[fault].bold
        assert found[fault].reverse
    for warning in ("▲ degraded", "W"):
        assert found[warning].bold
        assert not found[warning].reverse
    for usual in ("● running", "I"):
        assert not found[usual].bold
        assert not found[usual].reverse
    colours = {name for name in found if name.startswith("colour ")}
    if "NO_COLOR" in environ:
        assert colours <= {"colour default"}
    else:
        numbers = {found[name].color for name in colours}
        assert all(c is not None and (c.is_default or (c.number or 0) < 16) for c in numbers)
        assert len(numbers) > 3
