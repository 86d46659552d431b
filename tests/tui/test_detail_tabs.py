"""The detail of a service and of an instance: what each tab shows, driven by keys."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes.dashboard import (
    FakeBackend,
    Scenario,
    a_service,
    a_snapshot,
    an_event,
    an_instance,
    is_scrolled_to,
    run_app,
    screen_text,
    until,
    until_shown,
)
from fakes.flows import FakeDetails, FakeFlows, a_release, a_toolbox
from fakes.logs import FakeLogs
from fakes.moment import NOW
from textual.pilot import Pilot

from odbctl.errors import StoreError
from odbctl.tui.app import DashboardApp
from odbctl.tui.detail_rows import (
    MASK,
    DetailFacts,
    Fact,
    FactGroup,
    Metrics,
    Presence,
    Question,
    Range,
    Series,
    Tab,
    config_facts,
    event_marks,
    summed,
)
from odbctl.tui.detail_screen import DetailScreen
from odbctl.tui.plot_canvas import Point
from odbctl.tui.release_screen import ReleaseInfo

POINTS = tuple(Point(NOW - 3_600 + 10 * n, 25.0) for n in range(360))
BYTES = tuple(Point(point.at, 64.0 * 2**20) for point in POINTS)
FACTS = DetailFacts(
    question=Question(service="api"),
    presence=Presence.HERE,
    state="running",
    counts="2/2 ready",
    ref="main@0123abc",
    why=("api is running: 2 wanted, 2 running", "release 4 is [active]"),
    groups=(FactGroup(title="runs", facts=(Fact(name="class", value="app:App"),)),),
    instances=(an_instance("api-1"), an_instance("api-2", last_exit="signal 9")),
    events=(an_event("crashed", "signal 9", level="error"),),
    metrics=Metrics(
        since=NOW - 3_600,
        until=NOW,
        series=tuple(Series(instance=f"api-{n}", cpu=POINTS, rss=BYTES) for n in (1, 2)),
        memory_limit=96.0 * 2**20,
        wanted=2,
    ),
    config=config_facts({"greeting": "hi", "api_token": "hunter2"}),
    env_names=("DATABASE_URL",),
    releases=(a_release(4, "active"), a_release(3)),
)


def run_detail(
    details: FakeDetails,
    scenario: Scenario,
    *,
    size: tuple[int, int] = (100, 30),
    instance: str | None = None,
    flows: FakeFlows | None = None,
) -> None:
    async def opened(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "billing")
        app.push_screen(DetailScreen(app.state, "api", instance=instance))
        await until_shown(pilot, app, "[1 summary]")
        await scenario(pilot, app)

    backend = FakeBackend(a_snapshot(a_service("api"), a_service("billing")))
    backend.logs["api"] = FakeLogs()
    backend.logs["api"].log(*(f"line {n}" for n in range(40)))
    run_app(backend, opened, size=size, toolbox=a_toolbox(flows, details))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_each_tab_shows_its_own(size: tuple[int, int]) -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        for key, texts in [
            ("1", ["2 wanted, 2 running", "release 4 is [active]", "api-2", "app:App"]),
            ("2", ["line 39"]),
            ("3", ["crashed", "signal 9"]),
            ("4", ["CPU  50%", "RSS  128M", "limit 192M", "2 instances in total"]),
            ("5", ["greeting", '"hi"', MASK, "DATABASE_URL"]),
            ("6", ["● active", "○ superseded"]),
        ]:
            await pilot.press(key)
            for text in texts:
                await until_shown(pilot, app, text)
        assert "hunter2" not in screen_text(app)

    run_detail(FakeDetails(FACTS), scenario, size=size)


def test_tab_goes_round_and_esc_goes_back() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await pilot.press("tab")
        await until_shown(pilot, app, "[2 logs]")
        await pilot.press("shift+tab", "shift+tab")
        await until_shown(pilot, app, "[6 releases]")
        await pilot.press("escape")
        await until_shown(pilot, app, "billing")

    run_detail(FakeDetails(FACTS), scenario)


def test_an_instance_has_a_log_of_its_own() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "api-2")
        await pilot.press("j", "l")
        await until_shown(pilot, app, "api-2 logs")
        await until_shown(pilot, app, "line 39")
        await pilot.press("escape", "2")
        await until_shown(pilot, app, "[2 logs]")
        await until_shown(pilot, app, "line 39")
        await pilot.press("slash", *"line 7", "enter")
        await until_shown(pilot, app, "1 of 1")
        await pilot.press("escape", "escape")
        await until_shown(pilot, app, "billing")

    run_detail(FakeDetails(FACTS), scenario)


def test_only_what_is_shown_is_read_and_nothing_behind_a_dialog() -> None:
    details = FakeDetails(FACTS)

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await pilot.press("4")
        await until_shown(pilot, app, "CPU")
        assert details.questions[-1].tab is Tab.METRICS
        await pilot.press("question_mark")
        await until_shown(pilot, app, "Next tab")
        await until(pilot, lambda: details.open_count == 1)
        count = len(details.questions)
        details.wake()
        await pilot.pause(0.3)
        assert len(details.questions) <= count + 1
        await pilot.press("escape", "escape")
        await until(pilot, lambda: details.open_count == 0)

    run_detail(details, scenario)


def test_metrics_go_through_ranges_and_instances() -> None:
    details = FakeDetails(FACTS)

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await pilot.press("4")
        await until_shown(pilot, app, "last 1 h")
        await pilot.press("t")
        await until_shown(pilot, app, "last 1 day")
        assert details.questions[-1].range is Range.DAY
        await pilot.press("t", "t", "i")
        await until_shown(pilot, app, "api-1  last 1 h")
        await until_shown(pilot, app, "limit 96M")
        await pilot.press("I", "I")
        await until_shown(pilot, app, "api-2  last 1 h")

    run_detail(details, scenario)


def test_enter_opens_an_instance_and_a_release() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "api-2")
        await pilot.press("j", "enter")
        await until(pilot, lambda: app.screen.query("#title") and "api-2" in screen_text(app))
        front = app.screen
        assert isinstance(front, DetailScreen)
        assert front.name_shown == "api-2"
        await pilot.press("escape", "6")
        await until_shown(pilot, app, "○ superseded")
        await pilot.press("j", "enter")
        await until_shown(pilot, app, "Release 3 of api")
        assert isinstance(app.screen, ReleaseInfo)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DetailScreen))

    run_detail(FakeDetails(FACTS), scenario)


def test_long_settings_are_scrolled() -> None:
    facts = tuple(Fact(name=f"setting {n}", value="x") for n in range(60))
    long = replace(FACTS, groups=(FactGroup(title="runs", facts=facts),))

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "setting 0")
        settings = app.screen.query_one("#facts")
        for key, line in [("J", 1), ("K", 0)]:
            await pilot.press(key)
            await until(pilot, is_scrolled_to(settings, line))

    run_detail(FakeDetails(long), scenario)


def test_what_was_removed_says_what_is_left() -> None:
    gone = replace(FACTS, presence=Presence.REMOVED)

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "it was removed")
        await until_shown(pilot, app, "3 shows its last events")
        await pilot.press("3")
        await until_shown(pilot, app, "signal 9")
        await pilot.press("2")
        await until_shown(pilot, app, "line 39")

    run_detail(FakeDetails(gone), scenario)


def test_what_never_was_says_so() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "There is no object of that name")

    unknown = DetailFacts(question=Question(service="api"), presence=Presence.UNKNOWN)
    run_detail(FakeDetails(unknown), scenario)


def test_what_is_empty_is_told() -> None:
    empty = DetailFacts(
        question=Question(service="api"),
        presence=Presence.HERE,
        metrics=Metrics(since=NOW - 3_600, until=NOW, series=()),
    )

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        for key, text in [
            ("3", "no events yet"),
            ("4", "No instance ran in this period."),
            ("5", "none set"),
            ("6", "no release yet"),
        ]:
            await pilot.press(key)
            await until_shown(pilot, app, text)

    run_detail(FakeDetails(empty), scenario)


def test_what_cannot_be_read_is_told_and_tried_again() -> None:
    details = FakeDetails(FACTS)
    details.failure = StoreError("the disk is gone")

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "Cannot read, retrying: the disk is gone")
        details.failure = None
        await until_shown(pilot, app, "2 wanted, 2 running")

    run_detail(details, scenario)


@pytest.mark.parametrize("size", [(61, 16), (30, 5), (1, 1)])
def test_no_size_is_too_small(size: tuple[int, int]) -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        for width, height in [size, (80, 24)]:
            await pilot.resize_terminal(width, height)
            await pilot.press(*"1234561")
        await until_shown(pilot, app, "[1 summary]")

    run_detail(FakeDetails(FACTS), scenario, size=(80, 24))


def test_secrets_are_masked_wherever_they_stand() -> None:
    facts = config_facts(
        {
            "password": "x",
            "db_dsn": "y",
            "AUTH": "z",
            "empty_token": "",
            "url": "https://ann:hunter2@example.org/",
            "count": 3,
        }
    )
    assert {fact.name: fact.value for fact in facts} == {
        "password": MASK,
        "db_dsn": MASK,
        "AUTH": MASK,
        "empty_token": '""',
        "url": f'"https://{MASK}@example.org/"',
        "count": "3",
    }


def test_series_are_summed_by_steps() -> None:
    first = (Point(1, 1.0), Point(2, 3.0), Point(12, 5.0))
    second = (Point(3, 10.0),)
    assert summed((first, second), 10) == (Point(5, 12.0), Point(15, 5.0))
    assert summed((), 10) == ()


def test_events_are_marks_with_letters() -> None:
    from typing import Any, cast

    events = cast("Any", [{"at": 1.0, "reason": "crashed"}, {"at": 2.0, "reason": "scaled"}])
    assert [(mark.at, mark.letter) for mark in event_marks(events)] == [(1.0, "C")]
