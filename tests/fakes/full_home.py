"""A home with one of everything, and with names and texts that are hard to draw."""

from __future__ import annotations

from dataclasses import replace

from fakes.dashboard import (
    FakeBackend,
    a_codebase,
    a_deploy,
    a_host,
    a_service,
    an_event,
    an_instance,
)
from fakes.flows import FakeDetails, FakeFlows, a_log, a_ref, a_release, a_rollout, a_toolbox
from fakes.logs import FakeLogs
from fakes.moment import NOW

from odbctl.tui.detail_rows import (
    DetailFacts,
    Fact,
    FactGroup,
    Metrics,
    Presence,
    Question,
    Series,
    config_facts,
)
from odbctl.tui.flows.rows import RolloutView
from odbctl.tui.paint import Tone
from odbctl.tui.plot import Mark
from odbctl.tui.plot_canvas import Point
from odbctl.tui.resource_rows import AwsRow, MachineLoad
from odbctl.tui.snapshot import DashboardSnapshot, Detail, ManagerState
from odbctl.tui.toolbox import Toolbox

MEBI = 2**20
SERVICES = (
    replace(
        a_service("api", ready=3, desired=3, cpu_percent=12.4),
        rss_bytes=340 * MEBI,
        deployed_at=NOW - 480,
        cpu_history=(4.0, 8.0, 12.0, 9.0, 12.4),
    ),
    replace(
        a_service("billing", state="degraded", ready=1, restarts=3, cpu_percent=101.0),
        rss_bytes=1_290 * MEBI,
        reason="billing-2 ended with exit 1; the next try is in 8 s",
    ),
    replace(
        a_service("mailer-[red]bold[/red]", cpu_percent=0.3),
        rss_bytes=80 * MEBI,
        ref="feature/[link=x]@fedcba9",
        restarts=1,
    ),
    replace(
        a_service("nightly", state="stopped", ready=0, desired=0),
        reason="",
        codebase="jobs",
    ),
    replace(
        a_service("red\x1b[31mname", state="starting", ready=0),
        reason="red-1 is initializing",
    ),
    replace(
        a_service("thumbs-👍🏽-🚀", state="crash-loop", ready=0, desired=1, restarts=5),
        reason="5 crashes in 60 s: ValueError: \x1b[1mno [bold]such[/] table\x1b[0m; odbctl why",
    ),
    replace(a_service("見積-サービス", ready=1, desired=1, cpu_percent=55.0), rss_bytes=512 * MEBI),
)
MANY = tuple(
    a_service(f"service-{n:03}", state="crash-loop" if n % 50 == 49 else "running")
    for n in range(500)
)
API_INSTANCES = (
    replace(an_instance("api-1"), health="ready", cpu_percent=4.1, rss_bytes=113 * MEBI),
    replace(
        an_instance("api-4", last_exit="signal 9"),
        pid=4_243,
        health="ready",
        failures=1,
        cpu_percent=8.3,
        rss_bytes=114 * MEBI,
        started_at=NOW - 70,
    ),
    replace(
        an_instance("api-5", state="crashed", last_exit="code 1"),
        running_at=NOW - 40,
        ended_at=NOW - 20,
        reason="ValueError: [bold]no[/]",
    ),
)
EVENTS = (
    an_event("started", "api-4 on local"),
    replace(an_event("crashed", "signal 9", level="error"), count=3, at=NOW - 60),
    replace(an_event("unhealthy", "GET /health: \x1b[31m503\x1b[0m", level="warning"), at=NOW - 90),
    replace(
        an_event("deployed", "release 4: main@0123abc"),
        at=NOW - 480,
        actor="ann@here",
    ),
    replace(an_event("scaled", "2 → 3"), subject="service/見積-サービス", at=NOW - 4_000),
    replace(an_event("created", "by [link=x]ann[/link]"), at=NOW - 86_000, actor="ann@here"),
)
HOME = DashboardSnapshot(
    home="/srv/odbctl",
    host="here",
    manager=ManagerState.RUNNING,
    services=SERVICES,
    instances=(
        *API_INSTANCES[:2],
        replace(an_instance("billing-1"), health="not ready", pid=4_300),
        replace(
            an_instance("thumbs-👍🏽-🚀-5", state="crashed", last_exit="code 1"),
            failures=5,
            reason="ValueError: no [bold]such[/] table",
        ),
        replace(an_instance("見積-サービス-1"), health="ready", pid=4_400),
    ),
    hosts=(
        a_host("local"),
        replace(a_host("gpu-[b]1[/b]", state="down"), last_seen_at=NOW - 7_200, load=None),
        replace(a_host("計算機", state="draining"), max_instances=4),
    ),
    codebases=(
        replace(a_codebase("app"), used_by=("api", "billing"), newer_count=0),
        replace(
            a_codebase("[red]app[/red]"), state="missing", used_by=(), subject="Say [b]hi[/b] 👋"
        ),
        replace(a_codebase("見積"), refs=("feature/長い名前", "v1"), subject="税率を更新"),
    ),
    events=EVENTS,
    deploys=(
        a_deploy("api", 4),
        a_deploy("api", 3, status="superseded"),
        replace(
            a_deploy("billing", 2, status="failed"),
            reason="billing-3: \x1b[31mno such [table]",
            created_at=NOW - 4_000,
            finished_at=NOW - 3_900,
        ),
        replace(a_deploy("見積-サービス", 1, status="rolling"), finished_at=None),
    ),
    aws=(
        AwsRow(
            key="i-0123456789abcdef0",
            state="running",
            type="m7i.large",
            group="workers",
            created_at=NOW - 7_000,
        ),
        AwsRow(
            key="i-0fedcba9876543210",
            state="terminated",
            type="g6.xlarge",
            group="gpu-[b]",
            created_at=NOW - 90_000,
        ),
    ),
    machine=MachineLoad(
        cpu_percents=tuple(50 + 40 * ((n * 7) % 10 - 5) / 5 for n in range(60)),
        ram_percents=tuple(60 + n / 6 for n in range(60)),
        ram_bytes=16 * 2**30,
    ),
)
EMPTY = DashboardSnapshot(home="/srv/odbctl", host="here", manager=ManagerState.ABSENT, services=())
LOG_LINES = (
    *(f"request {n} took {n % 7 + 1} ms" for n in range(40)),
    "\x1b[31mred\x1b[0m and \x1b[1mbold\x1b[0m, a bell \x07 and a clear \x1b[2J",
    "[bold]markup[/bold] [link=https://example.org]stays[/link]",
    "見積を保存しました 👍🏽",
    '{"level": "info", "message": "as JSON"}',
)
_TIMES = tuple(NOW - 3_600 + 10 * n for n in range(360))
FACTS = DetailFacts(
    question=Question(service="api"),
    presence=Presence.HERE,
    state="running",
    counts="3/3 ready",
    ref="main@0123abc",
    why=("api is running: 3 wanted, 3 running", "release 4 is active: main@0123abc"),
    groups=(
        FactGroup(
            title="runs",
            facts=(
                Fact(name="class", value="app:App"),
                Fact(name="placement", value="Any"),
                Fact(name="restart", value="always"),
            ),
        ),
        FactGroup(
            title="limits",
            facts=(
                Fact(name="memory", value="96M", tone=Tone.WARN),
                Fact(name="open files", value="1024"),
            ),
        ),
    ),
    instances=API_INSTANCES,
    events=EVENTS,
    metrics=Metrics(
        since=NOW - 3_600,
        until=NOW,
        series=tuple(
            Series(
                instance=f"api-{number}",
                cpu=tuple(
                    Point(at, 20 + 15 * ((place // 30) % 3)) for place, at in enumerate(_TIMES)
                ),
                rss=tuple(Point(at, (48 + place / 12) * MEBI) for place, at in enumerate(_TIMES)),
            )
            for number in (1, 4)
        ),
        memory_limit=96.0 * MEBI,
        wanted=2,
    ),
    marks=(Mark(NOW - 480, "D", Tone.GOOD), Mark(NOW - 60, "C", Tone.BAD)),
    config=config_facts(
        {"greeting": "見積 [b]hi[/b]", "api_token": "hunter2", "url": "https://ann:pw@example.org"}
    ),
    env_names=("DATABASE_URL", "LANG"),
    releases=(
        a_release(4, "active"),
        a_release(3),
        replace(a_release(2, "failed"), reason="api-2: \x1b[31mno such [table]"),
    ),
)
ROLLOUT: RolloutView = replace(
    a_rollout(ready=1),
    logs=(
        a_log("listening on [::]:8080", instance="api-3"),
        a_log("\x1b[33mcache is cold\x1b[0m", level="WARNING", instance="api-3"),
        a_log("見積を読み込みました", instance="api-4"),
    ),
)


def full_backend(snapshot: DashboardSnapshot = HOME) -> FakeBackend:
    """Return the home, with what is known of the services that the cursor comes to."""
    backend = FakeBackend(snapshot)
    backend.put_detail(Detail(service="api", instances=API_INSTANCES, events=EVENTS))
    backend.put_detail(Detail(service="service-000", instances=API_INSTANCES[:1], events=EVENTS))
    backend.logs["api"] = full_logs()
    backend.logs["service-000"] = full_logs()
    return backend


def full_logs() -> FakeLogs:
    """Return a log with what is hard to draw, a warning and an error."""
    logs = FakeLogs(*LOG_LINES)
    logs.log("the cache is cold", level="WARNING")
    logs.log("Traceback: ValueError('no [bold]such[/] table')", level="ERROR")
    return logs


def full_toolbox(theme: str = "dark") -> Toolbox:
    """Return flows and details of the same home."""
    flows = FakeFlows()
    flows.refs_found = (
        *flows.refs_found,
        a_ref("feature/長い名前", subject="税率を更新 [b]now[/b]"),
    )
    flows.put(ROLLOUT)
    return a_toolbox(flows, FakeDetails(FACTS), theme=theme)
