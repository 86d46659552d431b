"""The change feed: what was committed, one object after the other, as it comes.

Read from the change log, woken by the change signal; a reader that is slow,
or was stopped for a while, goes on where it was. Runs in the thread of whoever
iterates; `close` may be called from another.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from odbctl.engine.odb.changes import wait_for_change
from odbctl.engine.odb.current import refuse_waiting
from odbctl.engine.odb.log import SCHEMA, Group
from odbctl.errors import StoreError

if TYPE_CHECKING:
    from odbctl.engine.odb.database import Database
    from odbctl.engine.odb.store import Listener


class Change(NamedTuple):
    """One object that a commit changed."""

    commit: int  # its number; they have no gaps
    at: float  # seconds since the epoch
    kind: str  # insert, update or delete
    type: str  # e.g. "library.Book"
    oid: int
    fields: tuple[str, ...]  # that an update set


class Changes:
    """Changes from now on, or after a commit; iterate over it, in a `with`."""

    def __init__(
        self, database: Database, *, since: int | None = None, types: Collection[str] = ()
    ) -> None:
        """Store where to begin.

        Args:
            database: What is watched.
            since: The number of the last commit that is known; by default the last there is.
            types: Only of these classes, e.g. "library.Book"; of all by default.
        """
        self._database = database
        self._types = frozenset(types)
        self._since = since
        self._waiting: deque[Change] = deque()
        self._is_closed = threading.Event()
        self._listener: Listener | None = None

    def __enter__(self) -> Self:
        if self._since is None:
            self._since = self._database.last_commit()
        self._listener = self._database.listen()
        self._listener.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        self.stop_listening()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Change:
        change = self.next()
        if change is None:
            raise StopIteration
        return change

    @property
    def since(self) -> int:
        """The number of the last commit that was looked at: where another feed may go on."""
        return self._since or 0

    def next(self, timeout_seconds: float | None = None) -> Change | None:
        """Wait for the next change.

        Returns:
            None when the time is over, or the feed closed.

        Raises:
            StoreError: The change log no longer goes back so far; the next call goes on with
                what is committed from now on.
            TransactionError: A view or transaction is open here.
        """
        listener = self.listening()
        if not self._waiting:
            refuse_waiting(self._database, "next")
            wait_for_change(
                listener,
                self.has_more,
                should_stop=self.is_over,
                timeout_seconds=timeout_seconds,
            )
        return self.take()

    def close(self) -> None:
        """End the feed, from any thread: whoever waits for the next change gets None."""
        self._is_closed.set()
        if self._listener is not None:
            self._listener.wake()

    @property
    def listener(self) -> Listener | None:
        """What wakes it; None before its block."""
        return self._listener

    def listening(self) -> Listener:
        """Return what wakes it.

        Raises:
            StoreError: Its block has not begun.
        """
        if self._listener is None:
            raise StoreError(
                "changes must be read inside a with block", hint="with db.changes() as changes: …"
            )
        return self._listener

    def stop_listening(self) -> None:
        """Close what wakes it. Safe to call twice."""
        if self._listener is not None:
            self._listener.close()

    def is_over(self) -> bool:
        """Tell whether it, or its database, was closed."""
        return self._is_closed.is_set() or self._database.is_closed

    def has_waiting(self) -> bool:
        """Tell whether a change was read that nobody has taken."""
        return bool(self._waiting)

    def take(self) -> Change | None:
        """Return the next change that was read; None if there is none, or the feed is closed."""
        return self._waiting.popleft() if self._waiting and not self._is_closed.is_set() else None

    def has_more(self) -> bool:
        """Read what was committed since it was last asked, and tell whether it matters."""
        before = self.since
        self._since, groups = self._database.log_since(before)
        if groups is None:
            raise StoreError(
                f"the change log no longer goes back to commit {before}",
                hint="read all objects again, and continue from there",
            )
        for group in groups:
            if group.op != SCHEMA and (not self._types or group.class_name in self._types):
                self._waiting.extend(_changes(group))
        return bool(self._waiting)


def _changes(group: Group) -> list[Change]:
    fields = tuple(group.fields.split(",")) if group.fields else ()
    return [
        Change(group.seq, group.at, group.op, group.class_name, oid, fields) for oid in group.oids
    ]
