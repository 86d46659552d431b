"""A backend for the dashboard that is a snapshot in memory, and the text of its screens."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from types import TracebackType
from typing import Any, Self, cast

from fakes.flows import FakeFlows, a_toolbox
from fakes.logs import FakeLogs
from fakes.moment import NOW
from textual import events
from textual.app import App
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widget import Widget

from odbctl.errors import ConflictError, StoreError
from odbctl.tui.app import DashboardApp
from odbctl.tui.backend import Request
from odbctl.tui.logs.source import LogRequest, LogSource
from odbctl.tui.resource_rows import CodebaseRow, HostRow, ReleaseRow
from odbctl.tui.snapshot import (
    DashboardSnapshot,
    Detail,
    EventRow,
    InstanceRow,
    ManagerState,
    ServiceRow,
)
from odbctl.tui.toolbox import Toolbox
from odbctl.tui.views import View


def a_service(
    name: str,
    *,
    state: str = "running",
    ready: int = 2,
    desired: int = 2,
    restarts: int = 0,
    cpu_percent: float | None = None,
) -> ServiceRow:
    return ServiceRow(
        key=name,
        state=state,
        reason="" if state == "running" else f"{name} has a reason",
        ready_count=ready,
        desired_count=desired,
        is_singleton=False,
        ref="main@0123abc",
        restarts=restarts,
        created_at=NOW - 3_700,
        instance_count=ready,
        codebase="app",
        placement="Any",
        cpu_percent=cpu_percent,
    )


def a_host(name: str, *, state: str = "up") -> HostRow:
    return HostRow(
        key=name,
        state=state,
        cores=4,
        cores_reserved=1.5,
        ram_gb=16,
        ram_gb_reserved=2,
        instance_count=3,
        max_instances=None,
        placement="Master",
        load=0.5,
        version="1.0",
        last_seen_at=NOW - 2,
    )


def a_codebase(name: str) -> CodebaseRow:
    return CodebaseRow(
        key=f"{name}@0123abc",
        name=name,
        refs=("main",),
        commit="0123abc" * 5,
        state="ready",
        newer_count=1,
        repo="/srv/app",
        added_at=NOW - 100,
        used_by=("api",),
        subject="first",
    )


def a_deploy(service: str, number: int, *, status: str = "active") -> ReleaseRow:
    return ReleaseRow(
        key=f"{service}/{number}",
        number=number,
        service=service,
        ref="main",
        commit="0123abc" * 5,
        outcome=status,
        reason="",
        class_spec="app:App",
        created_at=NOW - 50,
        finished_at=NOW - 45,
        actor="ann",
        action="deploy",
        changes=("commit 0123abc",),
    )


def an_instance(name: str, *, state: str = "running", last_exit: str = "") -> InstanceRow:
    return InstanceRow(
        key=name,
        state=state,
        is_current=True,
        pid=4242 if state == "running" else None,
        release=1,
        running_at=NOW - 65,
        ended_at=None,
        last_exit=last_exit,
        reason="",
        service=name.rpartition("-")[0],
        host="local",
    )


def an_event(reason: str, message: str = "", *, level: str = "info") -> EventRow:
    return EventRow(
        key=f"{reason}/{message}",
        at=NOW - 9,
        level=level,
        subject="service/api",
        reason=reason,
        message=message,
    )


def a_snapshot(
    *services: ServiceRow, manager: ManagerState = ManagerState.RUNNING
) -> DashboardSnapshot:
    return DashboardSnapshot(home="/srv/odbctl", manager=manager, services=services)


class FakeBackend:
    """Shows what a test puts into it; remembers what was asked."""

    def __init__(self, snapshot: DashboardSnapshot) -> None:
        self._changed = threading.Condition()
        self._snapshot = snapshot
        self._version = 0
        self.details: dict[str, Detail] = {}
        self.logs: dict[str, FakeLogs] = {}
        # Where the orders of its dashboard go, unless it is given a toolbox.
        self.flows = FakeFlows()
        self.requests: list[Request] = []
        self.refusal: ConflictError | None = None
        self.failure: StoreError | None = None
        self.is_open = False

    def put(self, snapshot: DashboardSnapshot) -> None:
        """Show something else from now on."""
        with self._changed:
            self._snapshot = snapshot
            self._version += 1
            self._changed.notify_all()

    def wake(self) -> None:
        """End every wait."""
        self.put(self._snapshot)

    def put_detail(self, detail: Detail) -> None:
        """Show this of one service from now on."""
        self.details[detail.service] = detail
        self.put(self._snapshot)

    def open(self) -> FakeSource:
        if self.failure is not None:
            raise self.failure
        return FakeSource(self)

    def open_logs(self, request: LogRequest) -> LogSource:
        return self.logs.setdefault(request.service, FakeLogs()).open(request)

    def describe(self, view: View, key: str) -> str:
        if self.refusal is not None:
            raise self.refusal
        return f"kind: {view.value}\nname: {key}\nlines:\n" + "".join(
            f"  - line {n}\n" for n in range(100)
        )

    def read(self, request: Request) -> tuple[int, DashboardSnapshot]:
        self.requests.append(request)
        if self.failure is not None:
            raise self.failure
        with self._changed:
            name = request.service
            known = self._snapshot.service(name)
            detail = self.details.get(known.key, Detail(service=known.key)) if known else None
            return self._version, replace(self._snapshot, detail=detail, view=request.view)

    def wait_for_other(self, version: int, timeout_seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._version != version, timeout_seconds)


class FakeSource:
    """A source over a FakeBackend."""

    def __init__(self, backend: FakeBackend) -> None:
        self._backend = backend
        self._version = -1

    def __enter__(self) -> Self:
        self._backend.is_open = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._backend.is_open = False

    def read(self, request: Request) -> DashboardSnapshot:
        self._version, snapshot = self._backend.read(request)
        return snapshot

    def wait(self, timeout_seconds: float) -> None:
        self._backend.wait_for_other(self._version, timeout_seconds)

    def wake(self) -> None:
        self._backend.wake()


def strips_of(app: App[None]) -> list[Strip]:
    """Return what the terminal shows, dialogs in front."""
    # Of Textual's own: there is no public way to what it draws but whole pictures.
    found = cast("Any", app)
    compositor = found.screen._compositor
    update = compositor.render_update(full=True, screen_stack=found._background_screens)
    return [Strip.join(parts) for parts in update.strips]


def screen_lines(app: App[None]) -> list[str]:
    """Return what the terminal shows, line by line."""
    return [strip.text.rstrip() for strip in strips_of(app)]


def screen_text(app: App[None]) -> str:
    """Return what the terminal shows."""
    return "\n".join(screen_lines(app))


def type_at_once(app: App[None], *keys: str) -> None:
    """Queue keys as a terminal does that delivers them in one read; wait for nothing."""
    for key in keys:
        is_character = len(key) == 1
        name = _KEY_NAMES.get(key, key)
        app.post_message(events.Key(name, key if is_character else None))


_KEY_NAMES = {"/": "slash", ":": "colon", "=": "equals_sign", "&": "ampersand", "@": "at"}


async def until(
    pilot: Pilot[None], condition: Callable[[], object], *, timeout_seconds: float = 30
) -> None:
    """Let the app work until a condition holds.

    Raises:
        AssertionError: It did not hold in time.
    """
    import time

    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {condition}"
        await pilot.pause(0.01)


async def until_shown(pilot: Pilot[None], app: App[None], text: str) -> None:
    """Let the app work until it shows a text.

    Raises:
        AssertionError: It did not in time; the message is the screen.
    """
    try:
        await until(pilot, lambda: text in screen_text(app))
    except AssertionError as error:
        raise AssertionError(f"{text!r} is not shown:\n{screen_text(app)}") from error


def is_scrolled_to(widget: Widget, line: int) -> Callable[[], bool]:
    """Return the condition that a line is the first in sight."""
    return lambda: widget.scroll_y == line


Scenario = Callable[[Pilot[None], DashboardApp], Awaitable[None]]


def run_app(
    backend: FakeBackend,
    scenario: Scenario,
    *,
    size: tuple[int, int] = (80, 24),
    is_readonly: bool = False,
    toolbox: Toolbox | None = None,
) -> None:
    """Run the dashboard without a terminal, and a scenario with it."""
    import asyncio

    async def run() -> None:
        tools = toolbox or a_toolbox(backend.flows)
        app = DashboardApp(backend, tools, is_readonly=is_readonly)
        async with app.run_test(size=size) as pilot:
            await scenario(pilot, app)

    asyncio.run(run())
