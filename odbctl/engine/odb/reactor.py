"""Reactor: a function that runs again when what it read has changed.

Each reactor has a thread of its own. The function opens its own views and
transactions; what they read in this thread is tracked. Its own commits count
too: it runs until what it reads no longer changes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from odbctl.engine.odb.changes import wait_for_change
from odbctl.engine.odb.current import refuse_waiting
from odbctl.engine.odb.retry import back_off_seconds
from odbctl.engine.odb.tracker import Tracker
from odbctl.errors import RevisionConflictError, TransactionError

if TYPE_CHECKING:
    from odbctl.engine.odb.database import Database
    from odbctl.engine.odb.store import Listener

FIRST_BACK_OFF_SECONDS: Final = 0.05
LONGEST_BACK_OFF_SECONDS: Final = 10.0


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
    ) -> None:
        """Store what to run; `start()` begins.

        Args:
            database: What the function reads.
            function: Called with no view open.
            name: Of the thread; the function's by default.
            wake_every_seconds: Runs it this long after its last run, changed or not.
            on_error: Called with what the function raised; by default it is logged.
        """
        self._database = database
        self._function = function
        self.name = name or getattr(function, "__name__", "reactor")
        self._wake_every_seconds = wake_every_seconds
        self._on_error = on_error or self._log_error
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._listener: Listener | None = None
        self._tracker: Tracker | None = None
        self._looked_seq = 0

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
        """Start the thread; the function runs at once.

        Raises:
            TransactionError: It is already running.
        """
        if self.is_running():
            raise TransactionError(f"reactor {self.name} is already running")
        self._stop.clear()
        self._tracker = None
        self._thread = threading.Thread(target=self._run, name=f"reactor {self.name}", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop, and wait until a run that is under way has ended."""
        self._stop.set()
        listener, thread = self._listener, self._thread
        if listener is not None:
            listener.wake()
        if thread is not None and thread is not threading.current_thread():
            thread.join()
            self._thread = None

    def is_running(self) -> bool:
        """Tell whether the thread lives."""
        return self._thread is not None and self._thread.is_alive()

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

    def _run(self) -> None:
        try:
            with self._database.listen() as listener:
                self._listener = listener
                self._loop(listener)
        except Exception as error:  # noqa: BLE001 - the boundary of the thread: reported
            if not self._database.is_closed:
                self._on_error(error)
        finally:
            self._listener = None
            self._database.close_session()

    def _loop(self, listener: Listener) -> None:
        pause_seconds = FIRST_BACK_OFF_SECONDS
        while not self._should_stop():
            try:
                self._call()
            except RevisionConflictError:
                self._stop.wait(back_off_seconds(1))
                continue
            except Exception as error:  # noqa: BLE001 - the author's code: reported, tried again
                self._on_error(error)
                self._stop.wait(pause_seconds)
                pause_seconds = min(2 * pause_seconds, LONGEST_BACK_OFF_SECONDS)
                continue
            pause_seconds = FIRST_BACK_OFF_SECONDS
            self._wait(listener, self._wake_every_seconds)

    def _call(self) -> None:
        with Tracker(self._database) as self._tracker:
            self._function()
        self._looked_seq = self._tracker.first_seq or 0

    def _wait(self, listener: Listener, timeout_seconds: float | None) -> bool:
        return wait_for_change(
            listener,
            self._has_changed,
            should_stop=self._should_stop,
            timeout_seconds=timeout_seconds,
        )

    def _should_stop(self) -> bool:
        return self._stop.is_set() or self._database.is_closed

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
