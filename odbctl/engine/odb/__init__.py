"""The object database: typed objects in one SQLite file, transactions, reactors."""

from __future__ import annotations

from odbctl.engine.odb.current import current_database
from odbctl.engine.odb.database import Database
from odbctl.engine.odb.objects import DbObject
from odbctl.engine.odb.reactor import Reactor
from odbctl.engine.odb.retry import retry_on_conflict
from odbctl.engine.odb.schema import Indexed, Schema, Unique
from odbctl.engine.odb.specifiers import Index, field
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
    "Transaction",
    "Unique",
    "View",
    "current_database",
    "field",
    "retry_on_conflict",
]
