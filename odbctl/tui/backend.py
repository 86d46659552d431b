"""The seam between the dashboard and the engine, and the engine's side of it.

`Backend` is all that screens and reader know of it; what is changed goes through
the flows. A `Source` belongs to the one thread that opened it, except `wake`. Tests
put a fake in its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from odbctl.paths import Home
from odbctl.tui.logs.source import LogRequest, LogSource
from odbctl.tui.snapshot import DashboardSnapshot
from odbctl.tui.source import WokenSource
from odbctl.tui.views import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the front screen looks at: its view, and the selected service with so much of it."""

    view: View = View.SERVICES
    service: str | None = None
    event_count: int = 100


class Source(WokenSource, Protocol):
    """An opened home, read by one thread."""

    def read(self, request: Request) -> DashboardSnapshot:
        """Read everything that is shown, in one consistent view."""
        ...


class Backend(Protocol):
    """Where the dashboard's data comes from."""

    def open(self) -> Source:
        """Open a source for the calling thread."""
        ...

    def open_logs(self, request: LogRequest) -> LogSource:
        """Return logs for the calling thread, to be entered.

        Raises:
            OdbctlError: There are none such.
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
        from odbctl.engine.api.logs import select_logs, select_many

        with Engine.open(self._home) as engine:
            if request.also:
                is_previous, is_everything = request.is_previous, request.is_everything
                first, *others = select_many(
                    engine, request.names, previous=is_previous, everything=is_everything
                )
                return open_pages(engine, first, *others)
            selection = select_logs(
                engine,
                request.service,
                instance=request.instance,
                previous=request.is_previous,
                everything=request.is_everything,
            )
            return open_pages(engine, selection)

    def describe(self, view: View, key: str) -> str:
        """Describe it with an engine of its own."""
        from odbctl.engine.api.engine import Engine
        from odbctl.engine.api.yaml_text import object_text

        with Engine.open(self._home) as engine:
            return object_text(engine, view.value, key)
