"""The engine's side of every source: an opened home, which the change signal wakes."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from odbctl.engine.api.engine import Engine
from odbctl.paths import Home


class HomeSource:
    """A real home, read by one thread."""

    def __init__(self, home: Home) -> None:
        self._engine = Engine.open(home)
        self._listener = self._engine.db.listen()

    def __enter__(self) -> Self:
        self._listener.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.close()
        self._engine.close()

    def wait(self, timeout_seconds: float) -> None:
        """Sleep until a commit since the last read, a wake-up or the time-out."""
        if not self._listener.arm():
            self._listener.wait(timeout_seconds)

    def wake(self) -> None:
        """End a `wait` from another thread."""
        self._listener.wake()
