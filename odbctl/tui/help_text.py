"""What the help says: keys, symbols and columns; searched and laid out in columns. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from textual.binding import Binding, BindingType

from odbctl.tui.columns import ColumnSpec
from odbctl.tui.keymap import effective_keys, key_names
from odbctl.tui.paint import TIMES, Cell, Tone
from odbctl.tui.text import fit, wrapped
from odbctl.tui.views import View

Line = tuple[Cell, ...]
NAME_CELLS = 17
COLUMN_CELLS = 50
GAP_CELLS = 3


class HelpRow(NamedTuple):
    """A key, a symbol or a column, and what it means."""

    name: str
    meaning: str
    tone: Tone = Tone.STRONG


class HelpSection(NamedTuple):
    """Rows under a title."""

    title: str
    rows: tuple[HelpRow, ...]


SYMBOLS = HelpSection(
    "Symbols and colours",
    (
        HelpRow("●", "as desired: running, ready, up, active (green)", Tone.GOOD),
        HelpRow("◐ ◑", "in progress: starting, stopping, rolling out (blue)", Tone.BUSY),
        HelpRow("○", "stopped, ended or replaced (grey)", Tone.MUTED),
        HelpRow("◌", "waits for its next scheduled run (grey)", Tone.MUTED),
        HelpRow("▲", "not as desired, odbctl is retrying (yellow)", Tone.WARN),
        HelpRow("✖", "failed, needs attention (red)", Tone.BAD),
        HelpRow("▎", "a marked row: actions apply to all marked rows", Tone.BUSY),
        HelpRow("▲ ▼", "in a header: sorted by it, smallest or largest first"),
        HelpRow(f"{TIMES}3", "an event that occurred three times in a row"),
        HelpRow("-", "none, or unknown", Tone.MUTED),
    ),
)
_MEANINGS = {
    "ACTION": "the action that created the release: create, deploy, configure, restart, roll back",
    "ACTOR": "the person, or the host whose manager acted",
    "AGE": "time since it was created",
    "BEHIND": "newer versions of the same ref",
    "BY": "who deployed it",
    "CHANGES": "configuration values that the release changed",
    "CODEBASE": "the codebase that it runs",
    "COMMIT": "the commit of its ref",
    "CORES": "reserved and existing processors",
    "CPU": "percent of one core, in the last seconds",
    "CPU-TREND": "CPU over the last minutes",
    "DEPLOYED": "time since its release was created",
    "DURATION": "how long the rollout took",
    "FETCHED": "time since the commit was added",
    "GROUP": "its placement group",
    "HEALTH": "result of its probes: ready, not ready, unknown before the first",
    "HOST": "the host that it runs on",
    "ID": "service and number",
    "INSTANCE": "its name in the cloud",
    "INSTANCES": "running instances, and the maximum",
    "LAST-EXIT": "exit of this run, or of the previous one",
    "LAST-SEEN": "time since its manager last reported",
    "LEVEL": "info, warning or error",
    "LOAD": "load average of the last minute",
    "MESSAGE": "details of the event",
    "NAME": "its name",
    "OBJECT": "the object of the event",
    "PID": "its process id",
    "PLACEMENT": "the group of hosts that it may run on",
    "RAM": "reserved and existing memory",
    "READY": "ready and desired instances",
    "REASON": "reason for its state; in full below the table for the selected row",
    "REF": "the git ref, and its commit",
    "RELEASE": "the release that it runs",
    "REPO": "the repository that it comes from",
    "RESTARTS": "number of restarts",
    "REV": "the number of the release",
    "RSS": "memory in use",
    "SERVICE": "the service that it belongs to",
    "SHA": "the commit",
    "STARTED": "when its process was started",
    "STATE": "its state",
    "STATUS": "its state, compared with the desired one",
    "SUBJECT": "the first line of the commit's message",
    "TIME": "when it last happened",
    "TOOK": "how long the rollout took",
    "TYPE": "the machine's type",
    "UP": "how long it has been running",
    "USED-BY": "services that run it",
    "VERSION": "the version of odbctl there",
}
_OWN_MEANINGS = {
    (View.INSTANCES, "STATUS"): "its state, from booting to ended",
    (View.INSTANCES, "RESTARTS"): "failures in a row before it",
    (View.DEPLOYS, "STATUS"): "outcome of the release",
    (View.EVENTS, "REASON"): "kind of the event",
    (View.AWS, "STATE"): "its state in the cloud",
    (View.DEPLOYS, "REF"): "the deployed ref, and its commit",
}


def column_section(view: View, specs: Sequence[ColumnSpec]) -> HelpSection:
    """Explain the columns of a view's table, in their order."""
    return HelpSection(
        "Columns (used in filters, such as status=failed)",
        tuple(HelpRow(spec.name, _meaning(view, spec)) for spec in specs),
    )


def _meaning(view: View, spec: ColumnSpec) -> str:
    return _OWN_MEANINGS.get((view, spec.name)) or _MEANINGS[spec.name]


def key_sections(
    groups: Iterable[tuple[str, Iterable[BindingType]]], keymap: Mapping[str, str] | None = None
) -> tuple[HelpSection, ...]:
    """Return a section for each group of bindings.

    Args:
        groups: Titles and bindings.
        keymap: Keys that the person has chosen, by the id of a binding.
    """
    return tuple(
        HelpSection(
            title,
            tuple(
                HelpRow(key_names(effective_keys(binding, keymap or {})), binding.description)
                for binding in bindings
                if isinstance(binding, Binding) and binding.description
            ),
        )
        for title, bindings in groups
    )


def help_lines(
    groups: Iterable[tuple[str, Iterable[BindingType]]], keymap: Mapping[str, str] | None = None
) -> list[str]:
    """Return one line per binding, under its group's title."""
    lines: list[str] = []
    for section in key_sections(groups, keymap):
        lines += ["", section.title] if lines else [section.title]
        lines += [f"  {row.name:<{NAME_CELLS}}{row.meaning}" for row in section.rows]
    return lines


def found_in(sections: Sequence[HelpSection], text: str) -> tuple[HelpSection, ...]:
    """Return the rows that have every word of a text, in the name, meaning or title."""
    words = text.lower().split()
    found: list[HelpSection] = []
    for section in sections:
        rows = tuple(
            row
            for row in section.rows
            if all(w in f"{section.title} {row.name} {row.meaning}".lower() for w in words)
        )
        if rows:
            found.append(HelpSection(section.title, rows))
    return tuple(found)


def laid_out(sections: Sequence[HelpSection], width: int) -> tuple[Line, ...]:
    """Return sections as lines, side by side in as many columns as there is room for."""
    count = max(1, min((width + GAP_CELLS) // (COLUMN_CELLS + GAP_CELLS), len(sections)))
    cells = (width + GAP_CELLS) // count - GAP_CELLS
    columns: list[list[Line]] = [[] for _ in range(count)]
    for section in sections:
        shortest = min(columns, key=len)
        if shortest:
            shortest.append((Cell(" " * cells),))
        shortest += _section_lines(section, cells)
    height = max(map(len, columns))
    blank: Line = (Cell(" " * cells),)
    gap = Cell(" " * GAP_CELLS)
    lines: list[Line] = []
    for place in range(height):
        parts = [column[place] if place < len(column) else blank for column in columns]
        lines.append(tuple(cell for part in parts for cell in (*part, gap))[:-1])
    return tuple(lines)


def _section_lines(section: HelpSection, cells: int) -> list[Line]:
    lines: list[Line] = [(Cell(fit(section.title, cells), Tone.BUSY),)]
    room = max(cells - NAME_CELLS - 2, 0)
    for row in section.rows:
        name = row.name
        for text in wrapped(row.meaning, room):
            lines.append((Cell(fit(f"  {name}", NAME_CELLS + 2), row.tone), Cell(fit(text, room))))
            name = ""
    return lines
