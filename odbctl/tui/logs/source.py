"""The seam between the log viewer and the engine's log pages.

A `LogSource` belongs to the one thread that opened it. `engine.api.log_pages.LogPages` is
one; tests put a fake in its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from odbctl.engine.api.log_pages import (
    EVERYTHING,
    Found,
    LineFilter,
    Look,
    PageLine,
    Position,
    never,
)
from odbctl.tui.flows.orders import names_text


class Counter(Protocol):
    """Counts the lines in which a pattern is found."""

    @property
    def total(self) -> int:
        """How many, of what was looked at."""
        ...

    @property
    def is_complete(self) -> bool:
        """Whether all was looked at."""
        ...

    @property
    def is_full(self) -> bool:
        """Whether there are more than are counted."""
        ...

    def advance(self, should_stop: Callable[[], bool]) -> bool:
        """Go on until told to stop; return whether anything was new."""
        ...

    def rank(self, position: Position) -> int:
        """Return how many of them lie before a position."""
        ...


class LogSource(Protocol):
    """Opened logs, read by one thread; see `LogPages` for what each member promises."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    @property
    def lanes(self) -> tuple[str, ...]:
        """The instances, in the order in which they were first seen."""
        ...

    @property
    def notices(self) -> tuple[str, ...]:
        """What is no longer as it was."""
        ...

    @property
    def start(self) -> Position:
        """Before the oldest line."""
        ...

    @property
    def end(self) -> Position:
        """Behind the newest line."""
        ...

    def lane_of(self, line: PageLine) -> int:
        """Return whose a line is."""
        ...

    def fraction(self, position: Position) -> float:
        """Return how much lies before a position, from 0 to 1."""
        ...

    def refresh(self) -> Look:
        """Look for what is new."""
        ...

    def forward(
        self,
        position: Position,
        count: int | None,
        only: LineFilter = EVERYTHING,
        should_stop: Callable[[], bool] = never,
    ) -> list[PageLine]:
        """Return the lines behind a position, first to last."""
        ...

    def lines(
        self,
        position: Position,
        only: LineFilter = EVERYTHING,
        should_stop: Callable[[], bool] = never,
    ) -> Iterator[PageLine]:
        """Yield the lines behind a position."""
        ...

    def backward(
        self,
        position: Position,
        count: int,
        only: LineFilter = EVERYTHING,
        should_stop: Callable[[], bool] = never,
    ) -> list[PageLine]:
        """Return the lines before a position, first to last."""
        ...

    def at_time(self, at: float) -> Position:
        """Return the position of a time."""
        ...

    def find(
        self,
        position: Position,
        pattern: re.Pattern[str],
        *,
        is_backward: bool = False,
        only: LineFilter = EVERYTHING,
        should_stop: Callable[[], bool] = never,
    ) -> Found | None:
        """Return the next line in whose text a pattern is found, or the last one before."""
        ...

    def is_shown(self, line: PageLine, only: LineFilter) -> bool:
        """Tell whether a filter shows a line, perhaps as one of those around."""
        ...

    def counter(self, pattern: re.Pattern[str], only: LineFilter = EVERYTHING) -> Counter:
        """Return what counts the lines that `find` finds."""
        ...

    def whole_text(self, line: PageLine) -> str:
        """Return the text of a line, however long."""
        ...


LogOpener = Callable[[], LogSource]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRequest:
    """Whose logs: of a service's instances as they are now, of one, or of others.

    Attributes:
        service: The service.
        instance: Of this instance only.
        also: Further services or instances, whose logs are merged with these.
        is_previous: The run before instead, of each.
        is_everything: All instances that there ever were.
    """

    service: str
    instance: str | None = None
    also: tuple[str, ...] = ()
    is_previous: bool = False
    is_everything: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The services and instances that were asked for."""
        return (self.instance or self.service, *self.also)

    @property
    def title(self) -> str:
        """Say whose logs, in a few words."""
        whose = names_text(self.names)
        if self.is_previous:
            return f"{whose} logs, previous run"
        return f"{whose} logs, all instances" if self.is_everything else f"{whose} logs"


OpenLogs = Callable[[LogRequest], LogSource]
