"""What each cell says and in which tone. Pure: rows in, texts out.

Tones are names; the colours behind them come from the theme, so that light
terminals stay readable. A glyph says the same as its colour.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from odbctl.tui.snapshot import ILL_WORDS, RUN_FAILED, EventRow, InstanceRow, ServiceRow
from odbctl.tui.text import moment, percent, sparkline, visible
from odbctl.units import duration, size


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


TREND_CELLS = 12
TIMES = "\N{MULTIPLICATION SIGN}"
NOT_AS_WANTED = "▲"
NOTHING = Cell("-", Tone.MUTED)
DEPLOY_FAILED = "deploy failed"
AT_REST = Cell("◌ waiting", Tone.MUTED)
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
    RUN_FAILED: ("✖", Tone.BAD),
    DEPLOY_FAILED: ("✖", Tone.BAD),
    # Of hosts, codebases and releases.
    "up": ("●", Tone.GOOD),
    "draining": ("◑", Tone.BUSY),
    "down": ("✖", Tone.BAD),
    "ready": ("●", Tone.GOOD),
    "missing": ("✖", Tone.BAD),
    "active": ("●", Tone.GOOD),
    "rolling": ("◐", Tone.BUSY),
    "superseded": ("○", Tone.MUTED),
    "no manager": ("✖", Tone.BAD),
    # Of machines in the cloud.
    "pending": ("◐", Tone.BUSY),
    "shutting-down": ("◑", Tone.BUSY),
    "terminated": ("○", Tone.MUTED),
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
    is_meant = row.is_at_rest or row.is_paused or bool(row.failed_run)
    is_short = row.ready_count < row.desired_count and not is_meant
    lack = Tone.WARN if row.ready_count else Tone.BAD
    if row.state == "starting":
        lack = Tone.BUSY
    return {
        "NAME": Cell(visible(row.key), Tone.STRONG),
        "STATUS": _service_state_cell(row),
        "READY": Cell(f"{row.ready_count}/{row.desired_count}", lack if is_short else Tone.PLAIN),
        "REF": Cell(visible(row.ref)) if row.ref else NOTHING,
        "RESTARTS": Cell(str(row.restarts), Tone.PLAIN if row.restarts else Tone.MUTED),
        "AGE": age_cell(row.created_at, now),
        "REASON": Cell(visible(row.full_reason), Tone.MUTED),
        "CPU": cpu_cell(row.cpu_percent),
        "RSS": rss_cell(row.rss_bytes),
        "CODEBASE": Cell(visible(row.codebase)) if row.codebase else NOTHING,
        "PLACEMENT": Cell(visible(row.placement), Tone.MUTED),
        "DEPLOYED": age_cell(row.deployed_at, now),
        "CPU-TREND": _trend_cell(row.cpu_history),
    }


def _service_state_cell(row: ServiceRow) -> Cell:
    if row.is_at_rest:
        return AT_REST
    cell = state_cell(row.shown_state)
    if row.failed_release and cell.tone in (Tone.GOOD, Tone.MUTED):
        # It runs, but not what was asked for.
        return Cell(f"{NOT_AS_WANTED} {visible(row.shown_state)}", Tone.WARN)
    return cell


def _instance_state_cell(row: InstanceRow) -> Cell:
    """Return the state; an instance that runs without being ready does not look well."""
    if row.state == "running" and row.health in ILL_WORDS:
        return Cell(f"{NOT_AS_WANTED} running", Tone.WARN)
    if row.state == "running" and row.health == "unknown":
        return Cell("◐ running", Tone.BUSY)
    return state_cell(row.state)


def cpu_cell(cpu_percent: float | None) -> Cell:
    """Return what share of a core is used."""
    return NOTHING if cpu_percent is None else Cell(percent(cpu_percent))


def rss_cell(rss_bytes: int | None) -> Cell:
    """Return how much memory is used."""
    return NOTHING if rss_bytes is None else Cell(size(rss_bytes))


def age_cell(at: float | None, now: float) -> Cell:
    """Return how long ago something was."""
    return NOTHING if at is None else Cell(duration(now - at), Tone.MUTED)


def span_cell(since: float | None, until: float | None) -> Cell:
    """Return how long something took, or has gone on."""
    return NOTHING if since is None or until is None else Cell(duration(until - since))


def _trend_cell(history: tuple[float, ...]) -> Cell:
    if not history:
        return NOTHING
    return Cell(sparkline(history, TREND_CELLS, most=max(*history, 1.0)), Tone.BUSY)


def instance_cells(row: InstanceRow, now: float) -> dict[str, Cell]:
    """Return the cells of an instance by column."""
    is_bad_exit = row.last_exit not in ("", "code 0")
    return {
        "ID": Cell(visible(row.key), Tone.STRONG if row.is_current else Tone.MUTED),
        "STATUS": _instance_state_cell(row),
        "PID": Cell(str(row.pid)) if row.pid is not None else NOTHING,
        "UP": span_cell(row.running_at, now if row.ended_at is None else row.ended_at),
        "LAST-EXIT": (
            Cell(row.last_exit, Tone.WARN if is_bad_exit else Tone.MUTED)
            if row.last_exit
            else NOTHING
        ),
        "RELEASE": Cell(str(row.release), Tone.MUTED),
        "REASON": Cell(visible(row.reason), Tone.MUTED),
        "SERVICE": Cell(visible(row.service)),
        "HEALTH": _health_cell(row.health),
        "CPU": cpu_cell(row.cpu_percent),
        "RSS": rss_cell(row.rss_bytes),
        "RESTARTS": Cell(str(row.failures), Tone.WARN if row.failures else Tone.MUTED),
        "HOST": Cell(visible(row.host), Tone.MUTED),
        "STARTED": NOTHING
        if row.started_at is None
        else Cell(moment(row.started_at, now), Tone.MUTED),
    }


def _health_cell(health: str) -> Cell:
    if not health:
        return NOTHING
    is_well = health in ("ready", "healthy")
    tone = Tone.GOOD if is_well else Tone.BUSY if health == "unknown" else Tone.WARN
    return Cell(visible(health), tone)


def event_cells(row: EventRow, now: float) -> dict[str, Cell]:
    """Return the cells of an event by column."""
    # Before the message, which may be cut off.
    repeats = f"{TIMES}{row.count} " if row.count > 1 else ""
    return {
        "TIME": Cell(moment(row.at, now), Tone.MUTED),
        "OBJECT": Cell(visible(row.subject.partition("/")[2] or row.subject)),
        "REASON": Cell(visible(row.reason), level_tone(row.level)),
        "MESSAGE": Cell(repeats + visible(row.message), Tone.MUTED),
        "LEVEL": Cell(visible(row.level), level_tone(row.level)),
        "ACTOR": Cell(visible(row.actor), Tone.MUTED),
    }
