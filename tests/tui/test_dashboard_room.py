"""What is seen in a terminal: rows at 80x24, key columns always, every column with `w`."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.dashboard import (
    FakeBackend,
    a_service,
    a_snapshot,
    an_instance,
    run_app,
    screen_lines,
    screen_text,
    until,
    until_shown,
)
from textual.pilot import Pilot

from odbctl.tui.app import DashboardApp
from odbctl.tui.columns import INSTANCE_COLUMNS, ColumnSpec, columns_for, wide_order
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
from odbctl.tui.snapshot import Detail

MANY = tuple(a_service(f"service-{n:03}") for n in range(40))
ALL_SPECS = [
    resource.specs
    for resource in (SERVICES, INSTANCES, HOSTS, CODEBASES, EVENTS, DEPLOYS, AWS, ATTENTION)
]


def services_in_sight(app: DashboardApp) -> int:
    return sum(line.startswith(" service-") for line in screen_lines(app))


@pytest.mark.parametrize(("size", "least"), [((80, 24), 13), ((120, 40), 14), ((200, 60), 22)])
def test_most_of_the_services_screen_is_services(size: tuple[int, int], least: int) -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until(pilot, lambda: services_in_sight(app) >= least)
        await until_shown(pilot, app, "service-000 instances")

    run_app(FakeBackend(a_snapshot(*MANY)), scenario, size=size)


@pytest.mark.parametrize(("size", "count"), [((80, 24), 15), ((120, 60), 12)])
def test_panes_have_what_few_services_leave(size: tuple[int, int], count: int) -> None:
    backend = FakeBackend(a_snapshot(a_service("api")))
    instances = tuple(an_instance(f"api-{n:02}") for n in range(1, count + 1))
    backend.put_detail(Detail(service="api", instances=instances))

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, f"api-{count}")

    run_app(backend, scenario, size=size)


def test_a_resize_changes_the_panes() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "service-000 instances")
        await pilot.resize_terminal(80, 18)
        await until(pilot, lambda: "service-000 instances" not in screen_text(app))
        await until(pilot, lambda: services_in_sight(app) >= 12)
        await pilot.resize_terminal(80, 40)
        await until_shown(pilot, app, "service-000 events")
        await until_shown(pilot, app, "service-000 log")

    run_app(FakeBackend(a_snapshot(*MANY)), scenario)


def test_the_cursor_stays_in_sight_in_a_smaller_terminal() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "service-000 instances")
        await pilot.resize_terminal(80, 60)
        await pilot.press(*["j"] * 20)
        await until_shown(pilot, app, "service-020 instances")
        await pilot.resize_terminal(80, 18)
        await until(pilot, lambda: "service-020" in screen_text(app))

    run_app(FakeBackend(a_snapshot(*MANY)), scenario)


@pytest.mark.parametrize("specs", ALL_SPECS)
@pytest.mark.parametrize("width", [59, 78, 118, 198])
def test_wide_hides_no_key_column_and_reaches_every_other(
    specs: tuple[ColumnSpec, ...], width: int
) -> None:
    keys = {spec.name for spec in specs if spec.is_key}
    seen: set[str] = set()
    assert keys
    for skipped in range(len(wide_order(specs)) + 1):
        names = {column.name for column in columns_for(specs, width, True, skipped)}
        assert keys <= names
        seen |= names
    assert seen == {spec.name for spec in specs}


def test_services_keep_name_status_and_ready_when_wide() -> None:
    names = [column.name for column in columns_for(SERVICES.specs, 78, is_wide=True)]
    assert names[:3] == ["NAME", "STATUS", "READY"]


def test_arrows_scroll_the_columns_of_a_wide_table() -> None:
    row = replace(a_service("api"), cpu_percent=12.0, codebase="shop")

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "RESTARTS")
        await pilot.press("w")
        await until_shown(pilot, app, "CODEBASE")
        await until_shown(pilot, app, "more column")
        await pilot.press(*["right"] * 5)
        await until_shown(pilot, app, "RESTARTS")
        assert "CODEBASE" not in screen_text(app)
        assert "READY" in screen_text(app)
        await pilot.press(*["left"] * 5)
        await until_shown(pilot, app, "CODEBASE")
        await pilot.press(*["right"] * 5)
        await until_shown(pilot, app, "RESTARTS")
        await pilot.press("w", "w")
        await until_shown(pilot, app, "CODEBASE")

    run_app(FakeBackend(a_snapshot(row)), scenario)


def test_the_instances_pane_has_health_and_cpu_at_eighty_cells() -> None:
    names = [column.name for column in columns_for(INSTANCE_COLUMNS, 78)]
    assert {"ID", "STATUS", "HEALTH", "CPU", "RSS", "UP", "REASON"} <= set(names)
