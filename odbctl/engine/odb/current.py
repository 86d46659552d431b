"""Which view or transaction is open in this thread.

Objects do not carry a database: what they read and write goes to the view or
transaction that the running thread has opened last.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from odbctl.errors import TransactionError

if TYPE_CHECKING:
    from odbctl.engine.odb.codec import Row
    from odbctl.engine.odb.database import Database
    from odbctl.engine.odb.definition import Definition
    from odbctl.engine.odb.tracker import Tracker
    from odbctl.engine.odb.view import View


# Rows of the cache, by class and oid.
Rows = dict["Definition", dict[int, "Row"]]
NO_ROWS: Final[Rows] = {}


class _Current(threading.local):
    view: View | None = None
    # What fields may read without asking the view, because nobody wants to know.
    rows: Rows = NO_ROWS
    # Who wants to know what this thread reads.
    tracker: Tracker | None = None


current = _Current()


def current_view() -> View:
    """Return the view or transaction of this thread.

    Raises:
        TransactionError: None is open.
    """
    view = current.view
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


def current_database() -> Database:
    """Return the database of this thread's view or transaction.

    Raises:
        TransactionError: None is open.
    """
    return current_view().database
