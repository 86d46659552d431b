"""What the cells of hosts, codebases, deploys and machines say. Pure."""

from __future__ import annotations

from odbctl.tui.paint import NOTHING, Cell, Tone, age_cell, span_cell, state_cell
from odbctl.tui.resource_rows import AwsRow, CodebaseRow, HostRow, ReleaseRow
from odbctl.tui.text import short_commit, visible


def host_cells(row: HostRow, now: float) -> dict[str, Cell]:
    """Return the cells of a host by column: what is reserved, of what there is."""
    most = "" if row.max_instances is None else f"/{row.max_instances}"
    return {
        "NAME": Cell(visible(row.key), Tone.STRONG),
        "STATE": state_cell(row.state),
        "CORES": Cell(f"{row.cores_reserved:g}/{row.cores:g}"),
        "RAM": Cell(f"{row.ram_gb_reserved:.3g}/{row.ram_gb:.3g}G"),
        "INSTANCES": Cell(f"{row.instance_count}{most}"),
        "PLACEMENT": Cell(visible(row.placement), Tone.MUTED),
        "LOAD": NOTHING if row.load is None else Cell(f"{row.load:.2f}"),
        "VERSION": Cell(visible(row.version), Tone.MUTED),
        "LAST-SEEN": age_cell(row.last_seen_at, now),
    }


def codebase_cells(row: CodebaseRow, now: float) -> dict[str, Cell]:
    """Return the cells of a codebase by column; behind by versions that were added since."""
    behind = Cell(str(row.newer_count), Tone.WARN if row.used_by else Tone.MUTED)
    return {
        "NAME": Cell(visible(row.name), Tone.STRONG),
        "REF": Cell(visible(", ".join(row.refs))),
        "SHA": Cell(visible(short_commit(row.commit)), Tone.MUTED),
        "STATE": state_cell(row.state),
        "BEHIND": behind if row.newer_count else NOTHING,
        "FETCHED": age_cell(row.added_at, now),
        "USED-BY": Cell(visible(", ".join(row.used_by))) if row.used_by else NOTHING,
        "REPO": Cell(visible(row.repo), Tone.MUTED),
        "SUBJECT": Cell(visible(row.subject), Tone.MUTED),
    }


def release_cells(row: ReleaseRow, now: float) -> dict[str, Cell]:
    """Return the cells of a release by column."""
    return {
        "REV": Cell(str(row.number), Tone.STRONG),
        "REF": Cell(visible(row.ref)),
        "COMMIT": Cell(short_commit(row.commit)),
        "OUTCOME": state_cell(row.outcome),
        "ACTION": Cell(row.action) if row.action else NOTHING,
        "AGE": age_cell(row.created_at, now),
        "TOOK": span_cell(row.created_at, row.finished_at),
        "BY": Cell(visible(row.actor), Tone.MUTED),
        "CHANGES": Cell(visible(", ".join(row.changes))),
        "REASON": Cell(visible(row.reason), Tone.WARN),
    }


def deploy_cells(row: ReleaseRow, now: float) -> dict[str, Cell]:
    """Return the cells of a release among those of all services."""
    cells = release_cells(row, now)
    return cells | {
        "SERVICE": Cell(visible(row.service), Tone.STRONG),
        "REF": Cell(visible(row.short_ref)),
        "STATUS": cells["OUTCOME"],
        "DURATION": cells["TOOK"],
        "REASON": Cell(visible(row.reason), Tone.MUTED),
    }


def aws_cells(row: AwsRow, now: float) -> dict[str, Cell]:
    """Return the cells of a machine by column."""
    return {
        "INSTANCE": Cell(visible(row.key), Tone.STRONG),
        "TYPE": Cell(visible(row.type)),
        "GROUP": Cell(visible(row.group)),
        "STATE": state_cell(row.state),
        "AGE": age_cell(row.created_at, now),
    }
