"""What each cell says and in which tone. Pure: rows in, texts out.

Tones are names; the colours behind them come from the theme, so that light
terminals stay readable. A glyph says the same as its colour.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from odbctl.tui.snapshot import (
    DEGRADED_STATES,
    FAILED_STATES,
    DashboardSnapshot,
    EventRow,
    InstanceRow,
    ManagerState,
    ServiceRow,
)
from odbctl.tui.text import clip_left, clock, duration, visible


class Tone(StrEnum):
    """How a text is meant."""

    PLAIN = "plain"  # as it is
    STRONG = "strong"  # what the eye looks for
    MUTED = "muted"  # there, but of little matter
    GOOD = "good"  # as wanted
    BUSY = "busy"  # on its way
    WARN = "warn"  # not as wanted; odbctl goes on trying
    BAD = "bad"  # not as wanted; somebody has to act


class Cell(NamedTuple):
    """A text and its tone."""

    text: str
    tone: Tone = Tone.PLAIN


TIMES = "\N{MULTIPLICATION SIGN}"
NOTHING = Cell("-", Tone.MUTED)
_STATES: dict[str, tuple[str, Tone]] = {
    "running": ("●", Tone.GOOD),
    "starting": ("◐", Tone.BUSY),
    "booting": ("◐", Tone.BUSY),
    "initializing": ("◐", Tone.BUSY),
    "stopping": ("◑", Tone.BUSY),
    "stopped": ("○", Tone.MUTED),
    "degraded": ("▲", Tone.WARN),
    "backoff": ("▲", Tone.WARN),
    "waiting": ("▲", Tone.WARN),
    "lost": ("▲", Tone.WARN),
    "crash-loop": ("✖", Tone.BAD),
    "throttled": ("✖", Tone.BAD),
    "unplaceable": ("✖", Tone.BAD),
    "failed": ("✖", Tone.BAD),
    "crashed": ("✖", Tone.BAD),
}
_LEVELS = {
    "warning": Tone.WARN,
    "error": Tone.BAD,
    "critical": Tone.BAD,
    "debug": Tone.MUTED,
}


def state_cell(state: str) -> Cell:
    """Return a state with its glyph; an unknown one is shown as it is."""
    glyph, tone = _STATES.get(state, ("?", Tone.PLAIN))
    return Cell(f"{glyph} {visible(state)}", tone)


def level_tone(level: str) -> Tone:
    """Return the tone of a log level or an event level."""
    return _LEVELS.get(level.lower(), Tone.PLAIN)


def service_cells(row: ServiceRow, now: float) -> dict[str, Cell]:
    """Return the cells of a service by column."""
    is_short = row.ready_count < row.desired_count
    return {
        "NAME": Cell(visible(row.key), Tone.STRONG),
        "STATUS": state_cell(row.state),
        "READY": Cell(
            f"{row.ready_count}/{row.desired_count}", Tone.WARN if is_short else Tone.PLAIN
        ),
        "REF": Cell(visible(row.ref)) if row.ref else NOTHING,
        "RESTARTS": Cell(str(row.restarts), Tone.PLAIN if row.restarts else Tone.MUTED),
        "AGE": Cell(duration(now - row.created_at), Tone.MUTED),
        "REASON": Cell(visible(row.reason), Tone.MUTED),
    }


def instance_cells(row: InstanceRow, now: float) -> dict[str, Cell]:
    """Return the cells of an instance by column."""
    until = now if row.ended_at is None else row.ended_at
    up = Cell(duration(until - row.running_at)) if row.running_at is not None else NOTHING
    is_bad_exit = row.last_exit not in ("", "code 0")
    return {
        "ID": Cell(visible(row.key), Tone.STRONG if row.is_current else Tone.MUTED),
        "STATUS": state_cell(row.state),
        "PID": Cell(str(row.pid)) if row.pid is not None else NOTHING,
        "UP": up,
        "LAST-EXIT": (
            Cell(row.last_exit, Tone.WARN if is_bad_exit else Tone.MUTED)
            if row.last_exit
            else NOTHING
        ),
        "RELEASE": Cell(str(row.release), Tone.MUTED),
        "REASON": Cell(visible(row.reason), Tone.MUTED),
    }


def event_cells(row: EventRow, now: float) -> dict[str, Cell]:
    """Return the cells of an event by column; `now` is of no matter to it."""
    del now
    repeats = f" {TIMES}{row.count}" if row.count > 1 else ""
    return {
        "TIME": Cell(clock(row.at), Tone.MUTED),
        "OBJECT": Cell(visible(row.subject.partition("/")[2] or row.subject)),
        "REASON": Cell(visible(row.reason), level_tone(row.level)),
        "MESSAGE": Cell(visible(row.message) + repeats, Tone.MUTED),
    }


def header_cells(snapshot: DashboardSnapshot, width: int) -> tuple[Cell, ...]:
    """Return the parts of the header line: what, where, who acts, how it goes."""
    failed = snapshot.count(FAILED_STATES)
    degraded = snapshot.count(DEGRADED_STATES)
    is_up = snapshot.manager is ManagerState.RUNNING
    right = (
        Cell("manager up" if is_up else "no manager", Tone.GOOD if is_up else Tone.BAD),
        Cell("  "),
        Cell(f"● {snapshot.count({'running'})} running", Tone.GOOD),
        Cell("  "),
        Cell(f"▲ {degraded} degraded", Tone.WARN if degraded else Tone.MUTED),
        Cell("  "),
        Cell(f"✖ {failed} failed", Tone.BAD if failed else Tone.MUTED),
    )
    left = width - sum(len(cell.text) for cell in right) - len(" odbctl   ")
    home = clip_left(visible(snapshot.home), max(left - 1, 0))
    padding = " " * max(left - len(home), 1)
    return (Cell(" odbctl", Tone.STRONG), Cell(f"  {home}{padding}", Tone.MUTED), *right)
