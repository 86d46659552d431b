"""A day with the dashboard over a real home, from the keyboard alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from fakes.dashboard import until, until_shown
from real_world import World, is_running
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Button

from odbctl.tui.app import DashboardApp
from odbctl.tui.dialogs import DeafDialog
from odbctl.tui.flows.lists import ListDialog
from odbctl.tui.opening import Options, make_app
from odbctl.tui.views import View


def source(version: int) -> str:
    return f"""
class Svc(ServiceBase):
    def initialize(self):
        print("version {version} is here", flush=True)
"""


def hears(dialog: DeafDialog[Any]) -> Callable[[], bool]:
    return lambda: not dialog.is_deaf


def has_rows(dialog: Screen[Any]) -> Callable[[], object]:
    return lambda: cast("Any", dialog).table.rows


class Person:
    """Presses keys, and looks at the screen."""

    def __init__(self, pilot: Pilot[None], app: DashboardApp) -> None:
        self.pilot = pilot
        self.app = app

    async def press(self, *keys: str) -> None:
        """Press keys, each once a dialog hears it and its list is there."""
        for key in keys:
            front = self.app.screen
            if isinstance(front, DeafDialog):
                await until(self.pilot, hears(front))
            if isinstance(front, ListDialog):
                await until(self.pilot, has_rows(self.app.screen))
            await self.pilot.press(key)

    async def sees(self, text: str) -> None:
        await until_shown(self.pilot, self.app, text)

    async def confirms(self, text: str) -> None:
        """Agree to what a button says."""
        await self.sees(text)
        button = self.app.screen.query_one("#confirm", Button)
        await until(self.pilot, lambda: not button.disabled)
        await self.pilot.press("right", "enter")

    async def is_back(self, view: View) -> None:
        await until(self.pilot, lambda: getattr(self.app.screen, "view", None) is view)


async def starts_and_scales(person: Person) -> None:
    await person.sees("○ stopped")
    await person.press("u")
    await person.sees("1/1")
    await person.press("equals_sign", "home", "shift+end", "2", "enter")
    await person.sees("2/2")
    await person.press("l")
    await person.sees("version 1 is here")
    await person.press("escape")


async def kills_one(person: Person, world: World) -> None:
    first = world.ready()[0]["id"]
    await person.press("3")
    await person.sees(first)
    await person.press("g", "a")
    await person.sees("SIGKILL to its process group")
    await person.press("K")
    await person.confirms(f"Kill {first}")
    await until(person.pilot, lambda: world.instance(first)["ended_at"] is not None)
    await until(person.pilot, lambda: len(world.ready()) == 2)
    assert first not in {instance["id"] for instance in world.ready()}
    await person.press("2")
    await person.is_back(View.SERVICES)
    await person.sees("2/2")


async def deploys_and_rolls_back(person: Person, world: World) -> None:
    world.commit(source(2))
    await person.press("D")
    await person.sees("enter shows the plan")
    await person.press(*"main", "enter")
    await person.confirms("Deploy svc: 2 instances")
    await person.sees("svc: release 2 is active")
    await person.press("enter", "l")
    await person.sees("version 2 is here")
    await person.press("escape", "B")
    await person.sees("superseded")
    await person.press("enter")
    await person.confirms("Roll back svc: 2 instances")
    await person.sees("svc: release 3 is active")
    await person.press("enter")
    await person.is_back(View.SERVICES)
    assert "version 1 is here" in world.texts(instance=world.ready()[-1]["id"])


async def stops(person: Person, world: World) -> None:
    await person.press("x")
    await person.confirms("Stop service svc?")  # its old instances may still be counted
    await until(person.pilot, lambda: not world.ready())
    await person.sees("○ stopped")


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_day_from_the_keyboard(world: World, size: tuple[int, int]) -> None:
    world.service(source(1))
    world.another("zeta", count=0)
    world.start("zeta", count=1)
    (bystander,) = world.wait_running("zeta", 1)

    async def run() -> None:
        app = make_app(world.home, Options())
        async with app.run_test(size=size) as pilot:
            person = Person(pilot, app)
            await starts_and_scales(person)
            await kills_one(person, world)
            await deploys_and_rolls_back(person, world)
            await stops(person, world)
            await person.press("q")

    asyncio.run(run())
    assert bystander["pid"] is not None
    assert is_running(bystander["pid"])
    assert is_running(world.manager_pid())
    assert [i["id"] for i in world.ready("zeta")] == [bystander["id"]]
