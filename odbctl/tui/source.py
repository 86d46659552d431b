"""What one thread reads and sleeps on: the seam that all sources of the dashboard share."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self


class WokenSource(Protocol):
    """Something opened, for one thread; `wake` is for others."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def wait(self, timeout_seconds: float) -> None:
        """Sleep until something changed since the last read, a wake-up or the time-out."""
        ...

    def wake(self) -> None:
        """End a `wait` from another thread."""
        ...
