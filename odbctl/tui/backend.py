"""The seam between the dashboard and the engine, and the engine's side of it.

`Backend` is all that screens, reader and actions know. A `Source` belongs to
the one thread that opened it, except `wake`. Tests put a fake in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self

from odbctl.paths import Home
from odbctl.tui.logs.source import LogRequest, LogSource
from odbctl.tui.snapshot import DashboardSnapshot
from odbctl.tui.views import View


class Verb(StrEnum):
    """What the dashboard can do to a service, or to one of its instances."""

    START = "start"  # want it; starts a manager if none lives
    STOP = "stop"  # want no instance
    RESTART = "restart"  # replace every instance
    SCALE = "scale"  # want so many
    STOP_INSTANCE = "stop-instance"  # end one; another takes its slot while it is wanted
    KILL_INSTANCE = "kill-instance"  # the same without asking it


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A verb and its target, fixed when the person chose it."""

    verb: Verb
    service: str
    count: int = 0
    # Of the verbs that are about one instance.
    instance: str = ""

    @property
    def target(self) -> str:
        """What it is done to."""
        return self.instance or self.service


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the front screen looks at: its view, and the selected service with so much of it."""

    view: View = View.SERVICES
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

    def describe(self, view: View, key: str) -> str:
        """Return one object of a view as YAML, secrets masked; from any thread.

        Raises:
            NotFoundError: It is gone.
        """
        ...


class EngineBackend:
    """The backend that is a real home."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def open(self) -> Source:
        """Open the home's database for the calling thread."""
        from odbctl.tui.engine_source import EngineSource

        return EngineSource(self._home)

    def open_logs(self, request: LogRequest) -> LogSource:
        """Choose the logs as `odbctl service logs` does; the database is closed again."""
        from odbctl.engine.api.engine import Engine
        from odbctl.engine.api.log_pages import open_pages
        from odbctl.engine.api.logs import select_logs

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
        # The first paint does not wait for what only actions need.
        from odbctl.engine.api.engine import Engine
        from odbctl.engine.api.instances import kill_instance, stop_instance
        from odbctl.engine.api.managers import ensure_manager
        from odbctl.engine.api.releases import restart_service
        from odbctl.engine.api.services import scale_service, start_service, stop_service

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
                case Verb.STOP_INSTANCE:
                    return stop_instance(engine, action.instance).message
                case Verb.KILL_INSTANCE:
                    return kill_instance(engine, action.instance).message

    def describe(self, view: View, key: str) -> str:
        """Describe it with an engine of its own."""
        from odbctl.engine.api.engine import Engine
        from odbctl.engine.api.yaml_text import object_text

        with Engine.open(self._home) as engine:
            return object_text(engine, view.value, key)
