"""Trying again after a conflict: what every optimistic transaction needs.

The first tries hold no lock. Beside somebody who commits without a pause they could all
conflict, so the last ones keep other writers out from their begin to their commit.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable

from odbctl.engine.odb.current import open_view, refuse_coroutine, require_loop
from odbctl.errors import RevisionConflictError
from odbctl.light_typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from typing import Final, ParamSpec, TypeVar

    from odbctl.engine.odb.database import Database

    P = ParamSpec("P")
    T = TypeVar("T")

MOST_TRIES: Final = 20
# Of them without a lock.
OPTIMISTIC_TRIES: Final = 10
# A function whose try takes longer may not keep others waiting for it.
LONGEST_LOCKED_SECONDS: Final = 2.0
_NOT_ACROSS_AWAIT: Final = (
    "a transaction that may run again is not kept open across an await: await before or after it"
)
FIRST_BACK_OFF_SECONDS: Final = 0.0005
LONGEST_BACK_OFF_SECONDS: Final = 0.05


def retry_on_conflict(function: Callable[P, T]) -> Callable[P, T]:
    """Make a function run again when its transaction conflicts.

    The function opens its transaction itself. The last tries keep other writers out until
    the first commit, so that it succeeds beside any number of them; only a function that
    takes seconds is never given that. Inside an open transaction it is simply called: only
    the outermost can be run again.

    Raises:
        RevisionConflictError: It conflicted 20 times.
        TypeError: It is a coroutine function.
    """
    refuse_coroutine(function, _NOT_ACROSS_AWAIT)

    @functools.wraps(function)
    def retrying(*arguments: P.args, **named: P.kwargs) -> T:
        # The first try, which nearly always is the only one, costs no more than a call.
        try:
            return function(*arguments, **named)
        except RevisionConflictError as error:
            tries = Tries(count=1)
            pause_seconds = tries.pause_seconds(error)
        while True:
            time.sleep(pause_seconds)
            try:
                with tries:
                    return function(*arguments, **named)
            except RevisionConflictError as error:
                pause_seconds = tries.pause_seconds(error)

    return retrying


def run(database: Database, function: Callable[[], T]) -> T:
    """Run a function in a transaction, and again after a conflict; see `Database.run`."""
    refuse_coroutine(function, _NOT_ACROSS_AWAIT)
    if _is_within(database):
        return function()
    tries = Tries(database)
    while True:
        try:
            with tries, database.transaction():
                return function()
        except RevisionConflictError as error:
            pause_seconds = tries.pause_seconds(error)
        time.sleep(pause_seconds)


async def run_async(database: Database, function: Callable[[], T]) -> T:
    """Do the same in a task: other tasks go on during the pauses."""
    require_loop("run_async", "db.run")
    from asyncio import sleep  # its caller has imported it

    refuse_coroutine(function, _NOT_ACROSS_AWAIT)
    if _is_within(database):
        return function()
    tries = Tries(database)
    while True:
        try:
            with tries, database.transaction():
                return function()
        except RevisionConflictError as error:
            pause_seconds = tries.pause_seconds(error)
        await sleep(pause_seconds)


class Tries:
    """Counts the tries of one call; each of them is a `with`."""

    __slots__ = ("_contended", "_count", "_database", "_started_at")

    def __init__(self, database: Database | None = None, *, count: int = 0) -> None:
        """Begin to count.

        Args:
            database: Of the transactions that are tried; None if they are opened by the function.
            count: Tries that have been made.
        """
        self._database = database
        self._count = count
        # What it conflicted in, once the next try should keep others out of it.
        self._contended: Database | None = None
        self._started_at = 0.0

    def __enter__(self) -> None:
        self._count += 1
        if self._contended is not None:
            self._contended.keep_writers_out()
        self._started_at = time.monotonic()

    def __exit__(self, *_: object) -> None:
        if self._contended is not None:
            self._contended.let_writers_in()

    def pause_seconds(self, error: RevisionConflictError) -> float:
        """Say how long to wait before the next try.

        Raises:
            RevisionConflictError: The call should not be tried again.
        """
        outer = open_view()
        if self._count >= MOST_TRIES or (
            # What is open around it may be what conflicts.
            outer is not None and (self._database is None or error.database is not self._database)
        ):
            raise error
        is_due = (
            self._count >= OPTIMISTIC_TRIES
            and time.monotonic() - self._started_at < LONGEST_LOCKED_SECONDS
            # Two databases would have to be locked in the same order by everybody.
            and (outer is None or not outer.is_writable)
        )
        self._contended = cast("Database | None", error.database) if is_due else None
        return back_off_seconds(self._count) if self._contended is None else 0.0


def _is_within(database: Database) -> bool:
    """Tell whether a transaction of a database is open here."""
    view = open_view()
    return view is not None and view.is_writable and view.database is database


def back_off_seconds(tries: int) -> float:
    """Draw a pause: longer at most after each try, and never the same for two rivals."""
    longest: float = min(FIRST_BACK_OFF_SECONDS * 2**tries, LONGEST_BACK_OFF_SECONDS)
    return longest * int.from_bytes(os.urandom(2), "big") / 0xFFFF
