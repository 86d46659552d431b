"""What the flows' tables and texts say, and in which tone. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from odbctl.tui.columns import ColumnSpec
from odbctl.tui.flows.menu import MenuItem
from odbctl.tui.flows.rows import LogRow, PlanView, RefRow, RolloutRow, RolloutView
from odbctl.tui.logs.ansi import plain
from odbctl.tui.paint import NOTHING, Cell, Tone, age_cell, level_tone, span_cell, state_cell
from odbctl.tui.text import clock, short_commit, visible
from odbctl.units import exact_duration

REF_COLUMNS = (
    ColumnSpec(name="REF", width=20, grows=2, most=40),
    ColumnSpec(name="COMMIT", width=7),
    ColumnSpec(name="KIND", width=13),
    ColumnSpec(name="AGE", width=6, is_right=True),
    ColumnSpec(name="SUBJECT", width=14, grows=5, most=200, from_width=76),
)
ROLLOUT_COLUMNS = (
    ColumnSpec(name="ID", width=16, grows=1, most=36),
    ColumnSpec(name="", width=3),
    ColumnSpec(name="STATUS", width=14),
    ColumnSpec(name="READY", width=5),
    ColumnSpec(name="UP", width=6, is_right=True),
    ColumnSpec(name="NOTE", width=10, grows=4, most=200),
)
MENU_COLUMNS = (
    ColumnSpec(name="KEY", width=3),
    ColumnSpec(name="ACTION", width=10),
    ColumnSpec(name="", width=24, grows=1, most=70),
)
COMMITS_IN_SIGHT = 12
_KINDS = {"typed": "as typed"}
_RELATIONS = {
    "same": "the same commit: instances are replaced, the code stays",
    "ahead": "forward",
    "behind": "back",
    "diverged": "to a commit on another branch",
    "unknown": "the repository cannot compare them",
}


def ref_cells(row: RefRow, now: float) -> dict[str, Cell]:
    """Return the cells of a ref by column."""
    kind = "runs now" if row.is_deployed else _KINDS.get(row.kind, row.kind)
    return {
        "REF": Cell(visible(row.key), Tone.STRONG),
        "COMMIT": Cell(short_commit(row.commit)) if row.commit else NOTHING,
        "KIND": Cell(kind, Tone.GOOD if row.is_deployed else Tone.MUTED),
        "AGE": age_cell(row.changed_at or None, now),
        "SUBJECT": Cell(visible(row.subject)),
    }


def rollout_cells(row: RolloutRow, now: float) -> dict[str, Cell]:
    """Return the cells of an instance that is rolled out, or replaced."""
    return {
        "ID": Cell(visible(row.key), Tone.STRONG if row.is_new else Tone.MUTED),
        "": Cell("new", Tone.BUSY) if row.is_new else Cell("old", Tone.MUTED),
        "STATUS": state_cell(row.state),
        "READY": Cell("yes", Tone.GOOD) if row.is_ready else NOTHING,
        "UP": span_cell(row.running_at, now),
        "NOTE": Cell(visible(row.note), Tone.MUTED),
    }


def menu_cells(item: MenuItem, now: float) -> dict[str, Cell]:
    """Return the cells of an action; one that cannot be done says why."""
    del now
    is_open = not item.refusal
    return {
        "KEY": Cell(item.hotkey, Tone.BUSY if is_open else Tone.MUTED),
        "ACTION": Cell(item.label, Tone.STRONG if is_open else Tone.MUTED),
        "": Cell(visible(item.note if is_open else item.refusal), Tone.MUTED),
    }


def plan_lines(plan: PlanView) -> tuple[tuple[Cell, ...], ...]:
    """Return a plan as lines: what becomes what, commits, instances, order, what stays."""
    lines: list[tuple[Cell, ...]] = [
        _titled("now", Cell(visible(plan.old), Tone.STRONG), visible(plan.old_subject)),
        _titled("then", Cell(visible(plan.new), Tone.STRONG), visible(plan.new_subject)),
        _titled("", Cell(f"release {plan.release}, {_RELATIONS.get(plan.relation, '')}")),
        (),
    ]
    lines += _commit_lines(plan)
    names = ", ".join(visible(f"{name} ({state})") for name, state in plan.instances)
    lines.append(_titled("replaces", Cell(names or "nothing: no instance is running")))
    lines += _listed("order", plan.order)
    lines += _listed("keeps", plan.keeps)
    if plan.refusal:
        lines += [(), (Cell(f"✖ {visible(plan.refusal)}", Tone.BAD),)]
    return tuple(lines)


def _commit_lines(plan: PlanView) -> list[tuple[Cell, ...]]:
    shown = plan.commits[:COMMITS_IN_SIGHT]
    lines: list[tuple[Cell, ...]] = []
    for commit in shown:
        tone = Tone.GOOD if commit.sign == "+" else Tone.BAD
        lines.append(
            (
                Cell(f"  {commit.sign} {short_commit(commit.commit)}  ", tone),
                Cell(visible(commit.subject)),
                Cell(f"  {visible(commit.author)}", Tone.MUTED),
            )
        )
    hidden = plan.hidden_count + len(plan.commits) - len(shown)
    if hidden:
        lines.append((Cell(f"    and {hidden} more", Tone.MUTED),))
    return [*lines, ()] if lines else []


def _listed(title: str, texts: tuple[str, ...]) -> list[tuple[Cell, ...]]:
    return [_titled(title if n == 0 else "", Cell(visible(text))) for n, text in enumerate(texts)]


def _titled(title: str, cell: Cell, more: str = "") -> tuple[Cell, ...]:
    return (Cell(f"{title:<10}", Tone.MUTED), cell, Cell(f"  {more}" if more else "", Tone.MUTED))


def rollout_line(view: RolloutView) -> tuple[Cell, ...]:
    """Say how far a rollout has come."""
    settling = f", settling for {exact_duration(view.settle_seconds)}" if view.is_settling else ""
    counts = f"{view.ready_count}/{view.wanted} new ready{settling}, {view.old_count} old left"
    return (
        state_cell(view.outcome),
        Cell(f"  release {view.release}  ", Tone.STRONG),
        Cell(counts if view.wanted else "runs at the next start"),
    )


def end_text(view: RolloutView) -> str:
    """Say how a rollout ended, in one line."""
    name, number = visible(view.service), view.release
    match view.outcome:
        case "active":
            return f"{name}: release {number} is active"
        case "superseded":
            return f"{name}: release {number} was replaced by a later one"
        case _:
            reason = visible(view.reason)
            return f"{name}: release {number} failed: {reason}; the previous release keeps running"


def log_lines(rows: Sequence[LogRow], count: int) -> tuple[tuple[Cell, ...], ...]:
    """Return the last lines of log records; all but a record's first have no time."""
    lines: list[tuple[Cell, ...]] = []
    for row in rows[-count:] if count > 0 else ():
        head = f"{clock(row.at)} {visible(row.instance)} "
        for text in row.text.split("\n"):
            shown = plain(text)
            lines.append((Cell(head, Tone.MUTED), Cell(shown, level_tone(row.level))))
            head = " " * len(head)
    return tuple(lines[-count:])
