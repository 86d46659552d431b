"""Keys typed faster than the dashboard draws: each reaches what it was typed for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from fakes.dashboard import (
    FakeBackend,
    a_service,
    a_snapshot,
    run_app,
    type_at_once,
    until,
    until_shown,
)
from fakes.logs import FakeLogs
from textual.pilot import Pilot

from odbctl.errors import ConflictError
from odbctl.tui import key_queue
from odbctl.tui.app import DashboardApp
from odbctl.tui.detail_screen import DetailScreen
from odbctl.tui.dialogs import ConfirmDialog
from odbctl.tui.flows.orders import Order, OrderVerb
from odbctl.tui.flows.plan_dialog import PlanDialog
from odbctl.tui.logs.record import RecordDialog
from odbctl.tui.logs.screen import LogScreen
from odbctl.tui.resource_table import ResourceTable
from odbctl.tui.screens.services import ServicesScreen
from odbctl.tui.screens.text_screen import TextScreen

Scenario = Callable[[Pilot[None], DashboardApp], Awaitable[None]]


def run(scenario: Scenario, backend: FakeBackend | None = None) -> FakeBackend:
    backend = backend or FakeBackend(
        a_snapshot(*(a_service(name) for name in ("api", "rabbit", "web")))
    )

    async def ready(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "rabbit")
        await until(pilot, lambda: app.focused is table_of(app))
        await scenario(pilot, app)

    run_app(backend, ready)
    return backend


def table_of(app: DashboardApp) -> ResourceTable[Any]:
    """Return the table of services, whatever dialog is in front of it."""
    (screen,) = (each for each in app.screen_stack[1:2] if isinstance(each, ServicesScreen))
    return screen.table


def is_in_front(app: DashboardApp, kind: type[object]) -> Callable[[], bool]:
    return lambda: isinstance(app.screen, kind)


async def hearing(pilot: Pilot[None], app: DashboardApp) -> None:
    """Wait for a confirm dialog that takes keys."""
    await until(pilot, is_in_front(app, ConfirmDialog))
    dialog = cast("ConfirmDialog", app.screen)
    await until(pilot, lambda: not dialog.is_deaf)


def test_letters_behind_a_slash_filter_and_do_nothing_to_the_row() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        type_at_once(app, *"/rab")
        await until(pilot, lambda: table_of(app).arrangement.filter_text == "rab")
        await until_shown(pilot, app, "1 of 3")
        assert isinstance(app.screen, ServicesScreen)
        assert app.screen.prompt.value == "rab"

    assert not run(scenario).flows.orders


def test_letters_behind_a_colon_are_a_command() -> None:
    backend = FakeBackend(a_snapshot(a_service("rabbit")))

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        type_at_once(app, *":ho", "enter", ":", *"svc", "enter", *"/ra")
        await until_shown(pilot, app, "/ra")
        await until(pilot, lambda: table_of(app).arrangement.filter_text == "ra")

    assert not run(scenario, backend).flows.orders


def test_keys_behind_enter_act_on_what_the_filter_shows() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        type_at_once(app, *"/web", "enter", "x")
        await until_shown(pilot, app, "Stop service web?")

    run(scenario)


def test_escape_and_keys_behind_it_leave_the_prompt_in_order() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        type_at_once(app, *"/web", "escape", "k", "x")
        await until_shown(pilot, app, "Stop service rabbit?")
        assert table_of(app).arrangement.filter_text == ""

    run(scenario)


def test_the_rest_of_a_word_confirms_nothing() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        type_at_once(app, "r", *"abl", "right", "enter", "l", "enter")
        await hearing(pilot, app)
        await pilot.press(*"ablhjkqy", "space")
        assert isinstance(app.screen, ConfirmDialog)
        assert app.focused is not None
        assert app.focused.id == "cancel"
        await pilot.press("escape")
        await until(pilot, is_in_front(app, ServicesScreen))

    assert not run(scenario).flows.orders


def test_arrows_and_enter_confirm() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        type_at_once(app, "r")
        await hearing(pilot, app)
        type_at_once(app, "right", "enter")
        await until_shown(pilot, app, "● restart api: done")

    assert run(scenario).flows.orders == [Order(verb=OrderVerb.RESTART, targets=("api",))]


def test_a_ref_typed_ahead_is_typed_into_the_dialog() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        type_at_once(app, "D", *"v1", "enter")
        await until(pilot, is_in_front(app, PlanDialog))
        await until_shown(pilot, app, "Deploy v1 to api")

    assert not run(scenario).flows.carried_out


def test_a_count_typed_ahead_is_typed_into_the_dialog() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        type_at_once(app, "=", "5", "enter", "j")
        await until(pilot, lambda: table_of(app).cursor_key == "rabbit")

    orders = run(scenario).flows.orders
    assert orders == [Order(verb=OrderVerb.SCALE, targets=("api",), count=5)]


def test_a_search_typed_ahead_searches_the_log_that_is_being_opened() -> None:
    backend = FakeBackend(a_snapshot(a_service("rabbit")))
    backend.logs["rabbit"] = FakeLogs("a hare", "a needle", "a hare")

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        type_at_once(app, "l", *"/needle", "enter")
        await until_shown(pilot, app, "/needle  1 of 1")
        assert isinstance(app.screen, LogScreen)
        type_at_once(app, "enter", "j", "escape", "&", *"hare", "enter")
        await until_shown(pilot, app, "&hare")
        assert not isinstance(app.screen, RecordDialog)

    run(scenario, backend)


def test_keys_wait_for_a_text_that_is_read_in_a_thread() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        type_at_once(app, "y", "escape", "j", "y")
        await until(pilot, is_in_front(app, TextScreen))
        await until_shown(pilot, app, "name: rabbit")

    run(scenario)


def test_keys_are_held_no_longer_once_a_text_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(key_queue, "HOLD_SECONDS", 600.0)
    backend = FakeBackend(a_snapshot(a_service("api"), a_service("rabbit")))

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        backend.refusal = ConflictError("it has [gone]")
        type_at_once(app, "y", "j")
        await until_shown(pilot, app, "it has [gone]")
        await until(pilot, lambda: table_of(app).cursor_key == "rabbit")

    run(scenario, backend)


def test_ctrl_c_quits_while_keys_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_queue, "HOLD_SECONDS", 600.0)

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        app.keys.hold()
        type_at_once(app, "j", "j", "ctrl+c")
        await until(pilot, lambda: not app.is_running)

    run(scenario)


def test_the_palette_opens_on_a_log_and_takes_what_was_typed_ahead() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        type_at_once(app, "l", "ctrl+p", *"go to hosts")
        await until_shown(pilot, app, "4 :ho")
        await pilot.press("enter")
        await until_shown(pilot, app, "hosts  0")

    run(scenario)


def test_a_table_has_its_keys_again_after_the_terminal_was_too_small() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await pilot.resize_terminal(40, 10)
        await until_shown(pilot, app, "enlarge")
        await until(pilot, lambda: app.focused is None)
        await pilot.resize_terminal(80, 24)
        await until_shown(pilot, app, "rabbit")
        await pilot.press("j")
        await until(pilot, lambda: table_of(app).cursor_key == "rabbit")

    run(scenario)


def test_a_burst_of_movements_is_drawn_in_a_few_frames() -> None:
    names = [f"api-{number:03}" for number in range(300)]
    backend = FakeBackend(a_snapshot(a_service("rabbit"), *(a_service(name) for name in names)))

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        table = table_of(app)
        await until(pilot, lambda: table.lines_rendered >= table.size.height)
        before = table.lines_rendered
        type_at_once(app, *"j" * 200, "enter")
        await until(pilot, is_in_front(app, DetailScreen))
        # Key by key, each of the last 180 would draw the whole table.
        assert table.cursor_key == names[199]
        assert table.lines_rendered - before < 40 * table.size.height

    run(scenario, backend)


def test_keys_between_movements_act_on_the_row_they_were_typed_for() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        type_at_once(app, "j", "j", "k", "space", "j", "g", "/", *"jk", "escape", "G", "x")
        await until_shown(pilot, app, "Stop service rabbit?")
        assert table_of(app).arrangement.filter_text == ""
        assert table_of(app).cursor_key == "web"

    run(scenario)
