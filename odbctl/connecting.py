"""Connecting: the database of an odbctl home, for scripts, notebooks and services."""

from __future__ import annotations

import os
from typing import Literal

from odbctl.engine.odb import Database
from odbctl.paths import Home


def connect(
    home: str | os.PathLike[str] | None = None,
    *,
    synchronous: Literal["NORMAL", "FULL"] = "NORMAL",
) -> Database:
    """Open the database that the services of a home use; close it, or use it in a `with`.

    Inside a service it is the same database as `self.db`, through a connection of its own.

    Args:
        home: The folder of the home; by default that of `ODBCTL_HOME`, or the user's own.
        synchronous: FULL survives a power loss with every commit; NORMAL may lose the last.

    Raises:
        NotPermittedError: The home is missing and cannot be made.
    """
    folders = Home.default() if home is None else Home.at(home)
    folders.create()
    return Database(folders.database_text, run_dir=folders.run_text, synchronous=synchronous)
