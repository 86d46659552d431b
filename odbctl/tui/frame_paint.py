"""What the lines around the body say: header and crumbs. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from odbctl.tui.paint import Cell, Tone
from odbctl.tui.snapshot import (
    DEGRADED_STATES,
    FAILED_STATES,
    DashboardSnapshot,
    ManagerState,
)
from odbctl.tui.text import clip, clip_left, visible
from odbctl.units import duration

NEXT = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"
# Younger data is as of now; a number that counts up would only draw the eye.
FRESH_SECONDS = 3.0
# Less of a note says nothing.
SHORTEST_NOTE = 6


def header_cells(
    snapshot: DashboardSnapshot, width: int, *, age_seconds: float = 0.0, is_readonly: bool = False
) -> tuple[Cell, ...]:
    """Return the parts of the header line: what, where, who acts, how it goes."""
    right = _summary(snapshot, age_seconds, is_readonly)
    left = width - sum(cell_len(cell.text) for cell in right) - len(" odbctl   ")
    host = visible(snapshot.host)
    home = clip_left(visible(snapshot.home), max(left - 1, 0))
    if host and cell_len(host) + cell_len(home) + 3 <= left:
        home = f"{host}  {home}"
    padding = " " * max(left - cell_len(home), 1)
    return (Cell(" odbctl", Tone.STRONG), Cell(f"  {home}{padding}", Tone.MUTED), *right)


def _summary(
    snapshot: DashboardSnapshot, age_seconds: float, is_readonly: bool
) -> tuple[Cell, ...]:
    failed = snapshot.count(FAILED_STATES)
    degraded = snapshot.count(DEGRADED_STATES)
    is_up = snapshot.manager is ManagerState.RUNNING
    gap = Cell("  ")
    notes: tuple[Cell, ...] = ()
    if is_readonly:
        notes += (Cell("read-only", Tone.BUSY), gap)
    if age_seconds >= FRESH_SECONDS:
        notes += (Cell(f"{duration(age_seconds)} old", Tone.WARN), gap)
    return (
        *notes,
        Cell("manager up" if is_up else "no manager", Tone.GOOD if is_up else Tone.BAD),
        gap,
        Cell(f"● {snapshot.count({'running'})} running", Tone.GOOD),
        gap,
        Cell(f"▲ {degraded} degraded", Tone.WARN if degraded else Tone.MUTED),
        gap,
        Cell(f"✖ {failed} failed", Tone.BAD if failed else Tone.MUTED),
    )


def crumb_cells(crumbs: Sequence[str], notes: Sequence[Cell], width: int) -> tuple[Cell, ...]:
    """Return the line that says where one is, and what is done to what is shown."""
    cells: list[Cell] = []
    for place, crumb in enumerate(crumbs):
        is_last = place == len(crumbs) - 1
        cells.append(Cell(visible(crumb), Tone.STRONG if is_last else Tone.MUTED))
        if not is_last:
            cells.append(Cell(f" {NEXT} ", Tone.MUTED))
    left = width - 2 - sum(cell_len(cell.text) for cell in cells)
    for note in notes:
        if left < min(cell_len(note.text), SHORTEST_NOTE) + 2:
            break
        text = clip(note.text, left - 2)
        cells += [Cell("  "), Cell(text, note.tone)]
        left -= cell_len(text) + 2
    return tuple(cells)
