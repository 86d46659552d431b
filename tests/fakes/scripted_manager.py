"""A service manager without processes: it reports what a test says, and starts nothing."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from odbctl.engine.managers.messages import Report
from odbctl.engine.managers.service_manager import ServiceManager
from odbctl.engine.odb import Database
from odbctl.engine.worker.launch import WorkerLaunch
from odbctl.paths import Home


class ScriptedManager(ServiceManager):
    """Collects the reports that a test gives; remembers what it was asked to start."""

    strategy = "scripted"
    poll_seconds: float | None = 0.02

    def __init__(self, home: Home, db: Database) -> None:
        super().__init__(home, db)
        self.news: list[Report] = []
        self.started: list[WorkerLaunch] = []
        self.refused: set[str] = set()
        self.failures_left = 0

    def start_service_workers(self, launches: Sequence[WorkerLaunch]) -> None:
        """Remember the launches; raise for a service that the test wants refused."""
        if any(launch.service in self.refused for launch in launches):
            raise LookupError("no room")
        self.started += launches

    def collect_reports(self) -> list[Report]:
        """Return the news, or raise as often as the test wants."""
        if self.failures_left:
            self.failures_left -= 1
            raise LookupError("a collector fails")
        news, self.news = self.news, []
        return news


@contextmanager
def supervising(home: Home) -> Generator[ScriptedManager]:
    """Run a scripted manager in a thread."""
    ready = threading.Event()
    made: list[ScriptedManager] = []

    def run() -> None:
        with Database(home.database, run_dir=home.run) as db:
            made.append(ScriptedManager(home, db))
            ready.set()
            made[0].run()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(10)
        yield made[0]
    finally:
        made[0].stop()
        thread.join()
