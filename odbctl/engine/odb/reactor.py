"""Reactor: a function that runs again when what it read has changed.

Reactors share a thread and a listener (`ReactorThread`), or have one each. The function
opens its own views and transactions; what they read in this thread is tracked. Its own
commits count too: it runs until what it reads no longer changes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from odbctl.engine.odb.changes import wait_for_change
from odbctl.engine.odb.current import current, refuse_waiting
from odbctl.engine.odb.reactor_chain import ChainWatch
from odbctl.engine.odb.retry import back_off_seconds
from odbctl.engine.odb.tracker import Tracker
from odbctl.errors import RevisionConflictError, TransactionError

if TYPE_CHECKING:
    from odbctl.engine.odb.database import Database
    from odbctl.engine.odb.log import Group
    from odbctl.engine.odb.reactor_chain import Causes
    from odbctl.engine.odb.store import Listener

FIRST_BACK_OFF_SECONDS: Final = 0.05
LONGEST_BACK_OFF_SECONDS: Final = 10.0
NEVER: Final = float("inf")


def wake_at(at: float) -> None:
    """Let the reactor whose function runs here run again at a time, changed or not.

    It counts for one run; of several times the first counts.

    Args:
        at: Seconds since the epoch.

    Raises:
        TransactionError: No function of a reactor runs in this thread.
    """
    tracker = current.tracker
    if tracker is None or not tracker.can_wake:
        raise TransactionError("wake_at must be called by the function of a reactor, in its thread")
    tracker.wake_at = at if tracker.wake_at is None else min(at, tracker.wake_at)


class Reactor:
    """Runs a function, and again when what it read has changed."""

    def __init__(
        self,
        database: Database,
        function: Callable[[], object],
        *,
        name: str | None = None,
        wake_every_seconds: float | None = None,
        on_error: Callable[[Exception], object] | None = None,
        own_thread: bool = False,
    ) -> None:
        """Store what to run; `start()` begins.

        Args:
            database: What the function reads.
            function: Called with no view open.
            name: Of the reactor; the function's by default.
            wake_every_seconds: Runs it this long after its last run, changed or not.
            on_error: Called with what the function raised; by default it is logged.
            own_thread: Whether it shares no thread where others do, because it takes long.
        """
        self._database = database
        self._function = function
        self.name: str = name or str(getattr(function, "__name__", "reactor"))
        self._wake_every_seconds = wake_every_seconds
        self.own_thread = own_thread
        self._on_error = on_error or self._log_error
        self._thread: ReactorThread | None = None
        self._tracker: Tracker | None = None
        self._looked_seq = 0
        self._pause_seconds = FIRST_BACK_OFF_SECONDS
        self._causes: Causes = []
        self._watch = ChainWatch(self.name, database.reactor_runs)
        # When it runs whether or not something changed, on the monotonic clock.
        self.due_at = 0.0

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Start a thread for it; the function runs at once.

        Raises:
            TransactionError: It is already running.
        """
        ReactorThread(self._database, [self]).start()
        return self

    def stop(self) -> None:
        """Stop, and wait until a run that is under way has ended."""
        thread = self._thread
        if thread is not None:
            thread.remove(self)
            self._thread = None

    def is_running(self) -> bool:
        """Tell whether a thread runs it."""
        return self._thread is not None and self._thread.runs(self)

    def next(self, timeout_seconds: float | None = None) -> bool:
        """Run the function here, once: the first time at once, then when its reads changed.

        For use without `start()`. What the function raises is raised.

        Returns:
            False if nothing changed in time, so that it did not run.

        Raises:
            TransactionError: The reactor was started, or a view or transaction is open here.
        """
        if self.is_running():
            raise TransactionError(
                f"reactor {self.name} is running: its thread calls the function",
                hint="call next() of a reactor that is not started",
            )
        refuse_waiting(self._database, "next")
        with self._database.listen() as listener:
            if self._tracker is not None and not self._wait(listener, timeout_seconds):
                return False
            self._call()
            return True

    def attach(self, thread: ReactorThread) -> None:
        """Note which thread runs it, from its first run on.

        Raises:
            TransactionError: It is already running.
        """
        if self.is_running():
            raise TransactionError(f"reactor {self.name} is already running")
        self._thread, self._tracker, self.due_at = thread, None, 0.0
        self._pause_seconds = FIRST_BACK_OFF_SECONDS
        self._causes = []

    def run(self) -> None:
        """Run the function, report what it raises, and say when it is due again."""
        causes, self._causes = self._causes, []
        try:
            self._call()
        except RevisionConflictError:
            self._causes = causes
            self._set_due(back_off_seconds(1))
        except Exception as error:  # noqa: BLE001 - the author's code: reported, tried again
            self._on_error(error)
            self._set_due(self._pause_seconds)
            self._pause_seconds = min(2 * self._pause_seconds, LONGEST_BACK_OFF_SECONDS)
        else:
            self._pause_seconds = FIRST_BACK_OFF_SECONDS
            self._set_due(self._wake_every_seconds)
        if self._tracker is not None and (commits := self._tracker.commits):
            self._watch.note(commits, causes)

    def look(self, rows: list[Group] | None) -> None:
        """Make it due if commits changed what it read.

        After an error only those of others count: its own would end every pause.

        Args:
            rows: What was committed since the last look; None if that is not known.
        """
        tracker = self._tracker
        if tracker is None or tracker.first_seq is None:
            return
        if rows is None:
            self._causes = []
        elif not (
            tracker.is_touched_by(rows)
            if self._pause_seconds == FIRST_BACK_OFF_SECONDS
            else tracker.is_touched_by_others(rows)
        ):
            return
        else:
            self._causes.append((tracker, rows))
        self.due_at = 0.0

    def report(self, error: Exception) -> None:
        """Report what ended its thread."""
        self._on_error(error)

    def _set_due(self, seconds: float | None) -> None:
        now = time.monotonic()
        self.due_at = NEVER if seconds is None else now + seconds
        if self._tracker is not None and (at := self._tracker.wake_at) is not None:
            self.due_at = min(self.due_at, now + at - time.time())

    def _call(self) -> None:
        with Tracker(self._database, can_wake=True) as self._tracker:
            self._function()
        self._looked_seq = self._tracker.first_seq or 0

    def _wait(self, listener: Listener, timeout_seconds: float | None) -> bool:
        """Wait, in the caller's thread, until the function should run again."""
        at = None if self._tracker is None else self._tracker.wake_at
        left = NEVER if at is None else at - time.time()
        is_timed = left < (NEVER if timeout_seconds is None else timeout_seconds)
        return (
            wait_for_change(
                listener,
                self._has_changed,
                should_stop=lambda: self._database.is_closed,
                timeout_seconds=max(left, 0.0) if is_timed else timeout_seconds,
            )
            or is_timed
        )

    def _has_changed(self) -> bool:
        tracker = self._tracker
        if tracker is None or tracker.first_seq is None:
            return False
        self._looked_seq, rows = self._database.log_since(self._looked_seq)
        return rows is None or tracker.is_touched_by(rows)

    def _log_error(self, error: Exception) -> None:
        import logging

        logger = logging.getLogger("odbctl.reactor")
        logger.error("reactor %s failed", self.name, exc_info=error)


class ReactorThread:
    """A thread with one listener that runs reactors, one after the other."""

    def __init__(self, database: Database, reactors: Sequence[Reactor]) -> None:
        """Store what to run.

        Args:
            database: What all of them read.
            reactors: What to run, in this order.
        """
        self._database = database
        self._reactors = list(reactors)
        self._runs: Reactor | None = None
        # Guards the two above; notified when a run has ended.
        self._guard = threading.Condition()
        self._listener: Listener | None = None
        self._looked_seq = 0
        name = " ".join(["reactor", *(each.name for each in reactors[:3])])
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread; each function runs at once.

        Raises:
            TransactionError: One of the reactors is already running.
        """
        for reactor in self._reactors:
            reactor.attach(self)
        self._thread.start()

    def runs(self, reactor: Reactor) -> bool:
        """Tell whether a reactor is run by this thread."""
        return self._thread.is_alive() and (reactor in self._reactors or self._runs is reactor)

    def remove(self, reactor: Reactor) -> None:
        """Run a reactor no more; wait until its run, or the thread if it was last, has ended."""
        with self._guard:
            if reactor in self._reactors:
                self._reactors.remove(reactor)
            is_last = not self._reactors
        listener = self._listener
        if listener is not None:
            listener.wake()
        if self._thread.ident is None or self._thread is threading.current_thread():
            return
        if is_last:
            self._thread.join()
        else:
            with self._guard:
                self._guard.wait_for(lambda: self._runs is not reactor)

    def _run(self) -> None:
        try:
            with self._database.listen() as listener:
                self._listener = listener
                # Before the first views: what is committed later is looked at.
                self._looked_seq = self._database.last_commit()
                self._loop(listener)
        except Exception as error:  # noqa: BLE001 - the boundary of the thread: reported
            if not self._database.is_closed:
                for reactor in tuple(self._reactors):
                    reactor.report(error)
        finally:
            self._listener = None
            self._database.close_session()

    def _loop(self, listener: Listener) -> None:
        while not self._should_stop():
            for reactor in tuple(self._reactors):
                if reactor.due_at <= time.monotonic():
                    self._run_once(reactor)
            seconds = min((each.due_at for each in tuple(self._reactors)), default=0.0)
            wait_for_change(
                listener,
                self._is_due,
                should_stop=self._should_stop,
                timeout_seconds=None if seconds == NEVER else seconds - time.monotonic(),
            )

    def _run_once(self, reactor: Reactor) -> None:
        with self._guard:
            if reactor not in self._reactors:
                return
            self._runs = reactor
        try:
            reactor.run()
        finally:
            with self._guard:
                self._runs = None
                self._guard.notify_all()

    def _is_due(self) -> bool:
        """Look at what was committed, once for all reactors."""
        self._looked_seq, rows = self._database.log_since(self._looked_seq)
        reactors = tuple(self._reactors)
        if rows is None or rows:
            for reactor in reactors:
                reactor.look(rows)
        now = time.monotonic()
        return any(each.due_at <= now for each in reactors)

    def _should_stop(self) -> bool:
        return not self._reactors or self._database.is_closed
