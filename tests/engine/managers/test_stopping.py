"""What a manager looks at once more when it was asked to stop."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fakes.scripted_manager import ScriptedManager
from stocked_home import stock

from odbctl.engine.odb import Database, Listener
from odbctl.errors import StoreError
from odbctl.paths import Home


class ReplacedDatabase(Database):
    """A database whose file is replaced when a manager begins to listen."""

    def listen(self, looked: Callable[[], int] | None = None) -> Listener:
        """Put an empty file in its place."""
        self.path.rename(self.path.with_name("earlier.db"))
        self.path.touch()
        return super().listen(looked)


def test_a_manager_that_stops_says_that_its_database_was_replaced(home: Home) -> None:
    stock(home)
    with ReplacedDatabase(home.database, run_dir=home.run) as db:
        manager = ScriptedManager(home, db)
        manager.stop()
        with pytest.raises(StoreError, match="replaced by another file"):
            manager.run()
