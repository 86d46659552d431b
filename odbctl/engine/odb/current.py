"""Which view or transaction is open in this thread, or in this asyncio task.

Objects do not carry a database: what they read and write goes to the view or
transaction that the running thread has opened last. Under an event loop it is
the running task, because the tasks of a thread take turns while their views
are open. It is looked up by task, not kept in a context variable: a new task
and `asyncio.to_thread` copy the context, and would write into a transaction
that is not theirs.
"""

from __future__ import annotations

import _thread  # `threading` would take 1 ms more
import sys

from odbctl.errors import TransactionError
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

    from odbctl.engine.odb.codec import Row
    from odbctl.engine.odb.database import Database
    from odbctl.engine.odb.tracker import Tracker
    from odbctl.engine.odb.view import View


# The cached rows of a class, where the fields that are read are noted, and what is read otherwise
# because a transaction has written it; all by oid.
Tracked = tuple[dict[int, "Row"], dict[int, int], "Mapping[int, object]"]
NOTHING: Final[Tracked] = {}, {}, {}
CO_COROUTINE: Final = 0x80


class _Current(_thread._local):  # pyright: ignore[reportPrivateUsage] - as `threading` does
    # None while tasks have views of their own.
    view: View | None = None
    # Who wants to know what this thread reads.
    tracker: Tracker | None = None
    # By running task, once one has opened a view.
    tasks: _TaskViews | None = None

    def __init__(self) -> None:
        # Of the classes whose fields look into the cache themselves, until the view changes.
        self.direct: list[_thread._local] = []  # pyright: ignore[reportPrivateUsage] - as `threading` does


current = _Current()
_modules = sys.modules


class _TaskViews:
    """The views that the tasks of a thread have open."""

    def __init__(self) -> None:
        self._views: dict[object, View] = {}
        # What was open in the thread before: a view around the event loop.
        self._outer: View | None = None

    def find(self, task: object) -> View | None:
        """Return the view that a task has open."""
        return self._views.get(task, self._outer)

    def put(self, task: object, view: View) -> None:
        """Note that a task has opened a view."""
        if not self._views:
            end_direct_reads()
            self._outer, current.view = current.view, None
        self._views[task] = view

    def put_back(self, task: object, outer: View | None) -> None:
        """Note that a task has closed a view that it had opened within `outer`."""
        if outer is None or outer is self._outer:
            self._views.pop(task, None)
        else:
            self._views[task] = outer
        if not self._views:
            current.view, self._outer = self._outer, None


def end_direct_reads() -> None:
    """Let all fields ask the view again, because another one is open or its cache has changed."""
    direct = current.direct
    for reads in direct:
        reads.rows, reads.tracked = None, NOTHING
    direct.clear()


def running_task() -> object | None:
    """Return the asyncio task that runs in this thread; in a callback of a loop, the loop."""
    # Whoever runs a loop has imported it.
    events = _modules.get("asyncio.events")
    if events is None:
        return None
    running_loop = getattr(events, "_get_running_loop", None)
    if running_loop is None or (loop := running_loop()) is None:
        return None
    import asyncio

    return asyncio.current_task(loop) or loop


def open_view() -> View | None:
    """Return the view or transaction that is open here."""
    view = current.view
    if view is None and current.tasks is not None:
        view = current.tasks.find(running_task())
    return view


def enter_task_view(view: View, task: object) -> None:
    """Make a view the one that is open in a task."""
    if current.tasks is None:
        current.tasks = _TaskViews()
    current.tasks.put(task, view)


def leave_task_view(task: object, outer: View | None) -> None:
    """Make `outer` the view that is open in a task, in place of one that was opened within."""
    if current.tasks is not None:
        current.tasks.put_back(task, outer)


def current_view() -> View:
    """Return the view or transaction that is open here.

    Raises:
        TransactionError: None is open.
    """
    view = current.view or open_view()
    if view is None:
        raise no_view()
    return view


def no_view(doing: str = "") -> TransactionError:
    """Return the error of whoever reads or writes outside a view.

    Args:
        doing: What it was, e.g. "to read core.Service.name in".
    """
    return TransactionError(
        f"no view or transaction is open {doing}".rstrip(),
        hint="with self.db.view(): … to read, with self.db.transaction(): … to write",
    )


def refuse_waiting(database: Database, what: str) -> None:
    """Refuse to wait inside a view, whose snapshot never changes.

    Args:
        database: What would be waited for.
        what: What would wait, e.g. "wait_for_condition".

    Raises:
        TransactionError: A view or transaction of the database is open here.
    """
    view = open_view()
    if view is not None and view.database is database:
        kind = "transaction" if view.is_writable else "view"
        raise TransactionError(
            f"{what} cannot be used inside a {kind}: it would wait for ever, because what is"
            " read there does not change",
            hint=f"wait outside the {kind}; what waits opens views of its own",
        )


def refuse_coroutine(function: Callable[..., object], why: str) -> None:
    """Refuse a coroutine function where a plain one is called.

    Raises:
        TypeError: It is one.
    """
    # As `inspect.iscoroutinefunction` does, whose import would cost every command that writes.
    code = getattr(function, "__code__", None)
    if code is not None and code.co_flags & CO_COROUTINE:
        raise TypeError(
            f"{function.__qualname__} is a coroutine function, but must be a plain one: {why}"
        )


def require_loop(what: str, instead: str) -> None:
    """Refuse to wait where asyncio does not run, as under another event loop.

    Args:
        what: What would wait, e.g. "run_async".
        instead: What does the same in a thread.

    Raises:
        RuntimeError: No loop of asyncio runs in this thread.
    """
    from asyncio import get_running_loop

    try:
        get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            f"{what} needs asyncio, which does not run in this thread:"
            f" under another event loop, call {instead} in a thread of its own"
        ) from None


def current_database() -> Database:
    """Return the database of this thread's view or transaction.

    Raises:
        TransactionError: None is open.
    """
    return current_view().database
