"""The dashboard over a real home: its database, its log files, its change signal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from fakes.dashboard import until, until_shown
from textual.pilot import Pilot

from odbctl.engine.api.engine import Engine
from odbctl.engine.model.core import Codebase, Release, Service, ServiceHost, ServiceInstance
from odbctl.engine.model.events import record_service_event
from odbctl.engine.model.states import ExitCause, InstanceState
from odbctl.errors import NotFoundError
from odbctl.paths import Home
from odbctl.tui.app import DashboardApp
from odbctl.tui.backend import EngineBackend, Request
from odbctl.tui.flows.engine_flows import EngineFlows
from odbctl.tui.flows.orders import Order, OrderVerb
from odbctl.tui.opening import Options, make_app, open_dashboard
from odbctl.tui.snapshot import ManagerState
from odbctl.tui.state import NO_MANAGER


@pytest.fixture
def engine(home: Home) -> Iterator[Engine]:
    with Engine.open(home) as opened:
        yield opened


def write_service(engine: Engine, name: str, *, count: int = 1) -> None:
    """Write a service with one crashed instance, as if a manager had run it."""
    with engine.db.transaction():
        codebase = Codebase(
            name="app", location="/srv/app", ref="main", commit="0123abc" * 6, tree="", added_at=1.0
        )
        service = Service(name=name, created_at=1.0, desired_count=count)
        release = Release(
            service=service,
            number=1,
            codebase=codebase,
            module="app",
            class_name="App",
            created_at=1.0,
            actor="ann",
        )
        service.release = release
        host = ServiceHost.lookup_unique(name="local") or ServiceHost(name="local")
        ServiceInstance(
            name=f"{name}-1",
            service=service,
            release=release,
            host=host,
            slot=0,
            created_at=1.0,
            state=InstanceState.CRASHED,
            exit_signal=9,
            exit_cause=ExitCause.SIGNAL,
            ended_at=2.0,
        )
        record_service_event(service, "created", "by the test", actor="ann")


def write_log(engine: Engine, service: str, text: str) -> None:
    folder = engine.home.logs / service
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{service}-1.log").open("a") as file:
        file.write(f"2026-11-23T23:14:05.123Z INFO stdout {text}\n")


def test_a_snapshot_says_what_the_home_says(engine: Engine) -> None:
    write_service(engine, "api")
    with EngineBackend(engine.home).open() as source:
        assert source.read(Request()).detail is None
        snapshot = source.read(Request(service="api"))
    assert snapshot.manager is ManagerState.STOPPED
    assert [(row.key, row.ref) for row in snapshot.services] == [("api", "main@0123abc")]
    assert snapshot.detail is not None
    assert [(row.key, row.last_exit) for row in snapshot.detail.instances] == [
        ("api-1", "signal 9")
    ]
    assert [row.reason for row in snapshot.detail.events] == ["created"]


def test_changes_of_the_home_appear_on_the_screen(engine: Engine) -> None:
    async def scenario(pilot: Pilot[None], app: DashboardApp) -> None:
        await until_shown(pilot, app, "No services yet")
        write_service(engine, "api")
        await until_shown(pilot, app, "signal 9")
        await until_shown(pilot, app, NO_MANAGER)
        write_log(engine, "api", "hello from the log")
        await until_shown(pilot, app, "hello from the log")
        write_service(engine, "billing")
        await until_shown(pilot, app, "billing")

    async def run() -> None:
        app = make_app(engine.home, Options())
        async with app.run_test(size=(120, 40)) as pilot:
            await scenario(pilot, app)

    asyncio.run(run())


def test_a_home_that_cannot_be_opened_is_tried_again(engine: Engine) -> None:
    database = engine.home.database
    database.mkdir(parents=True)

    async def run() -> None:
        app = make_app(engine.home, Options())
        async with app.run_test(size=(120, 40)) as pilot:
            await until_shown(pilot, app, "Cannot read the home")
            database.rmdir()
            await until_shown(pilot, app, "No services yet")
            await until(pilot, lambda: not app.state.failure)

    asyncio.run(run())


def test_orders_change_what_is_wanted(engine: Engine) -> None:
    write_service(engine, "api")
    flows = EngineFlows(engine.home)
    flows.perform(Order(verb=OrderVerb.SCALE, targets=("api",), count=3), tell=print)
    with engine.db.view():
        service = Service.lookup_unique(name="api")
        assert service is not None
        assert service.desired_count == 3
    flows.perform(Order(verb=OrderVerb.STOP, targets=("api",)), tell=print)
    with engine.db.view():
        assert service.target_count == 0


def test_an_order_about_a_service_that_is_gone_says_so(engine: Engine) -> None:
    order = Order(verb=OrderVerb.STOP, targets=("api",))
    with pytest.raises(NotFoundError):
        EngineFlows(engine.home).perform(order, tell=print)


def test_a_picture_needs_no_terminal(engine: Engine) -> None:
    write_service(engine, "api")
    picture = engine.home.data / "dashboard.svg"
    open_dashboard(engine.home, Options(screenshot=picture))
    text = picture.read_text("utf-8")
    assert "main@0123abc" in text
    assert "font-face" not in text
