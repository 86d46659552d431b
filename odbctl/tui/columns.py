"""Which columns a table has at a width, and how wide each is. Pure.

Widths depend on the terminal only, never on the rows: a table whose columns
move while one reads it cannot be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

GAP_CELLS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSpec:
    """A column: its width, how it grows with the terminal, and from where it is shown.

    `w` shows the key columns, then the wide ones, then the others, as far as there is room.
    """

    name: str
    width: int
    most: int = 0
    grows: int = 0
    from_width: int = 0
    is_right: bool = False
    is_wide: bool = False
    is_key: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column with its final width."""

    name: str
    width: int
    is_right: bool


SERVICE_COLUMNS = (
    ColumnSpec(name="NAME", width=12, grows=2, most=36, is_key=True),
    ColumnSpec(name="STATUS", width=13, is_key=True),
    ColumnSpec(name="READY", width=5, is_right=True, is_key=True),
    ColumnSpec(name="REF", width=12, grows=2, most=32),
    ColumnSpec(name="CPU", width=4, is_right=True),
    ColumnSpec(name="RSS", width=4, is_right=True),
    ColumnSpec(name="RESTARTS", width=8, is_right=True),
    ColumnSpec(name="AGE", width=6, is_right=True),
    ColumnSpec(name="CODEBASE", width=12, grows=1, most=24, from_width=130, is_wide=True),
    ColumnSpec(name="PLACEMENT", width=9, grows=1, most=16, from_width=145, is_wide=True),
    ColumnSpec(name="DEPLOYED", width=8, from_width=160, is_right=True, is_wide=True),
    ColumnSpec(name="CPU-TREND", width=12, from_width=175, is_wide=True),
    ColumnSpec(name="REASON", width=16, grows=6, most=200, from_width=100, is_wide=True),
)
INSTANCE_COLUMNS = (
    ColumnSpec(name="ID", width=14, grows=1, most=36),
    ColumnSpec(name="STATUS", width=14),
    ColumnSpec(name="HEALTH", width=9),
    ColumnSpec(name="CPU", width=4, is_right=True),
    ColumnSpec(name="RSS", width=4, is_right=True),
    ColumnSpec(name="UP", width=6, is_right=True),
    ColumnSpec(name="PID", width=8, is_right=True, from_width=100),
    ColumnSpec(name="LAST-EXIT", width=10, from_width=100),
    ColumnSpec(name="RELEASE", width=7, is_right=True, from_width=130),
    ColumnSpec(name="REASON", width=12, grows=5, most=200, from_width=76),
)
EVENT_COLUMNS = (
    ColumnSpec(name="TIME", width=8),
    ColumnSpec(name="OBJECT", width=16, grows=1, most=30, from_width=54),
    ColumnSpec(name="REASON", width=12),
    ColumnSpec(name="MESSAGE", width=10, grows=4, most=400),
)
ALL_INSTANCE_COLUMNS = (
    ColumnSpec(name="ID", width=12, grows=2, most=36, is_key=True),
    ColumnSpec(name="SERVICE", width=12, grows=1, most=24, from_width=94),
    ColumnSpec(name="STATUS", width=14, is_key=True),
    ColumnSpec(name="HEALTH", width=9, is_key=True),
    ColumnSpec(name="PID", width=7, is_right=True),
    ColumnSpec(name="CPU", width=4, is_right=True),
    ColumnSpec(name="RSS", width=4, is_right=True),
    ColumnSpec(name="RESTARTS", width=8, is_right=True),
    ColumnSpec(name="UP", width=6, is_right=True),
    ColumnSpec(name="RELEASE", width=7, is_right=True, from_width=104, is_wide=True),
    ColumnSpec(name="HOST", width=10, grows=1, most=20, from_width=118, is_wide=True),
    ColumnSpec(name="LAST-EXIT", width=10, from_width=130, is_wide=True),
    ColumnSpec(name="STARTED", width=8, from_width=140, is_wide=True),
    ColumnSpec(name="REASON", width=12, grows=5, most=200, from_width=155),
)
HOST_COLUMNS = (
    ColumnSpec(name="NAME", width=14, grows=1, most=36, is_key=True),
    ColumnSpec(name="STATE", width=10, is_key=True),
    ColumnSpec(name="CORES", width=9, is_right=True),
    ColumnSpec(name="RAM", width=11, is_right=True),
    ColumnSpec(name="INSTANCES", width=9, is_right=True),
    ColumnSpec(name="PLACEMENT", width=12, grows=1, most=24, from_width=76, is_wide=True),
    ColumnSpec(name="LOAD", width=5, is_right=True, from_width=86, is_wide=True),
    ColumnSpec(name="VERSION", width=10, from_width=100, is_wide=True),
    ColumnSpec(name="LAST-SEEN", width=9, is_right=True, from_width=112, is_wide=True),
)
CODEBASE_COLUMNS = (
    ColumnSpec(name="NAME", width=14, grows=1, most=30, is_key=True),
    ColumnSpec(name="REF", width=14, grows=1, most=30),
    ColumnSpec(name="SHA", width=7),
    ColumnSpec(name="STATE", width=10, is_key=True),
    ColumnSpec(name="BEHIND", width=6, is_right=True),
    ColumnSpec(name="FETCHED", width=7, is_right=True),
    ColumnSpec(name="USED-BY", width=8, grows=2, most=60, is_wide=True),
    ColumnSpec(name="REPO", width=16, grows=2, most=80, from_width=100, is_wide=True),
    ColumnSpec(name="SUBJECT", width=16, grows=3, most=100, from_width=130, is_wide=True),
)
ALL_EVENT_COLUMNS = (
    ColumnSpec(name="TIME", width=8, is_key=True),
    ColumnSpec(name="LEVEL", width=7),
    ColumnSpec(name="OBJECT", width=16, grows=1, most=36, is_key=True),
    ColumnSpec(name="REASON", width=12, grows=1, most=20, is_key=True),
    ColumnSpec(name="MESSAGE", width=12, grows=6, most=400),
    ColumnSpec(name="ACTOR", width=14, grows=1, most=24, from_width=100, is_wide=True),
)
AWS_COLUMNS = (
    ColumnSpec(name="INSTANCE", width=20, grows=1, most=30, is_key=True),
    ColumnSpec(name="TYPE", width=12),
    ColumnSpec(name="GROUP", width=12, grows=1, most=24),
    ColumnSpec(name="STATE", width=13, is_key=True),
    ColumnSpec(name="AGE", width=6, is_right=True),
)
RELEASE_COLUMNS = (
    ColumnSpec(name="REV", width=4, is_right=True),
    ColumnSpec(name="REF", width=16, grows=1, most=40),
    ColumnSpec(name="COMMIT", width=7),
    ColumnSpec(name="OUTCOME", width=12),
    ColumnSpec(name="ACTION", width=9, grows=1, most=14, from_width=76),
    ColumnSpec(name="AGE", width=6, is_right=True),
    ColumnSpec(name="TOOK", width=6, is_right=True, from_width=70),
    ColumnSpec(name="BY", width=8, grows=1, most=16, from_width=92),
    ColumnSpec(name="REASON", width=10, grows=5, most=200, from_width=106),
    ColumnSpec(name="CHANGES", width=12, grows=3, most=200, from_width=132),
)
DEPLOY_COLUMNS = (
    ColumnSpec(name="REV", width=4, is_right=True, is_key=True),
    ColumnSpec(name="SERVICE", width=14, grows=1, most=36, is_key=True),
    ColumnSpec(name="REF", width=16, grows=1, most=40),
    ColumnSpec(name="STATUS", width=12, is_key=True),
    ColumnSpec(name="AGE", width=6, is_right=True),
    ColumnSpec(name="DURATION", width=8, is_right=True, from_width=76, is_wide=True),
    ColumnSpec(name="BY", width=10, grows=1, most=20, from_width=88, is_wide=True),
    ColumnSpec(name="ACTION", width=9, grows=1, most=14, from_width=100, is_wide=True),
    ColumnSpec(name="REASON", width=14, grows=3, most=200, from_width=116),
    ColumnSpec(name="CHANGES", width=14, grows=3, most=200, from_width=132, is_wide=True),
)
ATTENTION_COLUMNS = (
    ColumnSpec(name="OBJECT", width=20, grows=1, most=40, is_key=True),
    ColumnSpec(name="STATUS", width=15, is_key=True),
    ColumnSpec(name="REASON", width=20, grows=4, most=300),
)


def columns_for(
    specs: Sequence[ColumnSpec], width: int, is_wide: bool = False, skipped: int = 0
) -> tuple[Column, ...]:
    """Choose the columns that a width has room for, and share what is left over.

    Args:
        specs: The columns of a table, in their order.
        width: The cells of a line.
        is_wide: Whether every column can be reached: key columns stay, wide ones come first.
        skipped: How many of the other columns are scrolled out on the left, when wide.

    Returns:
        Columns that together with their gaps never exceed `width`.
    """
    if is_wide:
        keys = [s for s in specs if s.is_key]
        chosen = _that_fit([*keys, *wide_order(specs)[skipped:]], width)
        if len(chosen) == len(specs):
            chosen = list(specs)
    else:
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


def wide_order(specs: Sequence[ColumnSpec]) -> list[ColumnSpec]:
    """Return the columns that are not always there, in the order of a wide table."""
    return sorted((s for s in specs if not s.is_key), key=lambda spec: not spec.is_wide)


def _that_fit(specs: list[ColumnSpec], width: int) -> list[ColumnSpec]:
    """Leave out columns from the right until the line has room."""
    while specs and _line_width(specs) > width:
        specs = specs[:-1]
    return specs


def _line_width(specs: Sequence[ColumnSpec]) -> int:
    return sum(s.width for s in specs) + GAP_CELLS * max(len(specs) - 1, 0)
