"""The screens, compared with the files in `screens`: as text, size by size and state by state,
and two of them in the colours of both themes.

`ODBCTL_UPDATE_SCREENS=1 pytest tests/tui/test_dashboard_matrix.py` writes the files
anew; look at what changed before it is committed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import pytest
from fakes.dashboard import run_app, until, until_shown
from fakes.full_home import EMPTY, HOME, MANY, full_backend, full_toolbox
from fakes.pictures import SCREENS, compare
from textual.pilot import Pilot
from textual.widgets import Button

from odbctl.errors import StoreError
from odbctl.tui.app import DashboardApp
from odbctl.tui.dialogs import DeafDialog
from odbctl.tui.snapshot import DashboardSnapshot, ManagerState

Size = tuple[int, int]
SIZES = ((80, 24), (120, 40), (200, 60))
TOUR_SIZES = SIZES[:2]
COLOURS = SIZES[0]
THEMES = ("dark", "light")
STATES: dict[str, tuple[DashboardSnapshot, str]] = {
    "normal": (HOME, "as JSON"),
    "empty": (EMPTY, "odbctl demo"),
    "500-services": (replace(HOME, services=MANY), "as JSON"),
    "manager-down": (replace(HOME, manager=ManagerState.STOPPED), "as JSON"),
    "unreadable": (HOME, "Cannot read the home"),
}


class Stop(NamedTuple):
    """A picture of a tour: the keys that lead there, and what is then on the screen."""

    name: str
    keys: Sequence[str]
    text: str
    is_deaf: bool = False


TOUR = (
    Stop("overview", ["1"], "last events"),
    Stop("instances", ["3"], "HEALTH"),
    Stop("hosts", ["4"], "gpu-"),
    Stop("codebases", ["5"], "BEHIND"),
    Stop("events", ["6"], "unhealthy"),
    Stop("aws", ["7"], "m7i.large"),
    Stop("deploys", ["8"], "superseded"),
    Stop("yaml", ["y"], "kind: deploys"),
    Stop("detail-summary", ["escape", "2", "enter"], "3 wanted, 3 running"),
    Stop("detail-logs", ["2"], "as JSON"),
    Stop("detail-events", ["3"], "unhealthy"),
    Stop("detail-metrics", ["4"], "RSS"),
    Stop("detail-config", ["5"], "DATABASE_URL"),
    Stop("detail-releases", ["6"], "superseded"),
    Stop("log", ["l"], "following"),
    Stop("help", ["escape", "escape", "question_mark"], "This screen"),
    Stop("confirm", ["escape", "x"], "Stop api: 3 instances", is_deaf=True),
    Stop("actions", ["escape", "a"], "replace each instance", is_deaf=True),
    Stop("refs", ["escape", "D"], "runs now", is_deaf=True),
    Stop("plan", ["enter"], "Deploy api: 2 instances", is_deaf=True),
    Stop("watch", ["right", "enter"], "cache is cold"),
)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Show times as they are in UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def text_of(text: str, size: Size) -> str:
    """Return what shows that everything was read; low terminals have no log pane."""
    return "ready" if text == "as JSON" and size[1] < 32 else text


def name_of(screen: str, size: Size, state: str = "normal", kind: str = "txt") -> str:
    return f"{screen}-{size[0]}x{size[1]}-{state}.{kind}"


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_services_screen(size: Size, state: str) -> None:
    snapshot, text = STATES[state]
    backend = full_backend(snapshot)
    differences: list[str] = []

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        if state == "unreadable":
            await until_shown(pilot, app, text_of("as JSON", size))
            backend.failure = StoreError("the disk is gone", hint="look for it")
            backend.wake()
        await until_shown(pilot, app, text_of(text, size))
        differences.append(await compare(pilot, app, name_of("services", size, state)))

    run_app(backend, scenario, size=size, toolbox=full_toolbox())
    assert differences == [""], "\n".join(differences)


@pytest.mark.parametrize("size", TOUR_SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_tour_of_all_screens(size: Size) -> None:
    differences: list[str] = []

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, text_of("as JSON", size))
        for stop in TOUR:
            for key in stop.keys:
                await pilot.press(key)
            await until_shown(pilot, app, stop.text)
            if stop.is_deaf:
                await hears(pilot, app)
            differences.append(await compare(pilot, app, name_of(stop.name, size)))

    run_app(full_backend(), scenario, size=size, toolbox=full_toolbox())
    assert not any(differences), "\n".join(filter(None, differences))


@pytest.mark.parametrize("theme", THEMES)
def test_the_colours_of_services_and_logs(theme: str) -> None:
    differences: list[str] = []

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, text_of("as JSON", COLOURS))
        await pilot.press("space", "j", "j")
        await until_shown(pilot, app, "1 marked")
        differences.append(await compare(pilot, app, name_of("services", COLOURS, theme, "svg")))
        await pilot.press("g", "l")
        await until_shown(pilot, app, "following")
        differences.append(await compare(pilot, app, name_of("log", COLOURS, theme, "svg")))

    run_app(full_backend(), scenario, size=COLOURS, toolbox=full_toolbox(theme))
    assert differences == ["", ""], "\n".join(differences)


async def hears(pilot: Pilot[None], app: DashboardApp) -> None:
    """Let a dialog hear keys, and its plan be agreed to."""
    dialog = app.screen
    assert isinstance(dialog, DeafDialog)
    dialog.listen()
    await until(pilot, lambda: not any(b.disabled for b in dialog.query(Button)))


def test_every_file_is_a_picture_of_some_case() -> None:
    cases = {name_of("services", size, state) for size in SIZES for state in STATES}
    cases |= {name_of(stop.name, size) for size in TOUR_SIZES for stop in TOUR}
    cases |= {name_of(s, COLOURS, t, "svg") for s in ("services", "log") for t in THEMES}
    assert {path.name for path in SCREENS.iterdir()} == cases
