"""The screens, driven by keys, over a fake backend."""

from __future__ import annotations

from typing import Any, cast

import pytest
from fakes.dashboard import (
    FakeBackend,
    a_service,
    a_snapshot,
    an_event,
    an_instance,
    run_app,
    screen_lines,
    screen_text,
    until,
    until_shown,
)
from fakes.logs import FakeLogs
from textual.pilot import Pilot
from textual.widgets import Button

from odbctl.errors import ConflictError, StoreError
from odbctl.tui.app import DashboardApp
from odbctl.tui.detail_screen import DetailScreen
from odbctl.tui.dialogs import ConfirmDialog
from odbctl.tui.flows.orders import Order, OrderVerb
from odbctl.tui.help_text import help_lines
from odbctl.tui.logs.screen import LogScreen
from odbctl.tui.logs.source import LogRequest
from odbctl.tui.resource_table import ResourceTable
from odbctl.tui.screens.services import ServicesScreen
from odbctl.tui.snapshot import DashboardSnapshot, Detail, ManagerState, ServiceRow
from odbctl.tui.table import RowTable

SIZES = [(80, 24), (120, 40)]
SERVICES = (a_service("api"), a_service("billing", state="degraded", ready=1), a_service("mailer"))
MANY = tuple(a_service(f"service-{n:03}") for n in range(200))
API = Detail(
    service="api",
    instances=(an_instance("api-1"), an_instance("api-2", last_exit="signal 9")),
    events=(an_event("crashed", "signal 9", level="error"),),
)


def a_backend(snapshot: DashboardSnapshot | None = None) -> FakeBackend:
    backend = FakeBackend(snapshot or a_snapshot(*SERVICES))
    backend.put_detail(API)
    backend.logs["api"] = FakeLogs(*(f"line {n}" for n in range(40)))
    return backend


def table_of(app: DashboardApp) -> ResourceTable[ServiceRow]:
    screen = app.screen
    assert isinstance(screen, ServicesScreen)
    return screen.table


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("snapshot", "texts"),
    [
        (
            a_snapshot(*SERVICES),
            ["manager up", "▲ 1 degraded", "api instances", "api-2"],
        ),
        (
            a_snapshot(manager=ManagerState.ABSENT),
            ["No services yet", "odbctl codebase add", "odbctl demo"],
        ),
        (
            a_snapshot(*SERVICES, manager=ManagerState.STOPPED),
            ["no manager", "odbctl manager start", "billing", "api-2"],
        ),
        (a_snapshot(*MANY), ["● 200 running", "service-000", "service-000 instances"]),
    ],
    ids=["normal", "empty", "manager-down", "many"],
)
def test_first_screen(size: tuple[int, int], snapshot: DashboardSnapshot, texts: list[str]) -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        panes = ["signal 9", "line 39", "crashed"] if size[1] > 24 and "api-2" in texts else []
        for text in [*texts, *panes]:
            await until_shown(pilot, app, text)
        assert max(map(len, screen_lines(app))) <= size[0]
        await until_shown(pilot, app, "q Quit")
        footer = " ".join(screen_lines(app)[-1].split())
        assert footer == "enter Detail u Start x Stop / Filter ? Help q Quit"

    run_app(a_backend(snapshot), scenario, size=size)


@pytest.mark.parametrize("size", [(60, 24), (120, 15), (30, 5), (1, 1)])
def test_a_small_terminal_asks_for_more_room(size: tuple[int, int]) -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until(pilot, lambda: app.state.snapshot is not None)
        await pilot.press("j", "enter", "escape", "x", "escape", "slash", "a", "escape")
        text = screen_text(app)
        assert "api" not in text
        assert text.strip() == "enlarge the terminal" or size == (1, 1)

    run_app(a_backend(), scenario, size=size)


def test_a_tiny_terminal_is_not_laid_out_without_an_end() -> None:
    layouts: list[object] = []

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until(pilot, lambda: app.state.snapshot is not None)
        signal = cast("Any", app.screen).screen_layout_refresh_signal
        signal.subscribe(app.screen, layouts.append)
        await pilot.pause(0.5)
        # It was about thirty when a scrollbar and the text under it took turns.
        assert len(layouts) < 5

    run_app(a_backend(), scenario, size=(1, 1))


def test_resizing_goes_through_every_layout() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        for width, height in [(61, 16), (80, 24), (1, 1), (200, 60), (40, 40), (80, 40)]:
            await pilot.resize_terminal(width, height)
        await until_shown(pilot, app, "line 39")

    run_app(a_backend(), scenario)


def test_keys_move_the_cursor_and_the_panes_follow() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "service-000 instances")
        await pilot.press("j", "j", "k")
        await until_shown(pilot, app, "service-001 instances")
        await pilot.press("G")
        await until_shown(pilot, app, "service-199 instances")
        await pilot.press("g", "ctrl+f")
        assert table_of(app).cursor_key not in {"service-000", "service-199"}
        await pilot.press("ctrl+b")
        assert table_of(app).cursor_key == "service-000"

    run_app(a_backend(a_snapshot(*MANY)), scenario)


def test_the_cursor_stays_on_its_service_when_rows_move() -> None:
    backend = a_backend()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "api instances")
        await pilot.press("j")
        backend.put(a_snapshot(a_service("aaa"), *SERVICES))
        await until_shown(pilot, app, "aaa")
        assert table_of(app).cursor_key == "billing"
        backend.put(a_snapshot(a_service("aaa"), a_service("mailer")))
        await until(pilot, lambda: "billing" not in screen_text(app))
        assert table_of(app).cursor_key == "mailer"

    run_app(backend, scenario)


def test_a_tick_without_change_draws_no_row() -> None:
    backend = a_backend()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "line 39")
        table = table_of(app)
        screen = app.screen
        assert isinstance(screen, ServicesScreen)
        await pilot.pause()
        before = table.lines_rendered
        screen.show_state(app.state)
        await pilot.pause()
        assert table.lines_rendered == before
        backend.put(a_snapshot(SERVICES[0], a_service("billing"), SERVICES[2]))
        await until_shown(pilot, app, "▲ 0 degraded")
        assert table.lines_rendered == before + 1

    run_app(backend, scenario, size=(120, 40))


def test_text_of_others_is_no_markup() -> None:
    backend = a_backend(a_snapshot(a_service("api")))
    backend.put_detail(
        Detail(
            service="api",
            events=(an_event("odd", "[/nope] \x07"),),
        )
    )
    backend.logs["api"] = FakeLogs("[bold]x[/] \x1b[2J\x07 [link=https://example.org]")

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "[bold]x[/] \\x07 [link=")
        await until_shown(pilot, app, "[/nope] \\x07")

    run_app(backend, scenario, size=(120, 40))


def test_stopping_asks_first_with_cancel_focused() -> None:
    backend = a_backend()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "api instances")
        await pilot.press("x")
        assert isinstance(app.screen, ConfirmDialog)
        assert "Stop api: 2 instances" in screen_text(app)
        app.screen.listen()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ServicesScreen))
        assert not backend.flows.orders

    run_app(backend, scenario)


def test_keys_typed_ahead_of_a_dialog_are_not_heard() -> None:
    answers: list[bool | None] = []

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "api instances")
        dialog = ConfirmDialog("Stop api?", "Stop api: 2 instances", deaf_seconds=3_600)
        app.push_screen(dialog, answers.append)
        await pilot.press("right", "tab", "l", "enter", "escape", "q")
        assert app.screen is dialog
        dialog.listen()
        await until(pilot, lambda: dialog.focused is dialog.query_one("#cancel", Button))
        await pilot.press("right", "enter")
        await until(pilot, lambda: answers)

    run_app(a_backend(), scenario)
    assert answers == [True]


@pytest.mark.parametrize(("key", "verb"), [("x", OrderVerb.STOP), ("r", OrderVerb.RESTART)])
def test_a_confirmed_action_is_about_what_was_shown(key: str, verb: OrderVerb) -> None:
    backend = a_backend()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "api instances")
        await pilot.press(key)
        backend.put(a_snapshot(a_service("other")))
        button = app.screen.query_one("#confirm", Button)
        await until(pilot, lambda: not button.disabled)
        await pilot.press("right", "enter")
        await until(pilot, lambda: backend.flows.orders)
        assert backend.flows.orders == [Order(verb=verb, targets=("api",))]
        await until_shown(pilot, app, f"● {verb} api: done")

    run_app(backend, scenario)


def test_starting_asks_nothing_and_shows_a_refusal_with_its_hint() -> None:
    backend = a_backend()
    backend.flows.failure = ConflictError("it is [locked]", hint="odbctl service unlock api")

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "api instances")
        await pilot.press("u")
        await until_shown(pilot, app, "✖ it is [locked] - odbctl service unlock api")
        assert backend.flows.orders == [Order(verb=OrderVerb.START, targets=("api",))]

    run_app(backend, scenario)


def test_scaling_takes_a_number_in_range() -> None:
    backend = a_backend()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "api instances")
        await pilot.press("equals_sign", *"99999", "enter")
        await until_shown(pilot, app, "a number from 0 to 10000")
        await pilot.press("home", "shift+end", "7", "enter")
        await until(pilot, lambda: backend.flows.orders)
        assert backend.flows.orders == [Order(verb=OrderVerb.SCALE, targets=("api",), count=7)]

    run_app(backend, scenario)


@pytest.mark.parametrize("key", ["x", "r", "equals_sign"])
def test_without_a_manager_only_starting_is_possible(key: str) -> None:
    backend = a_backend(a_snapshot(*SERVICES, manager=ManagerState.STOPPED))

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "api instances")
        await pilot.press(key)
        await until_shown(pilot, app, "✖ No manager is running")
        await pilot.press("u")
        await until(pilot, lambda: backend.flows.orders)
        assert backend.flows.orders == [Order(verb=OrderVerb.START, targets=("api",))]

    run_app(backend, scenario)


def test_a_filter_narrows_while_typing_and_esc_clears_it() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "api instances")
        await pilot.press("slash", *"mail")
        await until(pilot, lambda: "billing" not in screen_text(app))
        assert table_of(app).cursor_key == "mailer"
        await pilot.press("enter")
        await until_shown(pilot, app, "/mail")
        await pilot.press("escape")
        await until_shown(pilot, app, "billing")
        assert table_of(app).arrangement.filter_text == ""

    run_app(a_backend(), scenario)


def test_what_is_empty_says_what_to_type() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "no instances; u starts it")
        await pilot.press("slash", *"nope", "enter")
        await until_shown(pilot, app, "nothing matches; esc shows all")

    run_app(a_backend(a_snapshot(a_service("idle", state="stopped", ready=0, desired=0))), scenario)


def test_the_reason_of_the_selected_service_is_told_where_no_column_is() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "api instances")
        await pilot.press("j")
        await until_shown(pilot, app, "billing: billing has a reason")

    run_app(a_backend(), scenario)


@pytest.mark.parametrize("key", ["l", "p"])
def test_the_log_has_a_screen_of_its_own_and_the_pane_rests(key: str) -> None:
    backend = a_backend()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "line 39")
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, LogScreen))
        await until_shown(pilot, app, "following")
        await until_shown(pilot, app, "line 39")
        asked = LogRequest(service="api", is_previous=key == "p")
        assert backend.logs["api"].requests[-1] == asked
        await pilot.press("escape")
        await until_shown(pilot, app, "api log")
        backend.logs["api"].log("new")
        await until_shown(pilot, app, "new")

    run_app(backend, scenario, size=(120, 40))


def test_a_home_that_cannot_be_read_leaves_the_last_data_and_comes_back() -> None:
    backend = a_backend()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "api instances")
        backend.failure = StoreError("the disk is gone", hint="look for it")
        backend.wake()
        await until_shown(pilot, app, "Cannot read the home")
        await until_shown(pilot, app, "look for it")
        assert "billing" in screen_text(app)
        await pilot.press("x")
        assert isinstance(app.screen, ServicesScreen)
        backend.failure = None
        await until(pilot, lambda: "Cannot read" not in screen_text(app))

    run_app(backend, scenario)


def test_help_lists_every_binding() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "api instances")
        await pilot.press("question_mark")
        await until_shown(pilot, app, "Restart")
        await pilot.press("escape")
        await until_shown(pilot, app, "api instances")

    run_app(a_backend(), scenario, size=(120, 40))
    lines = help_lines([("Here", ServicesScreen.BINDINGS), ("Tables", RowTable.BINDINGS)])
    assert any(line.split() == ["=", "Scale"] for line in lines)
    assert any(line.split()[:2] == ["j", "down"] for line in lines)


def test_no_key_that_multiplexers_use_changes_anything() -> None:
    changing = {"start", "stop", "restart", "scale"}
    taken = {f"ctrl+{key}" for key in "hjklab"} | {f"f{n}" for n in range(1, 13)}
    found: set[str] = set()
    for screen in (ServicesScreen, DetailScreen):
        for binding in screen.BINDINGS:
            assert not isinstance(binding, tuple)
            if binding.action in changing:
                found.add(binding.action)
                assert not set(binding.key.split(",")) & taken
    assert found == changing


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
def test_quitting_ends_the_reader_and_changes_nothing(key: str) -> None:
    backend = a_backend()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "api instances")
        await pilot.press(key)

    run_app(backend, scenario)
    assert not backend.is_open
    assert not backend.flows.orders
