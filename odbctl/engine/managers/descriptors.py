"""DescriptorWatch: notices that a manager has run out of file descriptors, and says so.

Part of the manager's loop. While none is left, nobody is taken for dead and nothing is started;
the state is in the host's record (`problem`), for `doctor` and `manager status`.
"""

from __future__ import annotations

import logging
import os
import resource
import time

from odbctl.engine.model.core import ServiceHost
from odbctl.engine.model.events import record_event
from odbctl.engine.model.states import EventLevel
from odbctl.engine.odb import Database
from odbctl.errors import is_exhausted

LOOK_SECONDS = 1.0
QUIET_SECONDS = 10.0

logger = logging.getLogger("odbctl.manager")


class DescriptorWatch:
    """Whether one manager has descriptors left. Times are monotonic."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._problem = ""
        self._due_at = 0.0

    @property
    def look_seconds(self) -> float | None:
        """How soon to look again; None when a look at the next pass will do."""
        return LOOK_SECONDS if self._problem else None

    def note(self, error: BaseException) -> None:
        """Have a look follow at once when an error says that something has run out."""
        if is_exhausted(error):
            self._due_at = 0.0

    def step(self, host_id: int) -> None:
        """Look, if that is due; write what has changed."""
        now = time.monotonic()
        if now < self._due_at:
            return
        problem = find_problem()
        self._due_at = now + (LOOK_SECONDS if problem else QUIET_SECONDS)
        if bool(problem) != bool(self._problem):
            self._db.run(lambda: _record(host_id, problem))
            logger.warning("%s", problem or "file descriptors are available again")
            self._problem = problem


def find_problem() -> str:
    """Say that this process can open no file; empty when it can."""
    try:
        os.close(os.open("/", os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        if not is_exhausted(error):
            return ""
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return f"out of file descriptors: {error.strerror} (the limit is {limit})"
    return ""


def _record(host_id: int, problem: str) -> None:
    host = ServiceHost.from_oid(host_id)
    if not host.exists():
        return
    host.problem = problem
    record_event(
        f"host/{host.name}",
        "out-of-descriptors" if problem else "descriptors-available",
        problem or "its manager can open files again",
        actor=host.name,
        level=EventLevel.ERROR if problem else EventLevel.INFO,
    )
