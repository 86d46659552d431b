"""What failed looks failed: runs, releases, unready instances; whole reasons, until dismissed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from fakes.dashboard import (
    FakeBackend,
    a_service,
    a_snapshot,
    an_instance,
    run_app,
    screen_text,
    until,
    until_shown,
)
from fakes.flows import FakeFlows, a_plan, a_rollout, a_toolbox
from textual.pilot import Pilot

from odbctl.engine.api.engine import Engine
from odbctl.engine.managers.messages import WorkerExited
from odbctl.engine.managers.record import record_exits
from odbctl.engine.model.core import Codebase, Release, Service, ServiceHost, ServiceInstance
from odbctl.engine.model.probes import Probe, ProbeKind
from odbctl.engine.model.states import (
    ExitCause,
    HostState,
    InstanceState,
    ReleaseOutcome,
    RestartPolicy,
)
from odbctl.engine.worker.identity import identify
from odbctl.errors import OdbctlError
from odbctl.paths import Home
from odbctl.tui.app import DashboardApp
from odbctl.tui.backend import EngineBackend, Request
from odbctl.tui.columns import columns_for
from odbctl.tui.detail_reading import read_detail
from odbctl.tui.detail_rows import Question, Tab
from odbctl.tui.flows.orders import Order, OrderVerb
from odbctl.tui.flows.rollout import Rollout
from odbctl.tui.paint import Tone, instance_cells, service_cells
from odbctl.tui.resources import (
    ATTENTION,
    attention_cells,
    attention_rows,
    is_service_fault,
)
from odbctl.tui.snapshot import FAILED_STATES, DashboardSnapshot, ServiceRow
from odbctl.tui.state import NOTICES_KEPT, with_notice

LONG = "the configuration key DATABASE_URL is missing: " + "set it, " * 20 + "or give a default"


@pytest.fixture
def engine(home: Home) -> Iterator[Engine]:
    with Engine.open(home) as opened:
        yield opened


class World:
    """A host with a living manager, a codebase, and one service with release 1."""

    def __init__(self, **fields: object) -> None:
        me = identify()
        assert me is not None
        self.process = {"pid": me.pid, "boot_id": me.boot_id, "start_ticks": me.start_ticks}
        self.host = ServiceHost(
            name="local",
            state=HostState.UP,
            manager_pid=me.pid,
            manager_start_ticks=me.start_ticks,
            boot_id=me.boot_id,
        )
        self.codebase = Codebase(
            name="app", location="/srv/app", ref="main", commit="ab" * 20, tree="", added_at=1.0
        )
        self.service = Service(name="api", created_at=1.0, desired_count=1, release_count=1)
        for name, value in fields.items():
            setattr(self.service, name, value)
        self.service.release = self.release(1, ReleaseOutcome.ACTIVE)

    def release(self, number: int, outcome: ReleaseOutcome, reason: str | None = None) -> Release:
        self.service.release_count = number
        return Release(
            service=self.service,
            number=number,
            codebase=self.codebase,
            module="app",
            class_name="App",
            created_at=2.0,
            actor="ann",
            outcome=outcome,
            reason=reason,
        )

    def instance(self, number: int, state: InstanceState, **fields: object) -> ServiceInstance:
        release = self.service.release
        assert release is not None
        made = ServiceInstance(
            name=f"api-{number}",
            service=self.service,
            release=release,
            host=self.host,
            slot=0,
            created_at=3.0,
            state=state,
        )
        for name, value in fields.items():
            setattr(made, name, value)
        return made


def snapshot_of(engine: Engine, write: Callable[[], None]) -> DashboardSnapshot:
    with engine.db.transaction():
        write()
    with EngineBackend(engine.home).open() as source:
        return source.read(Request(service="api"))


def tone_of(row: ServiceRow, column: str) -> Tone:
    return service_cells(row, 0.0)[column].tone


def test_a_failed_run_of_a_schedule_is_a_fault(engine: Engine) -> None:
    def write() -> None:
        world = World(
            schedule="* * * * *",
            restart=RestartPolicy.NEVER,
            run_at=2.5,
            next_run_at=9e9,
        )
        world.instance(
            1,
            InstanceState.CRASHED,
            exit_code=3,
            exit_cause=ExitCause.EXIT,
            running_at=3.0,
            ended_at=4.0,
            reason="no space left",
        )

    snapshot = snapshot_of(engine, write)
    row = snapshot.services[0]
    assert row.state == "waiting"
    assert is_service_fault(row)
    assert tone_of(row, "STATUS") is Tone.BAD
    assert "run failed" in service_cells(row, 0.0)["STATUS"].text
    assert snapshot.count(FAILED_STATES) == 1
    [found] = attention_rows(snapshot)
    assert found.status == "run failed"
    assert "run api-1 failed: code 3: no space left" in found.reason
    assert "its next run is due" in found.reason


def test_a_run_that_ended_well_is_no_fault(engine: Engine) -> None:
    def write() -> None:
        world = World(
            schedule="* * * * *", restart=RestartPolicy.NEVER, run_at=2.5, next_run_at=9e9
        )
        world.instance(
            1, InstanceState.STOPPED, exit_code=0, exit_cause=ExitCause.EXIT, ended_at=4.0
        )

    snapshot = snapshot_of(engine, write)
    assert not is_service_fault(snapshot.services[0])
    assert attention_rows(snapshot) == ()


def test_a_job_that_failed_for_good_is_a_fault(engine: Engine) -> None:
    def write() -> None:
        world = World(restart=RestartPolicy.NEVER)
        world.instance(
            1,
            InstanceState.CRASHED,
            exit_code=1,
            exit_cause=ExitCause.EXIT,
            running_at=3.0,
            ended_at=4.0,
        )

    row = snapshot_of(engine, write).services[0]
    assert row.state == "stopped"
    assert is_service_fault(row)
    assert tone_of(row, "STATUS") is Tone.BAD


@pytest.mark.parametrize("fields", [{"schedule": "* * * * *"}, {}], ids=["schedule", "job"])
def test_a_failed_requested_run_of_a_stopped_service_is_a_fault(
    engine: Engine, fields: dict[str, object]
) -> None:
    def write() -> None:
        world = World(restart=RestartPolicy.NEVER, is_paused=True, **fields)
        world.instance(
            1,
            InstanceState.FAILED,
            is_one_off=True,
            exit_code=1,
            exit_cause=ExitCause.EXIT,
            ended_at=4.0,
            reason="no space left",
        )

    snapshot = snapshot_of(engine, write)
    row = snapshot.services[0]
    assert row.state == "stopped"
    assert is_service_fault(row)
    assert tone_of(row, "STATUS") is Tone.BAD
    assert snapshot.count(FAILED_STATES) == 1
    [found] = attention_rows(snapshot)
    assert (found.status, found.reason) == ("run failed", "run api-1 failed: code 1: no space left")


def test_a_failed_run_of_a_slot_is_no_fault_once_the_service_is_stopped(engine: Engine) -> None:
    def write() -> None:
        world = World(restart=RestartPolicy.NEVER, is_paused=True)
        world.instance(1, InstanceState.FAILED, exit_code=1, ended_at=4.0)

    assert attention_rows(snapshot_of(engine, write)) == ()


def test_a_failed_release_is_a_fault_until_another_one_comes(engine: Engine) -> None:
    worlds: list[World] = []

    def write() -> None:
        world = World()
        worlds.append(world)
        world.instance(1, InstanceState.RUNNING, running_at=4.0, **world.process)
        world.release(2, ReleaseOutcome.FAILED, LONG)

    snapshot = snapshot_of(engine, write)
    row = snapshot.services[0]
    assert row.state == "running"
    assert is_service_fault(row)
    assert tone_of(row, "STATUS") is Tone.WARN
    [found] = attention_rows(snapshot)
    assert (found.status, found.reason) == ("deploy failed", f"release 2 failed: {LONG}")
    facts = read_detail(engine, Question(service="api", tab=Tab.EVENTS), now=10.0)
    assert facts.reason == f"release 2 failed: {LONG}"

    def deploy_again() -> None:
        worlds[0].service.release = worlds[0].release(3, ReleaseOutcome.ACTIVE)

    assert not is_service_fault(snapshot_of(engine, deploy_again).services[0])


def test_an_instance_that_failed_while_its_rollout_was_given_up_reads_failed(
    engine: Engine,
) -> None:
    def write() -> None:
        world = World()
        started: dict[int, dict[str, object]] = {1: {}, 2: {"running_at": 3.2}}
        for number, fields in started.items():
            made = world.instance(number, InstanceState.STOPPING, stopping_at=3.5, **fields)
            record_exits([WorkerExited(made.oid, None, 1, None, 4.0)], actor="local")

    detail = snapshot_of(engine, write).detail
    assert detail is not None
    assert {row.key: row.state for row in detail.instances} == {
        "api-1": "failed",
        "api-2": "stopped",
    }


def test_a_service_that_runs_unready_looks_healthy_nowhere(engine: Engine) -> None:
    def write() -> None:
        world = World(readiness=Probe(ProbeKind.HEALTH))
        world.instance(
            1,
            InstanceState.RUNNING,
            running_at=4.0,
            is_ready=False,
            health="cannot reach the database",
            **world.process,
        )

    snapshot = snapshot_of(engine, write)
    row = snapshot.services[0]
    assert tone_of(row, "STATUS") is Tone.WARN
    assert tone_of(row, "READY") is Tone.BAD
    assert "cannot reach the database" in row.reason
    assert snapshot.count({"running"}) == 0
    assert snapshot.detail is not None
    [instance] = snapshot.detail.instances
    cells = instance_cells(instance, 0.0)
    assert cells["STATUS"] == ("▲ running", Tone.WARN)
    assert cells["HEALTH"] == ("not ready", Tone.WARN)
    assert cells["REASON"].text == "cannot reach the database"
    facts = read_detail(engine, Question(service="api"), now=10.0)
    assert [i.health for i in facts.instances] == ["not ready"]


def test_the_whole_reason_of_the_selected_row_is_shown() -> None:
    row = replace(a_service("api", state="degraded", ready=1), reason=LONG)

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until(pilot, lambda: "or give a default" in " ".join(screen_text(app).split()))

    run_app(FakeBackend(a_snapshot(row)), scenario)


def test_a_failed_order_stays_until_it_is_dismissed() -> None:
    backend = FakeBackend(a_snapshot(a_service("api")))
    backend.flows.failure = OdbctlError(LONG)

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "api")
        app.flows.perform(Order(verb=OrderVerb.START, targets=("api",)))
        await until(pilot, lambda: app.state.notices)
        backend.flows.failure = None
        app.flows.perform(Order(verb=OrderVerb.START, targets=("api",)))
        await until_shown(pilot, app, "start api: done")
        await pilot.press("1")
        await until_shown(pilot, app, "overview")
        await until(pilot, lambda: "or give a default" in " ".join(screen_text(app).split()))
        await pilot.press("escape")
        await until(pilot, lambda: "DATABASE_URL" not in screen_text(app))
        assert "overview" in screen_text(app)

    run_app(backend, scenario)


def test_a_deploy_that_fails_in_the_background_stays_until_it_is_dismissed() -> None:
    flows = FakeFlows()
    backend = FakeBackend(a_snapshot(a_service("api")))

    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "api")
        flows.put(a_rollout("failed", reason=LONG))
        Rollout(app, flows, a_plan()).start()
        await until(pilot, lambda: "or give a default" in " ".join(screen_text(app).split()))
        assert app.state.notices == (
            f"api: release 5 failed: {LONG}; the previous release keeps running",
        )

    run_app(backend, scenario, toolbox=a_toolbox(flows))


def test_few_notices_are_kept_and_none_twice() -> None:
    notices: tuple[str, ...] = ()
    for number in (*range(10), 9, 8):
        notices = with_notice(notices, f"notice {number}")
    kept = (*range(10 - NOTICES_KEPT, 8), 9, 8)  # what is said again is the newest
    assert notices == tuple(f"notice {n}" for n in kept)


def test_an_instance_that_is_not_probed_yet_is_not_green() -> None:
    row = replace(an_instance("api-1"), health="unknown")
    assert instance_cells(row, 0.0)["STATUS"].tone is Tone.BUSY


def test_the_overview_has_room_for_every_fault_word() -> None:
    rows = [replace(a_service("api"), failed_release="release 2 failed: x")]
    [found] = attention_rows(a_snapshot(*rows))
    [status] = [c for c in columns_for(ATTENTION.specs, 78) if c.name == "STATUS"]
    assert len(attention_cells(found, 0.0)["STATUS"].text) <= status.width
