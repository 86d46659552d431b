"""Menus, confirmations and orders: driven by keys, over fakes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from fakes.dashboard import (
    FakeBackend,
    a_service,
    a_snapshot,
    run_app,
    screen_text,
    until,
    until_shown,
)
from fakes.flows import FakeFlows, a_toolbox, instance_document, service_document
from textual.pilot import Pilot
from textual.widgets import Input

from odbctl.errors import ConflictError, NotRunningError
from odbctl.tui.app import DashboardApp
from odbctl.tui.dialogs import ConfirmDialog, CountDialog, DeafDialog, TypedDialog
from odbctl.tui.flows.confirmations import confirmation
from odbctl.tui.flows.flow import Flows
from odbctl.tui.flows.menu import instance_menu, service_menu
from odbctl.tui.flows.menu_dialog import ActionsDialog
from odbctl.tui.flows.orders import Order, OrderVerb, names_text, step_text
from odbctl.tui.palette import object_offers
from odbctl.tui.screens.services import ServicesScreen
from odbctl.tui.service_screen import restart_refusal
from odbctl.tui.snapshot import ManagerState

Scenario = Callable[[Pilot[None], DashboardApp], Awaitable[None]]
KILL = OrderVerb.KILL_INSTANCE
WORD = "remove"


def run_flows(
    flows: FakeFlows,
    scenario: Scenario,
    *,
    is_readonly: bool = False,
    manager: ManagerState = ManagerState.RUNNING,
) -> None:
    async def ready(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "billing")
        await scenario(pilot, app)

    backend = FakeBackend(a_snapshot(a_service("api"), a_service("billing"), manager=manager))
    run_app(backend, ready, size=(100, 32), toolbox=a_toolbox(flows), is_readonly=is_readonly)


async def listening(pilot: Pilot[None], app: DashboardApp, kind: type[DeafDialog[Any]]) -> None:
    """Wait for a dialog, and let it hear keys now."""
    await until(pilot, lambda: isinstance(app.screen, kind))
    front = app.screen
    assert isinstance(front, DeafDialog)
    front.listen()
    await pilot.pause()


async def open_menu(pilot: Pilot[None], app: DashboardApp) -> None:
    await pilot.press("a")
    await until_shown(pilot, app, "SIGKILL to 2 instances")
    await listening(pilot, app, ActionsDialog)


def test_the_menu_lists_every_action_and_why_some_cannot_be_done() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await open_menu(pilot, app)
        text = screen_text(app)
        for word in ("start", "deploy", "roll back", "lock", "unlock", "kill", "remove"):
            assert word in text
        assert "it is not a job: its restart policy is always" in text
        await pilot.press("n")
        await until_shown(pilot, app, "run now: it is not a job")
        assert isinstance(app.screen, ActionsDialog)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ServicesScreen))

    run_flows(FakeFlows(), scenario)


@pytest.mark.parametrize(
    ("key", "verb"), [("L", OrderVerb.LOCK), ("x", OrderVerb.STOP), ("r", OrderVerb.RESTART)]
)
def test_an_action_is_done_by_its_key(key: str, verb: OrderVerb) -> None:
    flows = FakeFlows()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await open_menu(pilot, app)
        await pilot.press(key)
        if verb is not OrderVerb.LOCK:
            await listening(pilot, app, ConfirmDialog)
            assert f"{verb.capitalize()} api: 2 instances" in screen_text(app)
            await pilot.press("right", "enter")
        await until_shown(pilot, app, f"● {verb} api: done")

    run_flows(flows, scenario)
    assert flows.orders == [Order(verb=verb, targets=("api",))]


def test_enter_takes_the_action_under_the_cursor() -> None:
    flows = FakeFlows()
    flows.document = service_document(crashes=3)

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await open_menu(pilot, app)
        await pilot.press(*"jjjjj", "enter")
        await until_shown(pilot, app, "● reset api: done")

    run_flows(flows, scenario)


def test_scaling_asks_for_a_count() -> None:
    flows = FakeFlows()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await open_menu(pilot, app)
        await pilot.press("equals_sign")
        await until(pilot, lambda: isinstance(app.screen, CountDialog))
        await pilot.press("home", "shift+end", "7", "enter")
        await until(pilot, lambda: flows.orders)

    run_flows(flows, scenario)
    assert flows.orders == [Order(verb=OrderVerb.SCALE, targets=("api",), count=7)]


def test_removing_takes_the_name_typed() -> None:
    flows = FakeFlows()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await open_menu(pilot, app)
        await pilot.press("R")
        await listening(pilot, app, TypedDialog)
        await until_shown(pilot, app, "Type api to confirm:")
        await pilot.press("enter")
        await until_shown(pilot, app, "that is not api; esc cancels")
        await pilot.press(*"apj", "enter")
        assert not flows.orders
        await pilot.press("backspace", "i")
        await until_shown(pilot, app, "enter: Remove api: 2 instances")
        await pilot.press("enter")
        await until_shown(pilot, app, "● remove api: done")

    run_flows(flows, scenario)
    assert flows.orders == [Order(verb=OrderVerb.REMOVE, targets=("api",))]


def test_what_is_typed_ahead_does_not_reach_a_typed_dialog() -> None:
    answers: list[bool | None] = []

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        dialog = TypedDialog("Remove?", "Remove api", "api", deaf_seconds=3_600)
        app.push_screen(dialog, answers.append)
        await until_shown(pilot, app, "Type api to confirm:")
        await pilot.press(*"api", "enter", "escape")
        assert app.screen is dialog
        assert dialog.query_one(Input).value == ""
        dialog.listen()
        await pilot.press("escape")
        await until(pilot, lambda: answers)

    run_flows(FakeFlows(), scenario)
    assert answers == [False]


def test_killing_is_about_the_ids_that_were_shown() -> None:
    flows = FakeFlows()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await open_menu(pilot, app)
        await pilot.press("K")
        await listening(pilot, app, TypedDialog)
        # Others live by now; the dialog said which ones it is about.
        flows.document = service_document(instances=[instance_document("api-9")])
        await until_shown(pilot, app, "api-1, api-2")
        await pilot.press(*"kill", "enter")
        await until(pilot, lambda: flows.orders)

    run_flows(flows, scenario)
    assert flows.orders == [Order(verb=KILL, targets=("api-1", "api-2"))]


def test_a_failing_order_is_told_with_its_hint() -> None:
    flows = FakeFlows()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await open_menu(pilot, app)
        flows.failure = ConflictError("it is [in use]", hint="odbctl why api")
        await pilot.press("L")
        await until_shown(pilot, app, "✖ it is [in use] - odbctl why api")

    run_flows(flows, scenario)


def test_a_menu_that_cannot_be_read_says_why() -> None:
    flows = FakeFlows()
    flows.failure = NotRunningError("the disk is gone")

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await pilot.press("a")
        await until_shown(pilot, app, "✖ the disk is gone")
        await listening(pilot, app, ActionsDialog)
        await pilot.press("enter", "x", "escape")
        await until(pilot, lambda: isinstance(app.screen, ServicesScreen))

    run_flows(flows, scenario)
    assert not flows.orders


def test_instances_have_actions_of_their_own() -> None:
    flows = FakeFlows()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        Flows(app, flows).instance_actions("api-2")
        await until_shown(pilot, app, "SIGKILL to its process group")
        await listening(pilot, app, ActionsDialog)
        await pilot.press("K")
        await listening(pilot, app, ConfirmDialog)
        assert "Kill api-2" in screen_text(app)
        await pilot.press("right", "enter")
        await until(pilot, lambda: flows.orders)

    run_flows(flows, scenario)
    assert flows.orders == [Order(verb=KILL, targets=("api-2",))]


def test_a_read_only_dashboard_changes_nothing() -> None:
    flows = FakeFlows()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "q Quit")
        text = screen_text(app)
        assert "u Start" not in text
        assert "x Stop" not in text
        await pilot.press("x", "r", "D", "B", "equals_sign")
        await until(pilot, lambda: isinstance(app.screen, ServicesScreen))
        await pilot.press("a")
        await until_shown(pilot, app, "--readonly")
        await listening(pilot, app, ActionsDialog)
        await pilot.press("L", "R", "K", "enter")
        assert isinstance(app.screen, ActionsDialog)

    run_flows(flows, scenario, is_readonly=True)
    assert not flows.orders


@pytest.mark.parametrize("key", ["D", "B"])
def test_without_a_manager_nothing_is_deployed(key: str) -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await pilot.press(key)
        await until_shown(pilot, app, "✖ No manager is running")
        assert isinstance(app.screen, ServicesScreen)

    run_flows(FakeFlows(), scenario, manager=ManagerState.STOPPED)


@pytest.mark.parametrize(
    ("order", "button", "typed"),
    [
        (Order(verb=OrderVerb.STOP, targets=("api",)), "Stop api: 4 instances", ""),
        (Order(verb=OrderVerb.STOP, targets=("api", "b", "c")), "Stop 3 services: 7 instances", ""),
        (Order(verb=OrderVerb.RESTART, targets=("b",)), "Restart b: 1 instance", ""),
        (Order(verb=OrderVerb.RESTART, targets=("d",)), "Restart d", ""),
        (Order(verb=OrderVerb.REMOVE, targets=("api",)), "Remove api: 4 instances", "api"),
        (
            Order(verb=OrderVerb.REMOVE, targets=("b", "c")),
            "Remove 2 services: 3 instances",
            "remove",
        ),
        (Order(verb=KILL, targets=("api-1",)), "Kill api-1", ""),
        (Order(verb=KILL, targets=("api-1", "api-2")), "Kill 2 instances", "kill"),
        (Order(verb=OrderVerb.STOP_INSTANCE, targets=("api-1",)), "Stop api-1", ""),
    ],
)
def test_a_confirmation_names_verb_and_target(order: Order, button: str, typed: str) -> None:
    asked = confirmation(order, {"api": 4, "b": 1, "c": 2})
    assert asked is not None
    assert (asked.button, asked.typed) == (button, typed)
    assert all(target in asked.question for target in order.targets)


@pytest.mark.parametrize("verb", [OrderVerb.START, OrderVerb.RUN, OrderVerb.UNLOCK])
def test_what_harms_nothing_is_not_asked(verb: OrderVerb) -> None:
    assert confirmation(Order(verb=verb, targets=("api",)), {}) is None


def test_many_names_are_cut() -> None:
    names = tuple(f"s{n}" for n in range(9))
    assert names_text(names) == "s0, s1, s2, s3, s4, 4 more"
    assert step_text(Order(verb=OrderVerb.STOP, targets=names[:2])) == "stopping s0, s1"


@pytest.mark.parametrize("fields", [{"desired_count": 0}, {"is_paused": True}])
def test_what_is_stopped_cannot_be_restarted(fields: dict[str, Any]) -> None:
    stopped = replace(a_service("rabbit", ready=0), **fields)

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "rabbit")
        await pilot.press("r")
        await until_shown(pilot, app, "✖ rabbit is stopped: nothing to restart")
        assert isinstance(app.screen, ServicesScreen)
        offers = {offer.text for offer in object_offers(app)}
        assert "start rabbit" in offers
        assert "restart rabbit" not in offers

    run_app(FakeBackend(a_snapshot(stopped)), scenario)


def test_services_of_which_one_is_started_can_be_restarted() -> None:
    never_ran, started = replace(a_service("rabbit"), desired_count=0), a_service("api")
    assert restart_refusal([never_ran, started]) == ""
    assert restart_refusal([never_ran] * 2) == "rabbit, rabbit are stopped: nothing to restart"


def refusals(**fields: Any) -> dict[str, str]:
    return {item.key: item.refusal for item in service_menu(service_document(**fields))}


def test_refusals_follow_the_state() -> None:
    assert refusals()[OrderVerb.START] == "it is already started"
    assert refusals(target_count=0, instances=[])[OrderVerb.STOP] == "it is stopped"
    assert refusals(target_count=0, instances=[])[KILL] == "it has no running instance"
    assert "P allows one change" in refusals(lock="locked")["deploy"]
    assert refusals(lock="locked")[OrderVerb.PREPARE] == ""
    assert refusals(singleton=True)[OrderVerb.SCALE] == "it is a singleton"
    assert refusals(restart="never", instances=[])[OrderVerb.RUN] == ""
    blocked = service_menu(service_document(), blocked="no manager")
    assert {i.refusal for i in blocked if i.key in ("deploy", OrderVerb.STOP)} == {"no manager"}


def test_hotkeys_are_each_taken_once() -> None:
    for items in (service_menu(service_document()), instance_menu(instance_document("a-1"))):
        keys = [item.hotkey for item in items]
        assert len(keys) == len(set(keys))


def test_an_ended_instance_has_nothing_to_stop() -> None:
    items = instance_menu(instance_document("api-1", state="crashed", pid=None))
    assert [item.refusal for item in items] == ["it has ended"] * 2
