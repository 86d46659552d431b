"""Which columns a table has at a width, and how wide each is. Pure.

Widths depend on the terminal only, never on the rows: a table whose columns
move while one reads it cannot be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

GAP_CELLS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSpec:
    """A column: its width, how it grows with the terminal, and from where it is shown."""

    name: str
    width: int
    most: int = 0
    grows: int = 0
    from_width: int = 0
    is_right: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column with its final width."""

    name: str
    width: int
    is_right: bool


SERVICE_COLUMNS = (
    ColumnSpec(name="NAME", width=14, grows=1, most=36),
    ColumnSpec(name="STATUS", width=13),
    ColumnSpec(name="READY", width=5, is_right=True),
    ColumnSpec(name="REF", width=16, grows=1, most=32, from_width=72),
    ColumnSpec(name="RESTARTS", width=8, is_right=True),
    ColumnSpec(name="AGE", width=6, is_right=True),
    ColumnSpec(name="REASON", width=18, grows=6, most=200, from_width=100),
)
INSTANCE_COLUMNS = (
    ColumnSpec(name="ID", width=16, grows=1, most=36),
    ColumnSpec(name="STATUS", width=14),
    ColumnSpec(name="PID", width=8, is_right=True),
    ColumnSpec(name="UP", width=6, is_right=True),
    ColumnSpec(name="LAST-EXIT", width=10),
    ColumnSpec(name="RELEASE", width=7, is_right=True, from_width=100),
    ColumnSpec(name="REASON", width=12, grows=5, most=200, from_width=76),
)
EVENT_COLUMNS = (
    ColumnSpec(name="TIME", width=8),
    ColumnSpec(name="OBJECT", width=16, grows=1, most=30, from_width=54),
    ColumnSpec(name="REASON", width=12),
    ColumnSpec(name="MESSAGE", width=10, grows=4, most=400),
)


@lru_cache(maxsize=64)
def columns_for(specs: Sequence[ColumnSpec], width: int) -> tuple[Column, ...]:
    """Choose the columns that a width has room for, and share what is left over.

    Args:
        specs: The columns of a table, in their order.
        width: The cells of a line.

    Returns:
        Columns that together with their gaps never exceed `width`.
    """
    chosen = _that_fit([s for s in specs if s.from_width <= width], width)
    widths = [s.width for s in chosen]
    spare = width - _line_width(chosen)
    total = sum(s.grows for s in chosen)
    for place, spec in enumerate(chosen):
        if spec.grows:
            share = min(spare * spec.grows // total, max(spec.most - spec.width, 0))
            widths[place] += share
            spare -= share
            total -= spec.grows
    return tuple(
        Column(name=s.name, width=w, is_right=s.is_right)
        for s, w in zip(chosen, widths, strict=True)
    )


def _that_fit(specs: list[ColumnSpec], width: int) -> list[ColumnSpec]:
    """Leave out columns from the right until the line has room."""
    while specs and _line_width(specs) > width:
        specs = specs[:-1]
    return specs


def _line_width(specs: Sequence[ColumnSpec]) -> int:
    return sum(s.width for s in specs) + GAP_CELLS * max(len(specs) - 1, 0)
