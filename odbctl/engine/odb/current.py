"""Which view or transaction is open in this thread.

Objects do not carry a database: what they read and write goes to the view or
transaction that the running thread has opened last.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from odbctl.errors import TransactionError

if TYPE_CHECKING:
    from odbctl.engine.odb.database import Database
    from odbctl.engine.odb.tracker import Tracker
    from odbctl.engine.odb.transaction import Transaction
    from odbctl.engine.odb.view import View


class _Current(threading.local):
    view: View | None = None
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
        raise TransactionError("no view or transaction is open", hint="with db.view(): …")
    return view


def require_transaction() -> Transaction:
    """Return the transaction of this thread.

    Raises:
        TransactionError: None is open.
    """
    view = current_view()
    transaction = view.transaction
    if transaction is None:
        raise TransactionError("a view cannot write", hint="with db.transaction(): …")
    return transaction


def current_database() -> Database:
    """Return the database of this thread's view or transaction.

    Raises:
        TransactionError: None is open.
    """
    return current_view().database
