"""Store: what keeps the objects. A port with two adapters, a SQLite file and plain memory.

The rest of the package works on rows, caches and read sets, and asks a store
for snapshots, rows, lookups, the change log, and to commit. Each thread has a
`Link` of its own; a `Store` may be used by any thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType

from odbctl.light_typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from typing import Self

    from odbctl.engine.odb.codec import Row, Stored
    from odbctl.engine.odb.definition import Definition
    from odbctl.engine.odb.field import Field
    from odbctl.engine.odb.log import Group
    from odbctl.engine.odb.overlay import Overlay
    from odbctl.engine.odb.ranges import Range


class Table(Protocol):
    """A class, as a link reads it in the snapshot that is open."""

    @property
    def is_current(self) -> bool:
        """Whether the store has all that this definition of the class needs."""
        ...

    @property
    def is_plain(self) -> bool:
        """Whether every value of a row can be read as it is: none is missing."""
        ...

    def row(self, oid: int) -> Row | None:
        """Read the row of an object."""
        ...

    def row_as_of(self, oid: int, seq: int) -> Row | None:
        """Read a row without a snapshot, if the commit `seq` still is the last one.

        Returns:
            None if it is not, if there is no such row, or if that takes a snapshot.
        """
        ...

    def select(
        self,
        fields: tuple[Field, ...],
        values: Sequence[Stored],
        *,
        limit: int | None = None,
        newest: bool = False,
        after: int | None = None,
    ) -> list[Row]:
        """Read the rows with these values, oldest first; with a limit those of one end.

        `after` is an oid: only rows behind it, seen from that end.
        """
        ...

    def count(self, fields: tuple[Field, ...], values: Sequence[Stored]) -> int:
        """Count the rows with these values."""
        ...

    def select_range(self, wanted: Range) -> list[Row]:
        """Read the rows of a range, in its order, up to its limit."""
        ...

    def count_range(self, wanted: Range) -> int:
        """Count the rows of a range, up to its limit."""
        ...


class Write(NamedTuple):
    """What a transaction wants to have written."""

    base_seq: int  # the last commit it has seen
    overlays: Sequence[Overlay]
    groups: Sequence[Group]  # its entry in the change log
    outdated: Sequence[Definition]  # classes that the store must learn first
    check: Callable[[list[Group] | None], None]  # of later commits; raises if they conflict


class Written(NamedTuple):
    """What became of it."""

    seq: int  # the number of the commit
    others: list[Group] | None  # what was committed since its snapshot; None if not known
    learnt: Sequence[Group]  # classes that the store learnt


class Link(Protocol):
    """One thread's way into a store."""

    def begin(self) -> int:
        """Open a snapshot and return the number of its last commit."""
        ...

    def end(self) -> None:
        """Close the snapshot; does nothing if none is open."""
        ...

    def last_seq(self) -> int:
        """Return the number of the last commit; needs no snapshot."""
        ...

    def log_since(self, seq: int, most: int | None = None) -> list[Group] | None:
        """Return what was committed after `seq`, up to the snapshot if one is open.

        Returns:
            None if the log no longer goes so far back, or if these are more than `most` commits.
        """
        ...

    def table(self, definition: Definition) -> Table:
        """Return a class as it is in the snapshot that is open."""
        ...

    def commit(self, write: Write) -> Written:
        """Write all or nothing; no snapshot is open.

        Raises:
            AlreadyExistsError: A unique value is taken.
            StoreError: It cannot be written.
        """
        ...

    def announce(self, first_seq: int, last_seq: int) -> None:
        """Wake the listeners after these commits, and do what upkeep is due."""
        ...

    def upkeep(self) -> None:
        """Prune the change log and keep the files small."""
        ...

    def close(self) -> None:
        """Close the link. Safe to call twice."""
        ...


class Listener(Protocol):
    """The receiving side of the change signal, for one thread; use it in a `with`.

    An event loop watches `fileno()`. Before it sleeps it calls `arm()` and
    looks at the database again if that says True; when the descriptor is
    readable it calls `drain()`.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def fileno(self) -> int:
        """Return the descriptor that becomes readable after a commit."""
        ...

    def arm(self) -> bool:
        """Ask to be woken by the next commit; True if one followed the view that counts."""
        ...

    def ask(self) -> None:
        """Ask to be woken by the next commit, and look at the database by oneself."""
        ...

    def drain(self) -> None:
        """Take away the wake-ups that came."""
        ...

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Sleep until a wake-up, the time-out, or until it is time to look by oneself.

        Of several wake-ups it takes one: further ones end the next sleep, unless they are drained.
        """
        ...

    def wake(self) -> None:
        """Wake this listener from another thread."""
        ...

    def close(self) -> None:
        """Stop listening. Safe to call twice."""
        ...


class Store(Protocol):
    """Where the objects are."""

    def open(self) -> Link:
        """Open the link of a thread."""
        ...

    def is_last(self, seq: int) -> bool:
        """Tell, if that costs nothing, that no commit followed `seq`; False if in doubt."""
        ...

    def listener(self, has_changed: Callable[[], bool]) -> Listener:
        """Make a listener."""
        ...

    def keep_writers_out(self) -> None:
        """Let nobody but this thread commit, until it does or calls `let_writers_in`.

        Raises:
            StoreBusyError: Others commit for too long.
        """
        ...

    def let_writers_in(self) -> None:
        """Let others commit; does nothing when this thread keeps none out."""
        ...

    def close(self) -> None:
        """Close what the store itself has open."""
        ...
