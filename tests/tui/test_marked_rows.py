"""Marked rows: every action is about all of them, by its key and from the menu."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from fakes.dashboard import (
    FakeBackend,
    a_service,
    an_instance,
    run_app,
    screen_text,
    until,
    until_shown,
)
from fakes.flows import FakeFlows, a_toolbox, instance_document, service_document
from textual.pilot import Pilot
from textual.widgets import Button

from odbctl.tui.app import DashboardApp
from odbctl.tui.dialogs import ConfirmDialog, CountDialog, DeafDialog, TypedDialog
from odbctl.tui.flows.menu import services_menu
from odbctl.tui.flows.menu_dialog import ActionsDialog
from odbctl.tui.flows.orders import Order, OrderVerb
from odbctl.tui.flows.plan_dialog import PlanDialog
from odbctl.tui.flows.ref_dialog import RefDialog
from odbctl.tui.flows.release_dialog import ReleaseDialog
from odbctl.tui.flows.watch_screen import WatchScreen
from odbctl.tui.logs.screen import LogScreen
from odbctl.tui.snapshot import DashboardSnapshot, ManagerState

Scenario = Callable[[Pilot[None], DashboardApp], Awaitable[None]]
NAMES = ("api", "job", "web")


def run(scenario: Scenario) -> tuple[FakeFlows, FakeBackend]:
    """Run a scenario in which the services api and job are marked, and web is selected."""
    flows = FakeFlows()
    flows.documents = {name: service_document(name) for name in NAMES}
    for name, document in flows.documents.items():
        document["instances"] = [instance_document(f"{name}-1")]
    snapshot = DashboardSnapshot(
        home="/srv/odbctl",
        manager=ManagerState.RUNNING,
        services=tuple(a_service(name) for name in NAMES),
        instances=tuple(an_instance(f"{name}-1") for name in NAMES),
    )
    backend = FakeBackend(snapshot)

    async def ready(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "job")
        await pilot.press("space", "space")
        await until_shown(pilot, app, "2 marked")
        await scenario(pilot, app)

    run_app(backend, ready, size=(110, 30), toolbox=a_toolbox(flows))
    return flows, backend


async def hearing(pilot: Pilot[None], app: DashboardApp, kind: type[object]) -> None:
    """Wait for a dialog that takes keys."""

    def is_ready() -> bool:
        front = app.screen
        return isinstance(front, kind) and not (isinstance(front, DeafDialog) and front.is_deaf)

    await until(pilot, is_ready)


async def opened_menu(pilot: Pilot[None], app: DashboardApp) -> None:
    await pilot.press("a")
    await until_shown(pilot, app, "SIGKILL to 2 instances")
    await hearing(pilot, app, ActionsDialog)
    assert "Actions of 2 services: api, job" in screen_text(app)


async def confirmed(pilot: Pilot[None], app: DashboardApp) -> None:
    await hearing(pilot, app, ConfirmDialog)
    await pilot.press("right", "enter")


async def agreed(pilot: Pilot[None], app: DashboardApp, title: str) -> None:
    """Agree to the plan with a title."""
    await until_shown(pilot, app, title)
    button = app.screen.query_one("#confirm", Button)
    await until(pilot, lambda: not button.disabled)
    await pilot.press("right", "enter")


@pytest.mark.parametrize("from_menu", [False, True], ids=["key", "menu"])
@pytest.mark.parametrize("key", ["x", "r"])
def test_an_order_is_about_all_marked_services(key: str, from_menu: bool) -> None:
    verb = {"x": OrderVerb.STOP, "r": OrderVerb.RESTART}[key]

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        if from_menu:
            await opened_menu(pilot, app)
        await pilot.press(key)
        await until_shown(pilot, app, f"{verb.capitalize()} 2 services?")
        assert "api, job" in screen_text(app)
        await confirmed(pilot, app)
        await until_shown(pilot, app, "2 done")

    flows, _ = run(scenario)
    assert flows.orders == [Order(verb=verb, targets=("api", "job"))]


def test_the_menu_kills_the_instances_of_all_marked_services() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await opened_menu(pilot, app)
        await pilot.press("K")
        await hearing(pilot, app, TypedDialog)
        assert "api-1, job-1" in screen_text(app)
        await pilot.press(*"kill", "enter")
        await until_shown(pilot, app, "2 done")

    flows, _ = run(scenario)
    assert flows.orders == [Order(verb=OrderVerb.KILL_INSTANCE, targets=("api-1", "job-1"))]


def test_key_and_menu_scale_and_lock_all_marked_services() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await pilot.press("equals_sign")
        await until(pilot, lambda: isinstance(app.screen, CountDialog))
        await pilot.press("5", "enter")
        await until_shown(pilot, app, "2 done")
        await opened_menu(pilot, app)
        await pilot.press("equals_sign")
        await until(pilot, lambda: isinstance(app.screen, CountDialog))
        await pilot.press("4", "enter")
        await opened_menu(pilot, app)
        await pilot.press("L")
        await until_shown(pilot, app, "lock api: done")

    flows, _ = run(scenario)
    both = ("api", "job")
    assert flows.orders == [
        Order(verb=OrderVerb.SCALE, targets=both, count=5),
        Order(verb=OrderVerb.SCALE, targets=both, count=4),
        Order(verb=OrderVerb.LOCK, targets=both),
    ]


@pytest.mark.parametrize("from_menu", [False, True], ids=["key", "menu"])
def test_a_deploy_shows_a_plan_for_each_marked_service(from_menu: bool) -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        if from_menu:
            await opened_menu(pilot, app)
        await pilot.press("D")
        await hearing(pilot, app, RefDialog)
        await until_shown(pilot, app, "Deploy 2 services api, job: choose a ref")
        await pilot.press(*"v1", "enter")
        await agreed(pilot, app, "Deploy v1 to api (1 more to follow)")
        await agreed(pilot, app, "Deploy v1 to job ")
        await until(pilot, lambda: isinstance(app.screen, WatchScreen))

    flows, _ = run(scenario)
    assert flows.planned == ["api v1", "job v1"]
    assert [plan.service for plan in flows.carried_out] == ["api", "job"]


def test_a_plan_that_is_turned_down_ends_the_deploys_behind_it() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await pilot.press("D")
        await hearing(pilot, app, RefDialog)
        await pilot.press(*"v1", "enter")
        await hearing(pilot, app, PlanDialog)
        await pilot.press("escape")
        await until_shown(pilot, app, "2 marked")

    flows, _ = run(scenario)
    assert flows.planned == ["api v1"]
    assert not flows.carried_out


@pytest.mark.parametrize("from_menu", [False, True], ids=["key", "menu"])
def test_a_roll_back_asks_for_the_release_of_each_marked_service(from_menu: bool) -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        if from_menu:
            await opened_menu(pilot, app)
        await pilot.press("B")
        for name in ("api", "job"):
            await until_shown(pilot, app, f"Roll {name} back: choose a release")
            await hearing(pilot, app, ReleaseDialog)
            await until_shown(pilot, app, "superseded")
            await pilot.press("enter")
            await agreed(pilot, app, f"Roll {name} back to release 3")
        await until(pilot, lambda: isinstance(app.screen, WatchScreen) or app.screen.is_modal)

    flows, _ = run(scenario)
    assert flows.planned == ["api 3", "job 3"]


@pytest.mark.parametrize(("key", "is_previous"), [("l", False), ("p", True)])
def test_the_logs_of_marked_services_are_merged(key: str, is_previous: bool) -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await pilot.press(key)
        await until_shown(pilot, app, "api, job logs")
        assert isinstance(app.screen, LogScreen)

    _, backend = run(scenario)
    (request,) = {r for r in backend.logs["api"].requests if r.also}
    assert (request.names, request.is_previous) == (("api", "job"), is_previous)


def test_the_logs_of_marked_instances_are_merged() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await pilot.press("3")
        await until_shown(pilot, app, "web-1")
        await pilot.press("space", "j", "space", "l")
        await until_shown(pilot, app, "api-1, web-1 logs")

    _, backend = run(scenario)
    (request,) = {r for r in backend.logs["api"].requests if r.also}
    assert request.names == ("api-1", "web-1")


def test_an_action_that_one_marked_service_can_take_is_offered() -> None:
    stopped = service_document("job", target_count=0, instances=[])
    items = {i.key: i for i in services_menu([service_document("api"), stopped])}
    assert not items[OrderVerb.START].refusal
    assert not items[OrderVerb.STOP].refusal
    assert items[OrderVerb.KILL_INSTANCE].note == "SIGKILL to 2 instances"
    assert services_menu([stopped, stopped])[1].refusal == "it is stopped"
