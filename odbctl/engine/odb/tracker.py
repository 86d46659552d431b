"""Tracking what a thread reads, and waiting until that changes.

A `Tracker` is switched on around a function; every view and transaction that
the function opens in this thread leaves its read set here, with the commit
that it saw. `waiting.py` and `reactor.py` ask whether later commits touch it.
"""

from __future__ import annotations

from types import TracebackType

from odbctl.engine.odb.current import current
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

    from odbctl.engine.odb.database import Database
    from odbctl.engine.odb.log import Group
    from odbctl.engine.odb.readset import ReadSet


class Tracker:
    """What one run of a function has read; use it in a `with`, once."""

    def __init__(self, database: Database, *, can_wake: bool = False) -> None:
        """Store whose reads count.

        Args:
            database: Of the views that count.
            can_wake: Whether the function may ask to run again at a time.
        """
        self.database = database
        self.can_wake = can_wake
        # Seconds since the epoch; None if the function did not ask.
        self.wake_at: float | None = None
        # The numbers of its own commits.
        self.commits: set[int] = set()
        self._read_sets: dict[int, list[ReadSet]] = {}
        self._outer: Tracker | None = None

    def __enter__(self) -> Self:
        self._outer, current.tracker = current.tracker, self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        current.tracker = self._outer

    def add(self, seq: int, reads: ReadSet) -> None:
        """Remember what a view read that saw the commits up to `seq`."""
        self._read_sets.setdefault(seq, []).append(reads)

    def add_commit(self, seq: int) -> None:
        """Remember that the function itself has committed."""
        self.commits.add(seq)

    def is_touched_by_others(self, rows: list[Group]) -> bool:
        """Tell whether commits other than its own changed what was read."""
        return self.is_touched_by([row for row in rows if row.seq not in self.commits])

    @property
    def first_seq(self) -> int | None:
        """The oldest snapshot that was read; None if nothing was."""
        return min(self._read_sets, default=None)

    def is_touched_by(self, rows: list[Group]) -> bool:
        """Tell whether commits changed what was read, after it was read."""
        for seq, read_sets in self._read_sets.items():
            later = [row for row in rows if row.seq > seq]
            if later and any(each.touched_by(later) for each in read_sets):
                return True
        return False
