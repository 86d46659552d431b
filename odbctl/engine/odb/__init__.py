"""The object database: typed objects in one SQLite file, transactions, reactors.

A name is imported when it is first used: a command that only reads does not pay for
transactions, reactors and the change signal.
"""

from __future__ import annotations

from odbctl.engine.odb.objects import DbObject
from odbctl.engine.odb.schema import Indexed, Schema, Secret, Unique

# Bound here and now: a module of this package is called `field`, too.
from odbctl.engine.odb.specifiers import Index, field
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odbctl.engine.odb.current import current_database
    from odbctl.engine.odb.database import Database
    from odbctl.engine.odb.reactor import Reactor, wake_at
    from odbctl.engine.odb.retry import retry_on_conflict
    from odbctl.engine.odb.store import Listener
    from odbctl.engine.odb.transaction import Transaction
    from odbctl.engine.odb.view import View

__all__ = [
    "Database",
    "DbObject",
    "Index",
    "Indexed",
    "Listener",
    "Reactor",
    "Schema",
    "Secret",
    "Transaction",
    "Unique",
    "View",
    "current_database",
    "field",
    "retry_on_conflict",
    "wake_at",
]

_MODULES = {
    "Database": "database",
    "Listener": "store",
    "Reactor": "reactor",
    "Transaction": "transaction",
    "View": "view",
    "current_database": "current",
    "retry_on_conflict": "retry",
    "wake_at": "reactor",
}


def __getattr__(name: str) -> object:
    """Import an exported name when it is first used."""
    if module := _MODULES.get(name):
        from importlib import import_module

        found: object = getattr(import_module(f"{__name__}.{module}"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
