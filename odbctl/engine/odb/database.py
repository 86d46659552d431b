"""Database: one SQLite file, the door to everything else in this package.

Thread-safe: each thread has a session (connection and cache) of its own. Not
to be used across a fork: a child makes its own `Database`.
"""

from __future__ import annotations

import _thread  # `threading` would take 1 ms more
import os
from collections.abc import Callable, Collection
from types import TracebackType

from odbctl.engine.odb.current import open_view
from odbctl.engine.odb.session import Session
from odbctl.engine.odb.sqlite_store import SqliteStore
from odbctl.engine.odb.view import View
from odbctl.errors import StoreError
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Final, Literal, Self, TypeVar

    from odbctl.engine.odb.feed import Changes
    from odbctl.engine.odb.log import Group
    from odbctl.engine.odb.objects import DbObject
    from odbctl.engine.odb.reactor_chain import Run
    from odbctl.engine.odb.store import Listener, Store
    from odbctl.engine.odb.tasks import AsyncChanges
    from odbctl.engine.odb.transaction import Transaction

    T = TypeVar("T")

# What only writers and waiters need is imported by the methods that use it: a command that
# reads would pay for it with a tenth of its time.


# A thread with this many sessions that no task uses closes further ones.
MOST_SPARE_SESSIONS: Final = 4


class _Local(_thread._local):  # pyright: ignore[reportPrivateUsage] - as `threading` does
    session: Session | None = None
    # For views that asyncio tasks have open beside one another; None before the first one.
    spares: list[Session] | None = None


class _Forks:
    """Tells a process from the one that it was forked from."""

    def __init__(self) -> None:
        # That of this process, once somebody has asked; a forked child has none at first.
        self.markers: list[object] = []
        # A function written in C: one in Python would copy memory in every fork of a launcher.
        os.register_at_fork(after_in_child=self.markers.clear)

    def marker(self) -> object:
        """Return an object that stands for this process; a forked child gets another one."""
        if not self.markers:
            self.markers.append(object())
        return self.markers[0]


forks = _Forks()
_markers = forks.markers


class Database:
    """The object database in one file; opened when it is first used."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        run_dir: str | os.PathLike[str] | None = None,
        synchronous: Literal["NORMAL", "FULL"] = "NORMAL",
        busy_timeout_seconds: float = 10.0,
    ) -> None:
        """Store where the database is.

        Args:
            path: The SQLite file; made, readable by its owner only, if it is missing.
            run_dir: Where listeners have their sockets; `run` beside the file by default.
            synchronous: FULL survives a power loss with every commit; NORMAL may lose the last.
            busy_timeout_seconds: How long to wait for another program before StoreBusyError.
        """
        text = os.fspath(path)
        if run_dir is None:
            run_dir = os.path.join(os.path.dirname(text), "run")
        self._path, self._run_dir = text, os.fspath(run_dir)
        # Imported with the first transaction.
        self._transactions: type[Transaction] | None = None
        self._process = forks.marker()
        self._is_closed = False
        # The latest runs of its reactors in this process, by the number of their commit.
        self.reactor_runs: dict[int, Run] = {}
        self._local = _Local()
        self._store: Store = SqliteStore(
            self._path,
            self._run_dir,
            synchronous=synchronous,
            busy_timeout_seconds=busy_timeout_seconds,
        )

    @classmethod
    def in_memory(cls) -> Self:
        """Make a database without a file, for the threads of this process; it ends with it."""
        database = cls(":memory:")
        from odbctl.engine.odb.memory_store import MemoryStore

        database._store = MemoryStore()
        return database

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The SQLite file; not `Path` itself, whose import is a tenth of a quick command."""
        from pathlib import Path

        return Path(self._path)

    @property
    def run_dir(self) -> Path:
        """Where listeners have their sockets."""
        from pathlib import Path

        return Path(self._run_dir)

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._is_closed

    def __repr__(self) -> str:
        return f"Database({self._path!r})"

    def view(self) -> View:
        """Open a consistent snapshot, in a `with`; inside another one it is that one."""
        return View(self)

    def transaction(self) -> Transaction:
        """Open a transaction, in a `with`.

        Leaving it raises RevisionConflictError if another commit changed what
        it had read; see `run` and `retry_on_conflict`. Entering it raises
        TransactionError inside a view or transaction.
        """
        kind = self._transactions
        if kind is None:
            from odbctl.engine.odb.transaction import Transaction

            kind = self._transactions = Transaction
        return kind(self)

    def run(self, function: Callable[[], T]) -> T:
        """Run a function in a transaction, and again after a conflict.

        The last tries keep other writers out, so that it succeeds beside any number of them;
        only a function that takes seconds is never given that. Inside a transaction it is
        simply called, and belongs to that transaction.

        Returns:
            What the function returns.

        Raises:
            RevisionConflictError: It takes seconds, and conflicted 20 times.
            TransactionError: A view is open here, in which nothing can be written.
            TypeError: It is a coroutine function.
        """
        from odbctl.engine.odb.retry import run

        return run(self, function)

    async def run_async(self, function: Callable[[], T]) -> T:
        """Do what `run` does, letting other tasks go on between the tries.

        Each try runs in the event loop's thread, so that the function may use what belongs to
        the loop; keep it short. `asyncio.to_thread(db.run, function)` runs it in another one.

        Raises:
            RevisionConflictError: As for `run`, and the other errors, too.
            RuntimeError: No loop of asyncio runs in this thread.
        """
        from odbctl.engine.odb.retry import run_async

        return await run_async(self, function)

    def keep_writers_out(self) -> None:
        """Let nobody but this thread commit, until it does or calls `let_writers_in`.

        Raises:
            StoreBusyError: Others commit for too long.
        """
        self._store.keep_writers_out()

    def let_writers_in(self) -> None:
        """Let others commit; does nothing when this thread keeps none out."""
        self._store.let_writers_in()

    def listen(self, looked: Callable[[], int] | None = None) -> Listener:
        """Return a listener for this thread, to be used in a `with`.

        Args:
            looked: Returns the `seq` of the view that was acted on, so that a commit after it is
                noticed; by default that of this thread's last view. Whoever opens further views
                after the one that matters has to say.
        """
        session = self.session()
        seen = looked or (lambda: session.viewed_seq)
        return self._store.listener(lambda: self.last_commit() != seen())

    def wait_for_condition(
        self, condition: Callable[[], object], timeout_seconds: float | None = None
    ) -> bool:
        """Wait until a function, run in a view, returns something true.

        It runs at once, and again whenever a commit of any process changed what it read.

        Returns:
            False if it was not true in time.

        Raises:
            TransactionError: A view or transaction is open here.
        """
        from odbctl.engine.odb.changes import wait_for_change
        from odbctl.engine.odb.current import refuse_waiting
        from odbctl.engine.odb.waiting import Waiter

        refuse_waiting(self, "wait_for_condition")
        waiter = Waiter(self, condition)
        if waiter.is_true():
            return True
        with self.listen() as listener:
            return wait_for_change(
                listener,
                waiter.has_become_true,
                should_stop=lambda: self._is_closed,
                timeout_seconds=timeout_seconds,
            )

    def changes(
        self, *, since: int | None = None, types: Collection[str | type[DbObject]] = ()
    ) -> Changes:
        """Iterate, in a `with`, over what any process commits, as it comes.

            with db.changes(types=[Book]) as changes:
                for change in changes: …

        Args:
            since: The number of the last commit that is known; by default the last there is.
            types: Only of these classes, given or named; of all by default.
        """
        from odbctl.engine.odb.feed import Changes

        return Changes(self, since=since, types=_names_of(types))

    async def wait_for_async(
        self, condition: Callable[[], object], timeout_seconds: float | None = None
    ) -> bool:
        """Do what `wait_for_condition` does, letting other tasks go on meanwhile.

        The condition is a plain function, run in the event loop's thread.

        Returns:
            False if it was not true in time.

        Raises:
            RuntimeError: No loop of asyncio runs in this thread.
            TransactionError: A view or transaction is open in this task.
            TypeError: The condition is a coroutine function.
        """
        from odbctl.engine.odb.tasks import wait_for

        return await wait_for(self, condition, timeout_seconds)

    def changes_async(
        self, *, since: int | None = None, types: Collection[str | type[DbObject]] = ()
    ) -> AsyncChanges:
        """Iterate over what any process commits, letting other tasks go on while it waits.

            async for change in db.changes_async(types=[Book]): …

        Args:
            since: The number of the last commit that is known; by default the last there is when
                the iteration begins.
            types: Only of these classes, given or named; of all by default.
        """
        from odbctl.engine.odb.tasks import AsyncChanges

        return AsyncChanges(self, since=since, types=_names_of(types))

    def last_commit(self) -> int:
        """Return the number of the last commit; 0 if there was none."""
        session = self._readable_session()
        try:
            return session.link.last_seq()
        finally:
            self.release(session)

    def checkpoint(self) -> None:
        """Move the WAL into the database file and prune the change log.

        Commits do it themselves when the WAL is large; a manager does it in quiet times.
        """
        session = self.session()
        if session.is_open:
            # Something is read in it here, or in another task of this thread.
            session = self.spare_session()
        try:
            session.link.upkeep()
        finally:
            self.release(session)

    def log_since(self, seq: int) -> tuple[int, list[Group] | None]:
        """Return what was committed after `seq`, and the last commit's number.

        Returns:
            The rows are None if the log no longer goes so far back.
        """
        session = self._readable_session()
        try:
            rows = session.read_log(seq)
            if rows is None:
                return session.link.last_seq(), None
            return (rows[-1].seq if rows else seq), rows
        finally:
            self.release(session)

    def _readable_session(self) -> Session:
        """Return a session for a look at the log, to be released."""
        session = self.session()
        if session.is_open and open_view() is None:
            # Another task of this thread has a snapshot in it, in which nothing new is seen.
            return self.spare_session()
        return session

    def session(self) -> Session:
        """Return the session of this thread, opening it if this is its first use.

        Raises:
            StoreError: The database is closed, or was made before a fork.
        """
        if self._is_closed:
            self.close_session()
            raise StoreError(f"{self!r} is closed")
        if self._process not in _markers:
            raise StoreError(
                f"{self!r} was made before a fork", hint="create one in the child process"
            )
        session = self._local.session
        if session is None:
            session = self._local.session = Session(self._store, self._store.open())
        return session

    def spare_session(self) -> Session:
        """Return a session for one more view in this thread, which has the first one open."""
        if self._local.spares is None:
            self._local.spares = []
        spares = self._local.spares
        return (
            spares.pop()
            if spares
            else Session(self._store, self._store.open(), self._local.session)
        )

    def release(self, session: Session) -> None:
        """Take a session back whose view has ended; close it if the view outlived the database."""
        if self._is_closed:
            session.link.close()
        elif session.main is not None:
            spares = self._local.spares
            if spares is None or len(spares) >= MOST_SPARE_SESSIONS:
                session.link.close()
            else:
                spares.append(session)

    def close_session(self) -> None:
        """Close the connections of this thread, as a thread does that ends."""
        session, self._local.session = self._local.session, None
        spares, self._local.spares = self._local.spares, None
        for each in (session, *(spares or ())):
            if each is not None:
                each.link.close()

    def close(self) -> None:
        """Close it for all threads.

        The connection of this thread is closed now; another thread's when its view ends, when
        it tries to open one, or when it ends itself: none may be closed while it is used.
        """
        if self._is_closed or self._process is not forks.marker():
            return
        self._is_closed = True
        session = self._local.session
        if session is not None and not session.is_open:
            self.close_session()
        self._store.close()


def _names_of(types: Collection[str | type[DbObject]]) -> list[str]:
    return [each if isinstance(each, str) else each.__odb__.name for each in types]
