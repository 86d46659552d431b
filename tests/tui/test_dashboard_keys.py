"""Each key of tables and navigation, pressed over a fake backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from fakes.dashboard import (
    FakeBackend,
    a_codebase,
    a_deploy,
    a_host,
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
from textual.pilot import Pilot
from textual.widgets import Button

from odbctl.errors import ConflictError
from odbctl.tui.app import DashboardApp
from odbctl.tui.arrange import Arrangement
from odbctl.tui.detail_screen import DetailScreen
from odbctl.tui.dialogs import ConfirmDialog
from odbctl.tui.flows.orders import Order, OrderVerb
from odbctl.tui.resource_rows import MachineLoad
from odbctl.tui.resource_table import ResourceTable
from odbctl.tui.screens.make import screen_class
from odbctl.tui.screens.resource_screen import ResourceScreen
from odbctl.tui.screens.text_screen import TextScreen
from odbctl.tui.snapshot import DashboardSnapshot, ManagerState
from odbctl.tui.views import View

NAMES = ("api", "billing", "cron", "mailer", "web")
SERVICES = tuple(
    a_service(name, state="degraded" if name == "cron" else "running", cpu_percent=float(n))
    for n, name in enumerate(NAMES)
)
EVERYTHING = DashboardSnapshot(
    home="/srv/odbctl",
    host="here",
    manager=ManagerState.RUNNING,
    services=SERVICES,
    instances=tuple(an_instance(f"{name}-1") for name in NAMES),
    hosts=(a_host("local"), a_host("other", state="down")),
    codebases=(a_codebase("app"),),
    events=tuple(an_event(f"reason-{n}", "[b]x[/b]") for n in range(30)),
    deploys=(a_deploy("api", 2), a_deploy("api", 1, status="failed")),
    machine=MachineLoad(cpu_percents=(10.0, 90.0), ram_percents=(50.0,), ram_bytes=2**34),
)


def table_of(app: DashboardApp) -> ResourceTable[Any]:
    return cast("ResourceTable[Any]", app.screen.query_one("#table"))


def shown(app: DashboardApp) -> list[str]:
    return [row.key for row in table_of(app).rows]


def view_of(app: DashboardApp) -> View:
    screen = app.screen
    assert isinstance(screen, ResourceScreen)
    return screen.view


def is_in_view(app: DashboardApp, view: View) -> Callable[[], bool]:
    return lambda: view_of(app) is view


async def ready(pilot: Pilot[None], app: DashboardApp) -> None:
    await until_shown(pilot, app, "mailer")
    await until(pilot, lambda: app.focused is table_of(app))


@pytest.mark.parametrize(
    ("key", "view", "text"),
    [
        ("1", View.OVERVIEW, "service/cron"),
        ("3", View.INSTANCES, "web-1"),
        ("4", View.HOSTS, "✖ down"),
        ("5", View.CODEBASES, "0123abc"),
        ("6", View.EVENTS, "[b]x[/b]"),
        ("7", View.AWS, "no service of this home starts any"),
        ("8", View.DEPLOYS, "✖ failed"),
    ],
)
@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
def test_a_number_leads_to_its_screen(
    key: str, view: View, text: str, size: tuple[int, int]
) -> None:
    backend = FakeBackend(EVERYTHING)

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await pilot.press(key)
        await until_shown(pilot, app, text)
        assert view_of(app) is view
        assert max(map(len, screen_lines(app))) <= size[0]
        await until(pilot, lambda: backend.requests[-1].view is view)
        await pilot.press("2")
        await until_shown(pilot, app, "billing")
        assert view_of(app) is View.SERVICES

    run_app(backend, scenario, size=size)


@pytest.mark.parametrize("view", list(View))
def test_every_footer_has_at_most_six_keys(view: View) -> None:
    shown_keys = [b for b in screen_class(view).BINDINGS if getattr(b, "show", False)]
    assert 2 <= len(shown_keys) <= 6


def test_a_screen_keeps_its_cursor_and_its_filter() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await pilot.press("j", "j", "4")
        await until_shown(pilot, app, "✖ down")
        await pilot.press("2")
        await until_shown(pilot, app, "billing")
        assert table_of(app).cursor_key == "cron"

    run_app(FakeBackend(EVERYTHING), scenario)


def test_brackets_go_back_and_forward() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        for key, view in (("4", View.HOSTS), ("6", View.EVENTS)):
            await pilot.press(key)
            await until(pilot, is_in_view(app, view))
        for key, view in (
            ("left_square_bracket", View.HOSTS),
            ("left_square_bracket", View.SERVICES),
            ("left_square_bracket", View.SERVICES),
            ("right_square_bracket", View.HOSTS),
            ("escape", View.SERVICES),
        ):
            await pilot.press(key)
            await until(pilot, is_in_view(app, view))

    run_app(FakeBackend(EVERYTHING), scenario)


def test_a_command_leads_to_a_screen_with_a_filter() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await pilot.press("colon", *"in ma", "enter")
        await until_shown(pilot, app, "/ma")
        assert (view_of(app), shown(app)) == (View.INSTANCES, ["mailer-1"])
        await pilot.press("colon", *"evnts", "enter")
        await until_shown(pilot, app, "did you mean :events?")
        await pilot.press("colon", *"codeb")
        await pilot.pause(0.1)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: view_of(app) is View.CODEBASES)
        await pilot.press("colon", *"svc", "escape")
        assert view_of(app) is View.CODEBASES
        await pilot.press("colon", *"help", "enter")
        await until_shown(pilot, app, "This screen")

    run_app(FakeBackend(EVERYTHING), scenario)


def test_the_command_quit_quits() -> None:
    backend = FakeBackend(EVERYTHING)

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await pilot.press("colon", "q", "enter")

    run_app(backend, scenario)
    assert not backend.is_open


def test_the_palette_offers_screens_and_actions() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await pilot.press("ctrl+p")
        await until_shown(pilot, app, "Go to hosts")
        await pilot.press(*"faults")
        await until_shown(pilot, app, "Faults only")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ResourceScreen))
        await until(pilot, lambda: shown(app) == ["cron"])

    run_app(FakeBackend(EVERYTHING), scenario, size=(120, 40))


def test_o_chooses_the_column_and_turns_the_order_round() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await pilot.press("o")
        await until_shown(pilot, app, "NAME▲")
        await pilot.press("o")
        assert shown(app) == sorted(NAMES, reverse=True)
        await until_shown(pilot, app, "NAME▼")
        await pilot.press("right", "l", "l", "l")
        assert table_of(app).arrangement.sort_column == "CPU"
        assert shown(app) == list(reversed(NAMES))
        await pilot.press("o", "enter")
        assert shown(app) == list(NAMES)
        assert not table_of(app).is_choosing
        await pilot.press("o", "o", "escape")
        assert table_of(app).arrangement.sort_column == "CPU"
        assert not table_of(app).arrangement.is_reversed

    run_app(FakeBackend(EVERYTHING), scenario)


def test_any_other_key_keeps_the_order_and_does_its_own() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await pilot.press("o", "o", "j")
        assert (table_of(app).is_choosing, shown(app)[0]) == (False, "web")
        await pilot.press("slash", *"il")
        assert shown(app) == ["mailer", "billing"]

    run_app(FakeBackend(EVERYTHING), scenario)


def test_a_frozen_table_does_not_move() -> None:
    backend = FakeBackend(EVERYTHING)

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        table_of(app).choose(Arrangement(sort_column="CPU", is_reversed=True))
        await pilot.press("Z")
        await until_shown(pilot, app, "frozen")
        from dataclasses import replace

        busy = (a_service("api", cpu_percent=99.0), *SERVICES[1:])
        backend.put(replace(EVERYTHING, services=busy))
        await until_shown(pilot, app, "99%")
        assert shown(app) == list(reversed(NAMES))
        await pilot.press("Z")
        assert shown(app)[0] == "api"

    run_app(backend, scenario)


def test_faults_wide_and_escape() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await pilot.press("exclamation_mark", "w")
        await until_shown(pilot, app, "PLACEMENT")
        assert shown(app) == ["cron"]
        await until_shown(pilot, app, "1 of 5  !faults")
        await pilot.press("escape")
        assert shown(app) == list(NAMES)
        await pilot.press("w")
        await until(pilot, lambda: "PLACEMENT" not in screen_text(app))

    run_app(FakeBackend(EVERYTHING), scenario)


def test_a_broken_filter_says_so_and_keeps_the_rows() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await pilot.press("slash", *"mail[")
        await until_shown(pilot, app, "✖ mail[")
        assert shown(app) == ["mailer"]
        assert app.screen.query_one("#prompt").has_class("-broken")
        await pilot.press("backspace", *"|web")
        assert shown(app) == ["mailer", "web"]
        await pilot.press("escape")
        assert shown(app) == list(NAMES)

    run_app(FakeBackend(EVERYTHING), scenario)


def test_actions_are_about_the_marked_rows_that_are_shown() -> None:
    backend = FakeBackend(EVERYTHING)

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await pilot.press("space", "space", "j", "space")
        await until_shown(pilot, app, "3 marked")
        await pilot.press("slash", *"!billing", "enter")
        await until_shown(pilot, app, "2 marked")
        await pilot.press("x")
        await until_shown(pilot, app, "Stop 2 services: 4 instances")
        # What is under the dialog moves; what was shown is what is stopped.
        backend.put(a_snapshot(a_service("other")))
        button = app.screen.query_one("#confirm", Button)
        await until(pilot, lambda: not button.disabled)
        await pilot.press("right", "enter")
        await until(pilot, lambda: backend.flows.orders)
        assert backend.flows.orders == [Order(verb=OrderVerb.STOP, targets=("api", "mailer"))]
        await until_shown(pilot, app, "2 done")

    run_app(backend, scenario)


def test_escape_takes_marks_away_first() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await pilot.press("slash", *"il", "enter", "space", "escape")
        assert not table_of(app).marked
        assert table_of(app).arrangement.filter_text == "il"
        await pilot.press("escape")
        assert shown(app) == list(NAMES)

    run_app(FakeBackend(EVERYTHING), scenario)


def test_one_failure_does_not_keep_the_rest_from_being_done() -> None:
    backend = FakeBackend(EVERYTHING)
    backend.flows.refusals["api"] = ConflictError("it is locked", hint="odbctl why api")

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await pilot.press("space", "space", "u")
        await until_shown(pilot, app, "✖ 1 of 2 done; it is locked - odbctl why api")
        assert backend.flows.orders[-1].targets == ("api", "billing")
        backend.flows.refusals["billing"] = ConflictError("it is away")
        await pilot.press("u")
        await until_shown(pilot, app, "✖ it is locked (and 1 more) - odbctl why api")

    run_app(backend, scenario)


def test_copy_gives_the_name_and_then_the_row() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await pilot.press("c")
        await until_shown(pilot, app, "copied api")
        assert app.clipboard == "api"
        await pilot.press("c")
        await until(pilot, lambda: "\t" in app.clipboard)
        assert app.clipboard.startswith("api\t● running\t2/2\tmain@0123abc")

    run_app(FakeBackend(EVERYTHING), scenario)


def test_yaml_of_the_object_can_be_scrolled_copied_and_left() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await pilot.press("j", "y")
        await until_shown(pilot, app, "kind: services")
        await until_shown(pilot, app, "name: billing")
        await pilot.press("G")
        await until_shown(pilot, app, "- line 99")
        await pilot.press("c")
        assert "line 50" in app.clipboard
        await pilot.press("escape")
        await until_shown(pilot, app, "mailer")
        assert not isinstance(app.screen, TextScreen)

    run_app(FakeBackend(EVERYTHING), scenario)


def test_an_object_that_is_gone_has_no_yaml() -> None:
    backend = FakeBackend(EVERYTHING)
    backend.refusal = ConflictError("no service [api]")

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await pilot.press("y")
        await until_shown(pilot, app, "✖ no service [api]")

    run_app(backend, scenario)


def test_an_instance_is_stopped_by_the_id_that_was_shown() -> None:
    backend = FakeBackend(EVERYTHING)

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await pilot.press("3")
        await until_shown(pilot, app, "web-1")
        await pilot.press("j", "x")
        await until_shown(pilot, app, "Stop billing-1")
        button = app.screen.query_one("#confirm", Button)
        await until(pilot, lambda: not button.disabled)
        await pilot.press("right", "enter")
        await until(pilot, lambda: backend.flows.orders)
        wanted = Order(verb=OrderVerb.STOP_INSTANCE, targets=("billing-1",))
        assert backend.flows.orders == [wanted]

    run_app(backend, scenario)


@pytest.mark.parametrize(
    ("keys", "service"),
    [(["2", "j", "d"], "billing"), (["8", "enter"], "api"), (["1", "j", "enter"], "cron")],
)
def test_enter_opens_the_service(keys: list[str], service: str) -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await pilot.press(keys[0])
        await until(pilot, lambda: app.focused is table_of(app) and shown(app))
        await pilot.press(*keys[1:])
        await until(pilot, lambda: isinstance(app.screen, DetailScreen))
        await until_shown(pilot, app, f"{service}  ")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ResourceScreen))

    run_app(FakeBackend(EVERYTHING), scenario)


@pytest.mark.parametrize(
    ("key", "view", "names"),
    [("4", View.INSTANCES, [f"{n}-1" for n in NAMES]), ("5", View.SERVICES, list(NAMES))],
)
def test_enter_goes_from_a_host_or_codebase_to_what_runs(
    key: str, view: View, names: list[str]
) -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await pilot.press(key)
        await until(pilot, lambda: app.focused is table_of(app) and shown(app))
        before = view_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: view_of(app) is view and shown(app) == names)
        assert table_of(app).arrangement.filter_text
        await pilot.press("escape", "escape")
        await until(pilot, lambda: view_of(app) is before)

    run_app(FakeBackend(EVERYTHING), scenario)


def test_a_readonly_dashboard_neither_offers_nor_does_a_change() -> None:
    backend = FakeBackend(EVERYTHING)

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await until_shown(pilot, app, "read-only")
        assert "Stop" not in screen_text(app)
        await pilot.press("u", "x", "r", "equals_sign", "3")
        await until_shown(pilot, app, "web-1")
        assert "Stop" not in screen_text(app)
        await pilot.press("x", "question_mark")
        await until_shown(pilot, app, "This screen")
        assert "Stop" not in screen_text(app)
        assert not isinstance(app.screen, ConfirmDialog)

    run_app(backend, scenario, size=(120, 60), is_readonly=True)
    assert not backend.flows.orders


def test_screens_that_are_not_shown_are_given_nothing() -> None:
    backend = FakeBackend(EVERYTHING)

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        services = table_of(app)
        await pilot.press("3")
        await until_shown(pilot, app, "web-1")
        before = services.lines_rendered
        backend.put(a_snapshot(a_service("other")))
        await until_shown(pilot, app, "● 1 running")
        assert services.lines_rendered == before

    run_app(backend, scenario)


@pytest.mark.parametrize("key", "12345678")
def test_a_tick_without_change_draws_nothing_on_any_screen(key: str) -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await pilot.press(key)
        await until(pilot, lambda: app.state.snapshot and app.state.snapshot.view is view_of(app))
        await pilot.pause(0.2)
        screen = app.screen
        assert isinstance(screen, ResourceScreen)
        drawn: list[str] = []
        for widget in screen.query("*"):
            refresh = widget.refresh

            def told(*args: Any, name: str = str(widget), go: Any = refresh, **words: Any) -> Any:
                drawn.append(name)
                return go(*args, **words)

            widget.refresh = told  # type: ignore[method-assign]
        screen.show_state(app.state)
        await pilot.pause()
        assert not drawn

    run_app(FakeBackend(EVERYTHING), scenario, size=(120, 40))


def test_one_changed_cell_of_five_hundred_services_draws_one_line() -> None:
    many = tuple(a_service(f"service-{n:03}") for n in range(500))
    backend = FakeBackend(a_snapshot(*many))

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "service-007")
        table = table_of(app)
        await pilot.pause(0.1)
        before = table.lines_rendered
        backend.put(a_snapshot(*many[:5], a_service("service-005", restarts=7), *many[6:]))
        await until(pilot, lambda: table.rows[5].restarts == 7)
        await pilot.pause()
        assert table.lines_rendered == before + 1
        # What is out of sight is not drawn.
        backend.put(a_snapshot(*many[:499], a_service("service-499", restarts=7)))
        await until(pilot, lambda: table.rows[499].restarts == 7)
        await pilot.pause()
        assert table.lines_rendered == before + 2

    run_app(backend, scenario, size=(200, 60))


@pytest.mark.parametrize(
    "name", ["[bold]x[/]", "数据库-服务", "🚀-rocket-🧑‍🚀", "a\x1b[31mb", "é" * 50]
)
@pytest.mark.parametrize("key", "123")
def test_names_of_every_kind_are_drawn_and_filtered(name: str, key: str) -> None:
    from dataclasses import replace

    everything = replace(
        EVERYTHING,
        services=(a_service(name, state="degraded"), *SERVICES),
        instances=(an_instance(f"{name}-1"),),
    )

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await pilot.press(key)
        await until(pilot, lambda: app.state.snapshot and app.state.snapshot.view is view_of(app))
        await until(pilot, lambda: shown(app))
        await pilot.press("slash", name[0], "enter", "space", "o", "o", "enter", "c")
        await pilot.pause()
        table = table_of(app)
        strips = [table.render_line(y) for y in range(table.size.height)]
        assert {strip.cell_length for strip in strips} == {table.size.width}
        assert not any("\x1b" in strip.text for strip in strips)

    run_app(FakeBackend(everything), scenario)


@pytest.mark.parametrize("size", [(1, 1), (61, 16), (300, 5)])
def test_no_key_crashes_a_tiny_terminal(size: tuple[int, int]) -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until(pilot, lambda: app.state.snapshot is not None)
        await pilot.press("3", "o", "slash", "escape")
        await pilot.resize_terminal(100, 30)
        await until(pilot, lambda: isinstance(app.screen, ResourceScreen))

    run_app(FakeBackend(EVERYTHING), scenario, size=size)


def test_a_click_moves_the_cursor_and_a_second_one_opens() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await pilot.click("#table", offset=(3, 2))
        assert table_of(app).cursor_key == "billing"
        await pilot.click("#table", offset=(3, 2))
        await until(pilot, lambda: isinstance(app.screen, DetailScreen))

    run_app(FakeBackend(EVERYTHING), scenario)


def test_help_names_the_keys_of_screen_tables_and_navigation() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await ready(pilot, app)
        await pilot.press("question_mark")
        await until_shown(pilot, app, "Everywhere")
        lines = [line.split() for line in screen_text(app).replace("│", " ").splitlines()]
        for words in (
            ["!", "Faults", "only"],
            ["Z", "Freeze"],
            ["[", "Previous", "view"],
            [":", "Command"],
        ):
            assert any(" ".join(words) in " ".join(line) for line in lines), words

    run_app(FakeBackend(EVERYTHING), scenario, size=(200, 60))
