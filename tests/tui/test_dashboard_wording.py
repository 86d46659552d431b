"""One way to write a figure, singular and plural, limits that nothing enforces, stale lines."""

from __future__ import annotations

from typing import Any, cast

import pytest
from fakes.dashboard import FakeBackend, a_service, a_snapshot, run_app, screen_text, until_shown
from fakes.flows import service_document
from rich.cells import cell_len
from textual.pilot import Pilot

from odbctl.engine.api.figures import recent_service_cpu
from odbctl.engine.api.live_views import LiveService
from odbctl.engine.managers.sampling import figures_path
from odbctl.engine.telemetry.figures import GRAINS, Sample, append_sample, recent_cpu
from odbctl.paths import Home
from odbctl.tui import plot_axis
from odbctl.tui.app import DashboardApp
from odbctl.tui.detail_facts import service_groups
from odbctl.tui.detail_paint import fact_lines
from odbctl.tui.detail_reading import with_points
from odbctl.tui.detail_rows import Fact, FactGroup, Series
from odbctl.tui.live_rows import LiveRows
from odbctl.tui.messages import StatusChanged
from odbctl.tui.plot_canvas import Point
from odbctl.tui.state import done, told
from odbctl.tui.text import counted, percent

NOW = 1_000_005.0
STEP = GRAINS[0][0]


def test_graphs_and_tables_write_figures_with_the_same_functions() -> None:
    assert not hasattr(plot_axis, "percent")
    assert not hasattr(plot_axis, "size")


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0%"), (0.04, "0.0%"), (5, "5.0%"), (9.96, "10%"), (2_000, "2k%")]
)
def test_percents(value: float, text: str) -> None:
    assert percent(value) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 runs"), (1, "1 run"), (2, "2 runs")])
def test_singular_and_plural(count: int, text: str) -> None:
    assert counted(count, "run") == text


def facts_of(**fields: object) -> dict[str, str]:
    document = service_document()
    defaults: dict[str, Any] = {
        "release": 1,
        "candidate": None,
        "time_zone": "",
        "overlap": "skip",
        "next_run_at": None,
        "class": "app:App",
        "codebase": None,
        "placement": "Any",
        "depends_on": [],
        "waits_for": [],
        "memory_limit_bytes": None,
        "memory_held_by": None,
        "cpu_limit": None,
        "cpu_held_by": None,
        "cores": 0.0,
        "ram_gb": 0.0,
        "log_max_bytes": 1,
        "log_quota_bytes": 1,
        "readiness": None,
        "liveness": None,
        "on_unhealthy": "replace",
        "restarts": 0,
        "start_grace_seconds": 30.0,
        "stop_grace_seconds": 10.0,
        "stop_signal": "",
        "created_at": 0.0,
        "paused": False,
        "target_count": 2,
        "settle_seconds": 0.0,
    }
    groups = service_groups(cast("Any", {**document, **defaults, **fields}))
    return {fact.name: fact.value for group in groups for fact in group.facts}


@pytest.mark.parametrize("by", [None, "nothing"])
def test_a_limit_that_no_host_enforces_says_so(by: str | None) -> None:
    facts = facts_of(
        cpu_limit=1.0, cpu_held_by=by, memory_limit_bytes=2**29, memory_held_by=by, cores=1.0
    )
    assert facts["cpu limit"] == "1 core, not enforced"
    assert facts["memory limit"] == "512M, not enforced"
    assert facts["reserves"] == "1 core, 0 GB"
    assert facts_of(cpu_limit=2.0, cpu_held_by="cgroup v2")["cpu limit"] == (
        "2 cores, enforced by cgroup v2"
    )


def test_what_was_said_on_one_screen_is_not_said_on_the_next() -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "api")
        app.post_message(StatusChanged(done("copied api")))
        await until_shown(pilot, app, "copied api")
        await pilot.press("8")
        await until_shown(pilot, app, "deploys")
        assert "copied api" not in screen_text(app)
        app.post_message(StatusChanged(told("deploying api")))
        await until_shown(pilot, app, "deploying api")
        await pilot.press("2")
        await until_shown(pilot, app, "services")
        assert "deploying api" in screen_text(app)

    run_app(FakeBackend(a_snapshot(a_service("api"))), scenario)


def record(home: Home, name: str, *, steps: int, percents: float) -> str:
    """Record steps of 10 s until now, in which a process used so many percent of a core."""
    path = figures_path(home, "api", name)
    for n in range(steps):
        at = NOW - STEP * (steps - 1 - n)
        append_sample(path, Sample(at, n * STEP * percents / 100, 2**20, 3, 1))
    return path


@pytest.mark.parametrize("steps", [5, 20, 400])
def test_recent_figures_are_the_newest_of_the_finest_ring(home: Home, steps: int) -> None:
    path = record(home, "api-1", steps=steps, percents=25.0)
    found = recent_cpu(path, now=NOW, count=20)
    assert [round(value) for _, value in found] == [25] * min(steps - 1, 20)
    assert found[-1][0] == int(NOW // STEP)
    assert recent_cpu(path, now=NOW + 10_000, count=20) == []
    assert recent_cpu(f"{path}.none", now=NOW, count=20) == []


def test_a_curve_begins_with_what_all_instances_used_before(home: Home) -> None:
    record(home, "api-1", steps=30, percents=25.0)
    record(home, "api-2", steps=4, percents=50.0)
    values = recent_service_cpu(home, "api", ["api-1", "api-2"], now=NOW, count=20)
    assert [round(value) for value in values[-4:]] == [25, 75, 75, 75]


def test_the_row_of_a_service_has_its_curve_at_once() -> None:
    live = LiveService(
        oid=1,
        name="api",
        state="running",
        reason="",
        ready_count=0,
        desired_count=0,
        is_singleton=False,
        is_scheduled=False,
        codebase="app",
        ref="main",
        commit="ab",
        placement="Any",
        restarts=0,
        created_at=1.0,
        deployed_at=None,
        codebases=frozenset(),
        instances=(),
        is_paused=False,
    )
    rows = LiveRows(lambda service: (1.0, 2.0) if service.name == "api" else ())
    rows.update({1: live}, [1], lambda _oid: None)
    assert rows.services[0].cpu_history == (1.0, 2.0)


def test_long_settings_are_wrapped_and_not_cut() -> None:
    value = "health every 10s, 3 failures in a row count"
    facts = (Fact(name="ready", value=value), Fact(name="name", value="見積" * 20))
    lines = fact_lines((FactGroup(title="probes", facts=facts),), 40)
    texts = ["".join(cell.text for cell in line) for line in lines]
    assert all(cell_len(text) <= 40 for text in texts)
    assert value in " ".join(" ".join(text.replace("ready", "").split()) for text in texts)
    assert sum(text.count("見積") for text in texts) == 20


def test_settings_say_each_thing_once() -> None:
    facts = facts_of(desired_count=1)
    assert (facts["release"], facts["desired"]) == ("1", "1 instance")


def test_instances_that_were_never_measured_count_in_no_graph() -> None:
    measured = Series(instance="api-1", cpu=(Point(1.0, 2.0),), rss=(Point(1.0, 2.0),))
    failed = Series(instance="api-2", cpu=(), rss=())
    assert with_points((measured, failed)) == (measured,)
    assert with_points((failed,)) == (failed,)
