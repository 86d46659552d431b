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
        HelpRow("●", "as wanted: running, ready, up, active (green)", Tone.GOOD),
        HelpRow("◐ ◑", "on its way: starting, stopping, rolling (blue)", Tone.BUSY),
        HelpRow("○", "stopped, ended or replaced (grey)", Tone.MUTED),
        HelpRow("◌", "waits for its next scheduled run (grey)", Tone.MUTED),
        HelpRow("▲", "not as wanted, odbctl goes on trying (yellow)", Tone.WARN),
        HelpRow("✖", "not as wanted, somebody has to act (red)", Tone.BAD),
        HelpRow("▎", "the row is marked: actions are about all marked rows", Tone.BUSY),
        HelpRow("▲ ▼", "in a header: sorted by it, smallest or largest first"),
        HelpRow(f"{TIMES}3", "an event that came three times in a row"),
        HelpRow("-", "nothing, or not known", Tone.MUTED),
    ),
)
_MEANINGS = {
    "ACTION": "what made the release: create, deploy, configure, restart, roll back",
    "ACTOR": "who did it: a person, or the host whose manager did",
    "AGE": "since it was created",
    "BEHIND": "versions of the same ref that were added later",
    "BY": "who deployed it",
    "CHANGES": "the configuration values that the release changed",
    "CODEBASE": "the codebase that it runs",
    "COMMIT": "the commit that its ref meant",
    "CORES": "reserved and existing processors",
    "CPU": "percent of one core, in the last seconds",
    "CPU-TREND": "CPU over the last minutes",
    "DEPLOYED": "since its release was made",
    "DURATION": "how long the rollout took",
    "FETCHED": "since the commit was added",
    "GROUP": "the placement group that it is for",
    "HEALTH": "what its probes say: ready, not ready, unknown until the first",
    "HOST": "where it runs",
    "ID": "service and number",
    "INSTANCE": "the cloud's name for it",
    "INSTANCES": "living instances, and how many there may be",
    "LAST-EXIT": "how it ended, or the run before it",
    "LAST-SEEN": "since its manager gave a sign of life",
    "LEVEL": "info, warning or error",
    "LOAD": "processes that wanted to run, mean of a minute",
    "MESSAGE": "what happened, in words",
    "NAME": "what it is called",
    "OBJECT": "what it is about",
    "PID": "its process",
    "PLACEMENT": "the hosts that it may run on",
    "RAM": "reserved and existing memory",
    "READY": "instances that are ready for work, of those wanted",
    "REASON": "why it is as it is; below the table for the selected row",
    "REF": "the git ref, and the commit that it meant",
    "RELEASE": "the release that it runs",
    "REPO": "the repository that it comes from",
    "RESTARTS": "how often it was started again",
    "REV": "the number of the release",
    "RSS": "memory in use",
    "SERVICE": "the service that it belongs to",
    "SHA": "the commit",
    "STARTED": "when its process was started",
    "STATE": "how it is",
    "STATUS": "how it is, compared with what is wanted",
    "SUBJECT": "the first line of the commit's message",
    "TIME": "when it happened last",
    "TOOK": "how long the rollout took",
    "TYPE": "the machine's type",
    "UP": "how long it has been running",
    "USED-BY": "services that run it",
    "VERSION": "the version of odbctl there",
}
_OWN_MEANINGS = {
    (View.INSTANCES, "STATUS"): "where it is in its life",
    (View.INSTANCES, "RESTARTS"): "bad ends in a row before it",
    (View.DEPLOYS, "STATUS"): "what became of the release",
    (View.EVENTS, "REASON"): "what happened, in a word",
    (View.AWS, "STATE"): "what the cloud says of it",
    (View.DEPLOYS, "REF"): "what was deployed, and the commit that it meant",
}


def column_section(view: View, specs: Sequence[ColumnSpec]) -> HelpSection:
    """Explain the columns of a view's table, in their order."""
    return HelpSection(
        "Columns (a filter names them, as status=failed)",
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
