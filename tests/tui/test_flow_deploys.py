"""Deploying and rolling back: choose, look, confirm, watch; driven by keys, over fakes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from fakes.dashboard import (
    FakeBackend,
    a_service,
    a_snapshot,
    is_scrolled_to,
    run_app,
    screen_text,
    until,
    until_shown,
)
from fakes.flows import NEW, FakeFlows, a_log, a_plan, a_ref, a_rollout, a_toolbox
from textual.containers import VerticalScroll
from textual.pilot import Pilot
from textual.widgets import Button

from odbctl.errors import CodebaseError, ConflictError
from odbctl.tui.app import DashboardApp
from odbctl.tui.dialogs import DeafDialog
from odbctl.tui.flows.plan_dialog import PlanDialog
from odbctl.tui.flows.ref_dialog import RefDialog, matching_refs
from odbctl.tui.flows.release_dialog import ReleaseDialog
from odbctl.tui.flows.watch_screen import WatchScreen
from odbctl.tui.screens.services import ServicesScreen

Scenario = Callable[[Pilot[None], DashboardApp], Awaitable[None]]
BACKEND_SERVICES = (a_service("api"), a_service("billing"))


def run_flows(
    flows: FakeFlows,
    scenario: Scenario,
    backend: FakeBackend | None = None,
    *,
    size: tuple[int, int] = (110, 36),
) -> None:
    async def ready(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "billing")
        await scenario(pilot, app)

    found = backend or FakeBackend(a_snapshot(*BACKEND_SERVICES))
    run_app(found, ready, size=size, toolbox=a_toolbox(flows))


async def listening(pilot: Pilot[None], app: DashboardApp) -> None:
    front = app.screen
    assert isinstance(front, DeafDialog)
    front.listen()
    await pilot.pause()


async def choose_ref(pilot: Pilot[None], app: DashboardApp) -> None:
    await pilot.press("D")
    await until_shown(pilot, app, "Subject of main")
    await listening(pilot, app)
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, PlanDialog))
    await listening(pilot, app)


async def confirm_plan(pilot: Pilot[None], app: DashboardApp) -> None:
    await until_shown(pilot, app, "release 5, forward")
    button = app.screen.query_one("#confirm", Button)
    await until(pilot, lambda: not button.disabled)
    await pilot.press("right", "enter")
    await until(pilot, lambda: isinstance(app.screen, WatchScreen))


def test_a_deploy_from_ref_to_end() -> None:
    flows = FakeFlows()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await choose_ref(pilot, app)
        await until_shown(pilot, app, "Deploy api: 2 instances")
        for text in (
            "Say [bold]hello[/]",
            "and 3 more",
            "api-1 (running)",
            "while the old ones keep running",
        ):
            assert text in screen_text(app)
        await confirm_plan(pilot, app)
        await until_shown(pilot, app, "0/2 new ready")
        await pilot.press("enter")
        assert isinstance(app.screen, WatchScreen)
        flows.put(replace(a_rollout(ready=1), logs=(a_log("hello from [new]"),)))
        await until_shown(pilot, app, "1/2 new ready")
        await until_shown(pilot, app, "hello from [new]")
        flows.put(a_rollout("active", ready=2))
        await until_shown(pilot, app, "● api: release 5 is active")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ServicesScreen))
        assert "● api: release 5 is active" in screen_text(app)

    run_flows(flows, scenario)
    assert flows.planned == ["api main"]
    assert flows.carried_out == [flows.plan]


@pytest.mark.parametrize("size", [(80, 24), (62, 16)])
def test_buttons_and_hints_stay_in_sight(size: tuple[int, int]) -> None:
    flows = FakeFlows()
    flows.refs_found = tuple(a_ref(f"branch-{number}") for number in range(90))
    commit = flows.plan.commits[0]
    flows.plan = replace(flows.plan, commits=(commit,) * 50)

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await pilot.press("D")
        await until_shown(pilot, app, "branch-0")
        await until_shown(pilot, app, "enter shows the plan")
        await listening(pilot, app)
        await pilot.press(*["down"] * 20, "enter")
        await until_shown(pilot, app, "Deploy api: 2 instances")
        await listening(pilot, app)
        await pilot.press("escape")
        await pilot.press("a")
        await until_shown(pilot, app, "the key runs an action")

    run_flows(flows, scenario, size=size)
    assert flows.planned == ["api branch-20"]


def test_esc_sends_a_rollout_to_the_background_which_tells_its_end() -> None:
    flows = FakeFlows()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await choose_ref(pilot, app)
        await confirm_plan(pilot, app)
        await until_shown(pilot, app, "0/2 new ready")
        await pilot.press("escape")
        await until_shown(pilot, app, "◐ api: release 5, 0/2 ready")
        flows.put(a_rollout(ready=1))
        await until_shown(pilot, app, "◐ api: release 5, 1/2 ready")
        flows.put(a_rollout("failed", reason="api-3: no such [table]"))
        await until_shown(
            pilot, app, "✖ api: release 5 failed: api-3: no such [table]; the previous"
        )

    run_flows(flows, scenario)


def test_a_rollout_stays_about_its_service_while_rows_move() -> None:
    flows = FakeFlows()
    backend = FakeBackend(a_snapshot(*BACKEND_SERVICES))

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await choose_ref(pilot, app)
        backend.put(a_snapshot(a_service("aaa"), a_service("billing")))
        await until(pilot, lambda: app.state.snapshot and len(app.state.snapshot.services) == 2)
        await confirm_plan(pilot, app)
        await until(pilot, lambda: flows.carried_out)

    run_flows(flows, scenario, backend)
    assert [plan.service for plan in flows.carried_out] == ["api"]


def test_a_deploy_that_is_refused_is_told_where_it_is_watched() -> None:
    flows = FakeFlows()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await choose_ref(pilot, app)
        await until_shown(pilot, app, "release 5, forward")
        flows.failure = ConflictError(
            "main is another commit by now", hint="check the plan again, then deploy"
        )
        await confirm_plan(pilot, app)
        await until_shown(
            pilot, app, "✖ api: main is another commit by now - check the plan again, then deploy"
        )
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ServicesScreen))

    run_flows(flows, scenario)


def test_a_plan_that_would_be_refused_cannot_be_confirmed() -> None:
    flows = FakeFlows()
    flows.plan = a_plan(refusal="its codebase is locked")

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await choose_ref(pilot, app)
        await until_shown(pilot, app, "✖ its codebase is locked")
        dialog = app.screen
        assert isinstance(dialog, PlanDialog)
        dialog.allow()
        await pilot.press("right", "enter")
        await until(pilot, lambda: isinstance(app.screen, ServicesScreen))

    run_flows(flows, scenario)
    assert not flows.carried_out


def test_keys_typed_ahead_of_a_plan_confirm_nothing() -> None:
    flows = FakeFlows()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        dialog = PlanDialog("Deploy", "Deploy", lambda _work: a_plan(), deaf_seconds=3_600)
        app.push_screen(dialog)
        await until_shown(pilot, app, "release 5, forward")
        await pilot.press("right", "enter", "escape", "q", "tab", "enter")
        assert app.screen is dialog
        # It hears keys, but the plan has not been seen for long enough.
        dialog.listen()
        await pilot.press("right", "enter")
        await until(pilot, lambda: isinstance(app.screen, ServicesScreen))

    run_flows(flows, scenario)
    assert not flows.carried_out


def test_cancel_has_the_focus_in_a_plan() -> None:
    flows = FakeFlows()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await choose_ref(pilot, app)
        await until_shown(pilot, app, "release 5, forward")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ServicesScreen))

    run_flows(flows, scenario)
    assert not flows.carried_out


def test_a_long_plan_is_scrolled() -> None:
    flows = FakeFlows()
    flows.plan = replace(flows.plan, commits=(flows.plan.commits[0],) * 50)

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await choose_ref(pilot, app)
        await until_shown(pilot, app, "release 5, forward")
        text = app.screen.query_one(VerticalScroll)
        for key, lines in [("down", 1), ("down", 2), ("up", 1), ("pageup", 0)]:
            await pilot.press(key)
            await until(pilot, is_scrolled_to(text, lines))

    run_flows(flows, scenario, size=(110, 20))


def test_a_plan_that_cannot_be_made_says_why() -> None:
    flows = FakeFlows()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await pilot.press("D")
        await until_shown(pilot, app, "Subject of main")
        flows.failure = CodebaseError("no [such] ref", hint="git fetch")
        await listening(pilot, app)
        await pilot.press("enter")
        await until_shown(pilot, app, "✖ no [such] ref - git fetch")

    run_flows(flows, scenario)


def test_refs_that_take_long_can_be_cancelled() -> None:
    flows = FakeFlows()
    flows.hold()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await pilot.press("D")
        await until_shown(pilot, app, "fetching from somewhere")
        await listening(pilot, app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ServicesScreen))
        await until(pilot, flows.told_stop.is_set)

    run_flows(flows, scenario)
    assert not flows.planned


def test_a_ref_can_be_typed_before_the_list_has_come() -> None:
    flows = FakeFlows()
    flows.hold()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await pilot.press("D")
        await until_shown(pilot, app, "fetching from somewhere")
        await listening(pilot, app)
        await pilot.press(*"qh~2")
        await until_shown(pilot, app, "as typed")
        flows.let_go()
        await pilot.press("enter")
        await until_shown(pilot, app, "release 5, forward")

    run_flows(flows, scenario)
    assert flows.planned == ["api qh~2"]


def test_typing_filters_and_the_cursor_moves_below() -> None:
    flows = FakeFlows()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await pilot.press("D")
        await until_shown(pilot, app, "Subject of v1")
        await listening(pilot, app)
        await pilot.press("m")
        await until(pilot, lambda: "Subject of v1" not in screen_text(app))
        await pilot.press("backspace", "down", "enter")
        await until(pilot, lambda: flows.planned)

    run_flows(flows, scenario)
    assert flows.planned == ["api v1"]


def test_refs_are_asked_for_again() -> None:
    flows = FakeFlows()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await pilot.press("D")
        await until_shown(pilot, app, "Subject of main")
        await listening(pilot, app)
        flows.refs_found = (a_ref("later"),)
        await pilot.press("ctrl+r")
        await until_shown(pilot, app, "Subject of later")
        assert isinstance(app.screen, RefDialog)

    run_flows(flows, scenario)
    assert flows.fresh == [False, True]


def test_going_back_is_to_a_release_that_ran() -> None:
    flows = FakeFlows()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await pilot.press("B")
        await until_shown(pilot, app, "○ superseded")
        assert isinstance(app.screen, ReleaseDialog)
        assert "✖ failed" not in screen_text(app)
        await listening(pilot, app)
        await pilot.press("enter")
        await until_shown(pilot, app, "Roll back api: 2 instances")
        await listening(pilot, app)
        await confirm_plan(pilot, app)
        await until(pilot, lambda: flows.carried_out)

    run_flows(flows, scenario)
    assert flows.planned == ["api 3"]
    assert flows.carried_out[0].to_release == 3


def test_without_an_earlier_release_it_says_so() -> None:
    flows = FakeFlows()
    flows.releases_found = flows.releases_found[:1]

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await pilot.press("B")
        await until_shown(pilot, app, "no earlier release ran")

    run_flows(flows, scenario)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["main", "feature/main", "v1"]),
        ("main", ["main", "feature/main"]),
        ("FEAT", ["feature/main", "FEAT"]),
        (NEW[:6], ["main", "feature/main", "v1", NEW[:6]]),
        ("nothing like it", ["nothing like it"]),
        ("  v1 ", ["v1"]),
    ],
)
def test_refs_that_match(text: str, names: list[str]) -> None:
    refs = (a_ref("main"), a_ref("feature/main"), a_ref("v1"))
    assert [ref.key for ref in matching_refs(refs, text)] == names
