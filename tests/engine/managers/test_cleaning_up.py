"""When a manager cleans up after exits: not before it has recorded those that follow."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager

from fakes.scripted_manager import ScriptedManager
from stocked_home import stock
from waiting import eventually

from odbctl.engine.managers.messages import Report, WorkerExited
from odbctl.engine.odb import Database
from odbctl.paths import Home


class StreamOfExits(ScriptedManager):
    """Collects one exit for each byte in a pipe; remembers after how many it cleaned up."""

    poll_seconds = None

    def __init__(self, home: Home, db: Database) -> None:
        super().__init__(home, db)
        self.source, self.feed = os.pipe()
        os.set_blocking(self.source, False)
        self.collected = 0
        self.cleaned_after: list[int] = []
        self.on_collected: Callable[[], object] = int

    def descriptors(self) -> Iterable[tuple[int, bool]]:
        """Wake for each byte."""
        return [(self.source, False)]

    def collect_reports(self) -> list[Report]:
        """Return the next exit, of an instance that nobody knows."""
        try:
            if not os.read(self.source, 1):
                return []
        except BlockingIOError:
            return []
        self.collected += 1
        self.on_collected()
        return [WorkerExited(self.collected, None, 0, None, time.time(), self.collected)]

    def reports_recorded(self) -> None:
        """Remember it."""
        self.cleaned_after.append(self.collected)


@contextmanager
def running(home: Home, *, prepare: Callable[[StreamOfExits], object]) -> Generator[StreamOfExits]:
    stock(home)
    with Database(home.database, run_dir=home.run) as db:
        manager = StreamOfExits(home, db)
        prepare(manager)
        thread = threading.Thread(target=manager.run)
        thread.start()
        try:
            yield manager
        finally:
            manager.stop()
            thread.join()
            os.close(manager.source)
            os.close(manager.feed)


def test_exits_that_follow_are_recorded_before_it_cleans_up(home: Home) -> None:
    with running(home, prepare=lambda manager: os.write(manager.feed, b"xxxxx")) as manager:
        eventually(lambda: manager.cleaned_after)
    assert manager.cleaned_after == [5]


def test_exits_that_never_stop_do_not_keep_it_from_cleaning_up(home: Home) -> None:
    def feed_for_ever(manager: StreamOfExits) -> None:
        os.write(manager.feed, b"x")
        manager.on_collected = lambda: os.write(manager.feed, b"x")

    with running(home, prepare=feed_for_ever) as manager:
        eventually(lambda: len(manager.cleaned_after) > 1)


def test_a_manager_that_stops_cleans_up_first(home: Home) -> None:
    def stop_with_the_first(manager: StreamOfExits) -> None:
        os.write(manager.feed, b"x")
        manager.on_collected = manager.stop

    with running(home, prepare=stop_with_the_first) as manager:
        eventually(lambda: manager.cleaned_after == [1])
