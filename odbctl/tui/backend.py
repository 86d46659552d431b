"""The seam between the dashboard and the engine, and the engine's side of it.

`Backend` is all that screens, reader and actions know. A `Source` belongs to
the one thread that opened it, except `wake`. Tests put a fake in its place.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self

from odbctl.engine.api.documents import ServiceDocument
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.log_pages import open_pages
from odbctl.engine.api.logs import select_logs
from odbctl.engine.api.managers import ensure_manager, manager_status
from odbctl.engine.api.releases import restart_service
from odbctl.engine.api.services import scale_service, start_service, stop_service
from odbctl.engine.api.status import list_events, list_instances, list_services
from odbctl.paths import Home
from odbctl.tui.logs.source import LogRequest, LogSource
from odbctl.tui.snapshot import (
    DashboardSnapshot,
    Detail,
    ManagerState,
    event_rows,
    instance_rows,
    manager_state,
    service_row,
)

# A process that ends while no manager lives changes nothing in the database.
LONGEST_OVERVIEW_SECONDS = 2.0


class Verb(StrEnum):
    """What the dashboard can do to a service."""

    START = "start"  # want it; starts a manager if none lives
    STOP = "stop"  # want no instance
    RESTART = "restart"  # replace every instance
    SCALE = "scale"  # want so many


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A verb and its target, fixed when the person chose it."""

    verb: Verb
    service: str
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to read beside the overview: the selected service, and how much of it."""

    service: str | None = None
    event_count: int = 100


class Source(Protocol):
    """An opened home, read by one thread."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def read(self, request: Request) -> DashboardSnapshot:
        """Read everything that is shown, in one consistent view."""
        ...

    def wait(self, timeout_seconds: float) -> None:
        """Sleep until a commit since the last read, a wake-up or the time-out."""
        ...

    def wake(self) -> None:
        """End a `wait` from another thread."""
        ...


class Backend(Protocol):
    """Where the dashboard's data comes from and its actions go to."""

    def open(self) -> Source:
        """Open a source for the calling thread."""
        ...

    def open_logs(self, request: LogRequest) -> LogSource:
        """Return logs for the calling thread, to be entered.

        Raises:
            OdbctlError: There are none such.
        """
        ...

    def perform(self, action: Action, tell: Callable[[str], None]) -> str:
        """Do it, from any thread, and return a line that says what was done.

        Args:
            action: What to do.
            tell: Is told each step that takes time.

        Raises:
            OdbctlError: It was refused or failed.
        """
        ...


class EngineBackend:
    """The backend that is a real home."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def open(self) -> Source:
        """Open the home's database for the calling thread."""
        return EngineSource(self._home)

    def open_logs(self, request: LogRequest) -> LogSource:
        """Choose the logs as `odbctl service logs` does; the database is closed again."""
        with Engine.open(self._home) as engine:
            selection = select_logs(
                engine,
                request.service,
                instance=request.instance,
                previous=request.is_previous,
                everything=request.is_everything,
            )
            return open_pages(engine, selection)

    def perform(self, action: Action, tell: Callable[[str], None]) -> str:
        """Do it with an engine of its own."""
        with Engine.open(self._home) as engine:
            match action.verb:
                case Verb.START:
                    ensure_manager(engine, on_start=tell)
                    return start_service(engine, action.service).message
                case Verb.STOP:
                    return stop_service(engine, action.service).message
                case Verb.RESTART:
                    return restart_service(engine, action.service).message
                case Verb.SCALE:
                    return scale_service(engine, action.service, action.count).message


class EngineSource:
    """A real home, read by one thread, which the change signal wakes."""

    def __init__(self, home: Home) -> None:
        self._engine = Engine.open(home)
        self._listener = self._engine.db.listen()
        self._services: list[ServiceDocument] = []
        self._manager = ManagerState.ABSENT
        self._seen_seq = -1
        self._overview_due_at = 0.0

    def __enter__(self) -> Self:
        self._listener.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.close()
        self._engine.close()

    def read(self, request: Request) -> DashboardSnapshot:
        """Read the overview if it may have changed, and what is asked of one service."""
        with self._engine.db.view() as view:
            if view.seq != self._seen_seq or time.monotonic() >= self._overview_due_at:
                self._read_overview(view.seq)
            detail = self._read_detail(request)
        return DashboardSnapshot(
            home=str(self._engine.home.data),
            manager=self._manager,
            services=tuple(service_row(document) for document in self._services),
            detail=detail,
        )

    def wait(self, timeout_seconds: float) -> None:
        """Sleep until a commit since the last read, a wake-up or the time-out."""
        if not self._listener.arm():
            self._listener.wait(timeout_seconds)

    def wake(self) -> None:
        """End a `wait` from another thread."""
        self._listener.wake()

    def _read_overview(self, seq: int) -> None:
        self._services = list_services(self._engine)
        self._manager = manager_state(manager_status(self._engine))
        self._seen_seq = seq
        self._overview_due_at = time.monotonic() + LONGEST_OVERVIEW_SECONDS

    def _read_detail(self, request: Request) -> Detail | None:
        found = next((s for s in self._services if s["name"] == request.service), None)
        if found is None:
            return None
        name = found["name"]
        current = [instance["id"] for instance in found["instances"]]
        documents = list_instances(self._engine, service=name, everything=True)
        events = list_events(self._engine, service=name, limit=request.event_count)
        return Detail(
            service=name,
            instances=instance_rows(documents, current=current),
            events=event_rows(events),
        )
