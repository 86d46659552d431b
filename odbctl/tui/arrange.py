"""Which rows a table shows, and in which order. Pure but for the clock it is given.

The rows that were found last stay when a filter is broken or slow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from odbctl.tui.columns import ColumnSpec
from odbctl.tui.filters import Filter, parse_filter
from odbctl.tui.paint import Cell
from odbctl.tui.patterns import PatternError
from odbctl.tui.views import View

SCAN_SECONDS = 0.1
Value = str | int | float | None


class Keyed(Protocol):
    """A row that can be told from the others."""

    @property
    def key(self) -> str:
        """What the row is known by, whatever its place."""
        ...


Row = TypeVar("Row", bound=Keyed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(Generic[Row]):
    """What there is to know about the rows of a table.

    Attributes:
        view: The screen it belongs to.
        specs: Its columns.
        cells_of: What each cell says, by column, from the row and the time.
        values_of: What rows are sorted by, and `field=` looks at, by column.
        searched: The columns that a filter without a field looks at.
        is_fault: Whether a row is not as wanted.
    """

    view: View
    specs: tuple[ColumnSpec, ...]
    cells_of: Callable[[Row, float], Mapping[str, Cell]]
    values_of: Callable[[Row], Mapping[str, Value]]
    searched: tuple[str, ...]
    is_fault: Callable[[Row], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """What a person chose for a table."""

    sort_column: str = ""
    is_reversed: bool = False
    is_frozen: bool = False
    has_faults_only: bool = False
    is_wide: bool = False
    filter_text: str = ""


@dataclass(slots=True)
class Arranger(Generic[Row]):
    """Chooses and orders rows; remembers which rows matched, for most do not change."""

    resource: Resource[Row]
    clock: Callable[[], float] = time.monotonic
    chosen: Arrangement = field(default_factory=Arrangement)
    # Why the filter is not in force; empty when it is.
    problem: str = ""
    _filter: Filter = field(default_factory=Filter)
    _matched: dict[str, tuple[Row, bool]] = field(default_factory=dict[str, tuple[Row, bool]])
    _order: dict[str, int] = field(default_factory=dict[str, int])
    _found: tuple[Row, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that a filter may name."""
        return ("state", *(spec.name.lower() for spec in self.resource.specs))

    def choose(self, arrangement: Arrangement) -> None:
        """Arrange in another way from now on; a broken filter leaves the last good one."""
        before, self.chosen = self.chosen, arrangement
        if arrangement.filter_text != before.filter_text:
            self._choose_filter(arrangement.filter_text)
        if arrangement.is_frozen and not before.is_frozen:
            self._order = {row.key: place for place, row in enumerate(self._found)}

    def _choose_filter(self, text: str) -> None:
        try:
            self._filter = parse_filter(text, self.names)
            self.problem = ""
            self._matched = {}
        except PatternError as error:
            self.problem = str(error)

    def arrange(self, rows: Sequence[Row]) -> tuple[Row, ...]:
        """Return the rows to show, in their order."""
        found = self._filtered(rows)
        if found is None:
            known = {row.key: row for row in rows}
            found = [known[row.key] for row in self._found if row.key in known]
        if self.chosen.has_faults_only:
            found = [row for row in found if self.resource.is_fault(row)]
        self._found = tuple(self._ordered(found))
        return self._found

    def _filtered(self, rows: Sequence[Row]) -> list[Row] | None:
        """Return the rows that match; None if that took too long."""
        if not self._filter.words:
            return list(rows)
        deadline = self.clock() + SCAN_SECONDS
        if len(self._matched) > 2 * len(rows) + 100:
            self._matched.clear()
        found: list[Row] = []
        for row in rows:
            known = self._matched.get(row.key)
            if known is None or known[0] is not row:
                known = self._matched[row.key] = (row, self._takes(row))
                if self.clock() > deadline:
                    self.problem = f"{self._filter.text}: too slow, stopped"
                    return None
            if known[1]:
                found.append(row)
        return found

    def _takes(self, row: Row) -> bool:
        values = self.resource.values_of(row)
        fields = {name.lower(): str(value) for name, value in values.items() if value is not None}
        return self._filter.takes(fields, [name.lower() for name in self.resource.searched])

    def _ordered(self, rows: list[Row]) -> list[Row]:
        if self.chosen.is_frozen:
            last = len(self._order)
            for row in rows:
                self._order.setdefault(row.key, len(self._order))
            return sorted(rows, key=lambda row: self._order.get(row.key, last))
        column = self.chosen.sort_column
        if not column:
            return rows
        keyed = [(self.resource.values_of(row).get(column), row) for row in rows]
        known = [(value, row) for value, row in keyed if value is not None]
        # What is not known is last either way.
        unknown = [row for value, row in keyed if value is None]
        known.sort(key=lambda pair: _comparable(pair[0]), reverse=self.chosen.is_reversed)
        return [row for _, row in known] + unknown


def _comparable(value: Value) -> tuple[int, float, str]:
    """Return something that numbers and texts can both be compared by."""
    if isinstance(value, str):
        return (1, 0.0, value.casefold())
    return (0, float(value or 0), "")
