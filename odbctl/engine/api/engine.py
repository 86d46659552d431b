"""Engine: an opened home, which every use case takes first."""

from __future__ import annotations

from types import TracebackType

from odbctl.engine.odb.database import Database
from odbctl.paths import Home


class Engine:
    """A home and its database. Used by the command line and the dashboard."""

    def __init__(self, home: Home) -> None:
        """Open a home that may be missing; `open` makes its folders.

        Raises:
            NotPermittedError: The home is not the user's alone.
        """
        home.check()
        self.home = home
        self.db = Database(home.database_text, run_dir=home.run_text)

    @classmethod
    def open(cls, home: Home | None = None) -> Engine:
        """Open a home, by default the user's, making its folders.

        Raises:
            NotPermittedError: The home cannot be written to.
        """
        found = home or Home.default()
        found.create()
        return cls(found)

    def close(self) -> None:
        """Close the database."""
        self.db.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
