"""Waiter: asks a condition again only when what it read has changed."""

from __future__ import annotations

from collections.abc import Callable

from odbctl.engine.odb.current import refuse_coroutine
from odbctl.engine.odb.tracker import Tracker
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odbctl.engine.odb.database import Database


class Waiter:
    """A condition, and what it read when it was last looked at."""

    def __init__(self, database: Database, condition: Callable[[], object]) -> None:
        """Store what to ask.

        Raises:
            TypeError: The condition is a coroutine function.
        """
        refuse_coroutine(condition, "what it returns is true before it is awaited")
        self._database = database
        self._condition = condition
        self._tracker = Tracker(database)
        self._looked_seq = 0

    def is_true(self) -> bool:
        """Look at the condition in a view."""
        with Tracker(self._database) as self._tracker, self._database.view():
            is_true = bool(self._condition())
        self._looked_seq = self._tracker.first_seq or 0
        return is_true

    def has_become_true(self) -> bool:
        """Look at the condition if commits changed what it read."""
        self._looked_seq, rows = self._database.log_since(self._looked_seq)
        if rows is not None and not self._tracker.is_touched_by(rows):
            return False
        return self.is_true()
