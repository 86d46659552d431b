"""The help and the palette: every column is explained, typing searches, names lead to actions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.dashboard import (
    FakeBackend,
    a_service,
    a_snapshot,
    run_app,
    screen_lines,
    screen_text,
    until,
    until_shown,
)
from rich.cells import cell_len
from textual.command import CommandPalette
from textual.containers import VerticalScroll
from textual.pilot import Pilot

from odbctl.tui.app import DashboardApp
from odbctl.tui.columns import ColumnSpec
from odbctl.tui.detail_screen import DetailScreen
from odbctl.tui.flows.orders import Order, OrderVerb
from odbctl.tui.help_dialog import HelpDialog
from odbctl.tui.help_text import (
    COLUMN_CELLS,
    NAME_CELLS,
    SYMBOLS,
    column_section,
    found_in,
    key_sections,
    laid_out,
)
from odbctl.tui.keymap import key_names
from odbctl.tui.logs.screen import LogScreen
from odbctl.tui.paint import state_cell
from odbctl.tui.palette import MOST_OBJECTS, Offer, found_among, object_offers
from odbctl.tui.resource_table import ResourceTable
from odbctl.tui.resources import (
    ATTENTION,
    AWS,
    CODEBASES,
    DEPLOYS,
    EVENTS,
    HOSTS,
    INSTANCES,
    SERVICES,
)
from odbctl.tui.screens.services import ServicesScreen
from odbctl.tui.snapshot import ServiceRow
from odbctl.tui.table import RowTable
from odbctl.tui.views import View

TABLES = [
    (resource.view, resource.specs)
    for resource in (SERVICES, INSTANCES, HOSTS, CODEBASES, EVENTS, DEPLOYS, AWS, ATTENTION)
]
API = replace(a_service("api"), instances=("api-1", "api-3"))


def a_backend(*services: ServiceRow) -> FakeBackend:
    return FakeBackend(a_snapshot(*(services or (API, a_service("billing")))))


@pytest.mark.parametrize(("view", "specs"), TABLES)
def test_every_column_is_explained(view: View, specs: tuple[ColumnSpec, ...]) -> None:
    rows = column_section(view, specs).rows
    assert [row.name for row in rows] == [spec.name for spec in specs]
    assert all(row.meaning for row in rows)


@pytest.mark.parametrize("state", ["running", "starting", "stopping", "stopped", "backoff", "down"])
def test_the_legend_has_the_symbol_of_every_kind_of_state(state: str) -> None:
    cell = state_cell(state)
    symbol = cell.text.partition(" ")[0]
    assert any(symbol in row.name and row.tone is cell.tone for row in SYMBOLS.rows)


def test_a_search_finds_words_in_names_meanings_and_titles() -> None:
    sections = (*key_sections([("Here", ServicesScreen.BINDINGS)]), SYMBOLS)
    assert [row.name for s in found_in(sections, "roll back") for row in s.rows] == ["B"]
    assert [s.title for s in found_in(sections, "SYMBOLS")] == [SYMBOLS.title]
    assert found_in(sections, "no such word") == ()


@pytest.mark.parametrize("width", [20, 58, 114, 190])
def test_help_fills_the_width_with_columns(width: int) -> None:
    sections = (*key_sections([("Here", ServicesScreen.BINDINGS)]), SYMBOLS)
    lines = laid_out(sections, width)
    assert all(sum(cell_len(cell.text) for cell in line) <= width for line in lines)
    rows = sum(len(section.rows) for section in sections)
    assert (len(lines) < rows) == (width >= 2 * COLUMN_CELLS)


def test_help_explains_symbols_and_columns_and_typing_searches() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "billing")
        await pilot.press("question_mark")
        await until_shown(pilot, app, "READY")
        await pilot.press(*"needs attention")
        await until(pilot, lambda: "every action" not in screen_text(app).lower())
        await until_shown(pilot, app, "✖")
        await pilot.press("escape")
        await until_shown(pilot, app, "Every action")
        assert isinstance(app.screen, HelpDialog)
        await pilot.press(*"zzz")
        await until_shown(pilot, app, "nothing matches")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: isinstance(app.screen, ServicesScreen))

    run_app(a_backend(), scenario, size=(200, 60))


def test_the_key_that_opens_the_help_closes_it() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "billing")
        await pilot.press("question_mark")
        await until_shown(pilot, app, "This screen")
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, ServicesScreen))

    run_app(a_backend(), scenario)


def test_a_long_help_is_scrolled() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "billing")
        await pilot.press("question_mark")
        await until_shown(pilot, app, "This screen")
        pane = app.screen.query_one(VerticalScroll)
        await pilot.press("down")
        await until(pilot, lambda: pane.scroll_y == 1)
        await pilot.press("up")
        await until(pilot, lambda: pane.scroll_y == 0)
        for key, back in (("pagedown", "pageup"), ("ctrl+f", "ctrl+b")):
            await pilot.press(key)
            await until(pilot, lambda: pane.scroll_y > 1)
            await pilot.press(back)
            await until(pilot, lambda: pane.scroll_y == 0)

    run_app(a_backend(), scenario)


def texts_of(app: DashboardApp) -> set[str]:
    return {offer.text for offer in object_offers(app)}


def test_the_palette_knows_services_instances_and_their_actions() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "billing")
        assert {"restart api", "logs api-3", "stop api-1", "deploy billing"} <= texts_of(app)
        offers = {offer.text: offer for offer in object_offers(app)}
        offers["logs api-3"].do()
        await until(pilot, lambda: isinstance(app.screen, LogScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ServicesScreen))
        offers["open billing"].do()
        await until_shown(pilot, app, "6 releases")
        assert isinstance(app.screen, DetailScreen)

    run_app(a_backend(), scenario)


def test_typing_an_action_and_a_name_in_the_palette_does_it() -> None:
    backend = a_backend()

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "billing")
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"start api")
        await until_shown(pilot, app, "service, running")
        await pilot.pause(0.3)  # the palette takes the first hit once it has searched
        await pilot.press("down", "enter")
        await until(pilot, lambda: backend.flows.orders)
        assert backend.flows.orders == [Order(verb=OrderVerb.START, targets=("api",))]

    run_app(backend, scenario)


def test_a_read_only_palette_offers_no_change() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "billing")
        assert {text.split()[0] for text in texts_of(app)} == {"open", "logs"}

    run_app(a_backend(), scenario, is_readonly=True)


def test_the_palette_shows_few_of_many_offers_and_whole_names_first() -> None:
    offers = [Offer(f"start web-{n}", "", list) for n in range(1_000)]
    offers.append(Offer("start web", "", list))
    found = list(found_among(offers, "start web"))
    assert len(found) == MOST_OBJECTS
    assert found[0].text == "start web"
    assert list(found_among(offers, " ")) == []


def test_the_palette_names_keys_as_they_stand_on_the_keyboard() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "billing")
        await pilot.press("ctrl+p")
        await until_shown(pilot, app, "Go to overview")
        await pilot.press(*"view before")
        await until(pilot, lambda: "[" in [line.strip() for line in screen_lines(app)])
        assert "left_square_bracket" not in screen_text(app)

    run_app(a_backend(), scenario)


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        ("left_square_bracket", "["),
        ("ctrl+p", "ctrl+p"),
        ("space", "space"),
        ("exclamation_mark", "!"),
        ("j,down", "j down"),
        ("ctrl+f,pagedown", "ctrl+f page down"),
    ],
)
def test_keys_are_named_as_on_the_keyboard(keys: str, names: str) -> None:
    assert key_names(keys) == names


def test_a_gap_stands_between_every_key_and_what_it_does() -> None:
    groups = [("Here", ServicesScreen.BINDINGS), ("Tables", ResourceTable.BINDINGS)]
    groups.append(("Rows", RowTable.BINDINGS))
    names = [row.name for section in key_sections(groups) for row in section.rows]
    assert max(map(len, names)) < NAME_CELLS
