"""Logs of a real home, chosen as the command line chooses them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.dashboard import screen_text, until_shown
from textual.app import App
from waiting import eventually

from odbctl.engine.api.engine import Engine
from odbctl.engine.api.log_pages import LogPages
from odbctl.engine.model.core import Codebase, Release, Service, ServiceHost, ServiceInstance
from odbctl.engine.model.states import InstanceState
from odbctl.engine.telemetry.log_files import LogFiles, LogLimits
from odbctl.engine.telemetry.log_writer import LogWriter
from odbctl.errors import NotFoundError
from odbctl.paths import Home
from odbctl.tui.backend import EngineBackend
from odbctl.tui.logs.screen import LogScreen
from odbctl.tui.logs.source import LogRequest


@pytest.fixture
def engine(home: Home) -> Iterator[Engine]:
    with Engine.open(home) as opened:
        yield opened


def write_service(engine: Engine, *instances: str) -> None:
    """Write a service whose instances ran one after the other in one slot."""
    with engine.db.transaction():
        codebase = Codebase(
            name="app", location="/srv/app", ref="main", commit="0123abc" * 6, tree="", added_at=1.0
        )
        service = Service(name="api", created_at=1.0, desired_count=1)
        release = Release(
            service=service,
            number=1,
            codebase=codebase,
            module="app",
            class_name="App",
            created_at=1.0,
            actor="ann",
        )
        host = ServiceHost(name="local")
        for number, name in enumerate(instances):
            is_last = number == len(instances) - 1
            ServiceInstance(
                name=name,
                service=service,
                release=release,
                host=host,
                slot=0,
                created_at=1.0 + number,
                state=InstanceState.RUNNING if is_last else InstanceState.STOPPED,
                is_current=is_last,
            )


def write_log(engine: Engine, instance: str, text: str) -> None:
    writer = LogWriter(LogFiles.of(engine.home.logs, "api", instance))
    writer.open()
    writer.write_line("INFO", "app", text)
    writer.close()


def texts(engine: Engine, request: LogRequest) -> list[str]:
    with EngineBackend(engine.home).open_logs(request) as logs:
        return [line.text for line in logs.forward(logs.start, None)]


def test_each_request_opens_what_it_names(engine: Engine) -> None:
    write_service(engine, "api-1", "api-2", "api-3")
    for name in ("api-1", "api-2", "api-3"):
        write_log(engine, name, f"from {name}")
    assert texts(engine, LogRequest(service="api")) == ["from api-3"]
    assert texts(engine, LogRequest(service="api", is_previous=True)) == ["from api-2"]
    assert texts(engine, LogRequest(service="api", instance="api-1")) == ["from api-1"]
    assert len(texts(engine, LogRequest(service="api", is_everything=True))) == 3
    two = LogRequest(service="api", instance="api-1", also=("api-3",))
    assert texts(engine, two) == ["from api-1", "from api-3"]
    with pytest.raises(NotFoundError):
        texts(engine, LogRequest(service="api", instance="api-1", is_previous=True))
    with pytest.raises(NotFoundError):
        texts(engine, LogRequest(service="nope"))


def test_a_service_that_never_ran_opens_empty_and_takes_in_what_comes(engine: Engine) -> None:
    write_service(engine)
    with EngineBackend(engine.home).open_logs(LogRequest(service="api")) as logs:
        assert logs.forward(logs.start, None) == []
        write_log(engine, "api-1", "first words")
        eventually(lambda: logs.refresh().is_changed)
        assert [line.text for line in logs.forward(logs.start, None)] == ["first words"]


def test_rotation_and_removal_underneath_the_screen(tmp_path: Path) -> None:
    files = LogFiles.of(tmp_path, "api", "api-1")
    writer = LogWriter(files, LogLimits(segment_bytes=8_192, quota_bytes=2**30))
    writer.open()
    screen = LogScreen(lambda _: LogPages(tmp_path, "api"), LogRequest(service="api"))

    def log(first: int, last: int) -> None:
        for number in range(first, last):
            writer.write_line("INFO", "app", f"line {number} {'x' * 40}")

    async def run() -> None:
        app: App[None] = App()
        async with app.run_test(size=(140, 24)) as pilot:
            await app.push_screen(screen)
            log(0, 50)
            await until_shown(pilot, app, "line 49 ")
            await pilot.press("k")
            await until_shown(pilot, app, "paused")
            log(50, 1_000)
            assert files.segments()
            await until_shown(pilot, app, "+950 new")
            await pilot.press("slash", *"line 77\\b", "enter")
            await until_shown(pilot, app, "1 of 1")
            await pilot.press("G")
            await until_shown(pilot, app, "line 999 ")
            files.log.unlink()
            await until_shown(pilot, app, "the log of api-1 was removed")
            assert "line 999 " in screen_text(app)
            for path in files.segments():
                os.unlink(path)
            # One or more: in a flood a file grows past its limit before it is rotated.
            await until_shown(pilot, app, " old file")
            await pilot.press("g", "k", "G")
            await until_shown(pilot, app, "line 999 ")

    asyncio.run(run())
    writer.close()
