"""What the tabs of a detail say: lines of cells, and graphs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

from odbctl.tui.detail_rows import (
    DetailFacts,
    Fact,
    FactGroup,
    Metrics,
    Presence,
    Range,
    Series,
    Tab,
    summed,
)
from odbctl.tui.paint import Cell, Tone, state_cell
from odbctl.tui.plot import Plot
from odbctl.tui.plot_axis import date, size_top
from odbctl.tui.plot_canvas import Point
from odbctl.tui.resource_rows import ReleaseRow
from odbctl.tui.text import fit, percent, visible, wrapped
from odbctl.units import duration, size

Line = tuple[Cell, ...]
NAME_CELLS = 14
TWO_COLUMNS_FROM = 76
# Of that many steps without a point a graph makes a gap.
GAP_STEPS = 3.5


def title_cells(name: str, facts: DetailFacts | None, tab: Tab = Tab.LOGS) -> Line:
    """Return the title: what it is, how it is, what it runs, why; the summary says why itself."""
    title = Cell(visible(name) + "  ", Tone.STRONG)
    if facts is None:
        return (title, Cell("reading ...", Tone.MUTED))
    match facts.presence:
        case Presence.REMOVED:
            return (title, Cell("it was removed; its events and logs remain", Tone.WARN))
        case Presence.UNKNOWN:
            return (title, Cell("there is no object of that name", Tone.WARN))
        case Presence.HERE:
            return (
                title,
                state_cell(facts.state),
                Cell(f"  {facts.counts}  "),
                Cell(f"{visible(facts.ref)}  ", Tone.MUTED),
                Cell("" if tab is Tab.SUMMARY else visible(facts.reason), Tone.WARN),
            )


def tab_cells(tab: Tab) -> Line:
    """Return the names of the tabs, the one that is shown in brackets."""
    cells: list[Cell] = []
    for place, each in enumerate(Tab, 1):
        text = f"{place} {each}"
        is_shown = each is tab
        cells.append(
            Cell(f"[{text}]" if is_shown else f" {text} ", Tone.STRONG if is_shown else Tone.MUTED)
        )
    return tuple(cells)


def why_lines(facts: DetailFacts) -> tuple[Line, ...]:
    """Return why it is as it is; the first line is the answer."""
    return tuple(
        (Cell(visible(text), Tone.STRONG if n == 0 else Tone.PLAIN),)
        for n, text in enumerate(facts.why)
    )


def gone_text(facts: DetailFacts) -> str:
    """Say what cannot be shown, and what can; empty when all is there."""
    tab = facts.question.tab
    match facts.presence:
        case Presence.HERE:
            return ""
        case Presence.UNKNOWN:
            return "There is no object of that name, and there are no events about it."
        case Presence.REMOVED if tab in (Tab.LOGS, Tab.EVENTS):
            return ""
        case Presence.REMOVED:
            return "It was removed.\n\n3 shows its last events, 2 its logs."


def empty_text(facts: DetailFacts) -> str:
    """Say what a tab without anything in it has nothing of; empty when there is something."""
    match facts.question.tab:
        case Tab.METRICS if facts.metrics is not None and not facts.metrics.series:
            return "No instance ran in this period."
        case _:
            return ""


def fact_lines(groups: Sequence[FactGroup], width: int) -> tuple[Line, ...]:
    """Return groups of facts as lines, in two columns where there is room."""
    if width < TWO_COLUMNS_FROM:
        return tuple(line for group in groups for line in _group_lines(group, width))
    half = (width - 2) // 2
    sides: tuple[list[Line], list[Line]] = ([], [])
    for group in groups:
        side = sides[0] if len(sides[0]) <= len(sides[1]) else sides[1]
        side += _group_lines(group, half)
    blank = (Cell(" " * half),)
    return tuple((*a, Cell("  "), *b) for a, b in zip_longest(*sides, fillvalue=blank))


def _group_lines(group: FactGroup, width: int) -> list[Line]:
    lines = [(Cell(fit(group.title, width), Tone.BUSY),)]
    return lines + [line for fact in group.facts for line in _fact_lines(fact, width)]


def _fact_lines(fact: Fact, width: int) -> list[Line]:
    """Return a fact in as many lines as its value needs."""
    name, room = fact.name, max(width - NAME_CELLS - 2, 0)
    lines: list[Line] = []
    for text in wrapped(visible(fact.value), room):
        shown = fit(f"  {name}", min(NAME_CELLS + 2, width))
        lines.append((Cell(shown, Tone.MUTED), Cell(fit(text, room), fact.tone)))
        name = ""
    return lines


def config_lines(facts: DetailFacts) -> tuple[Line, ...]:
    """Return the configuration, and the names of the environment."""
    width = max((len(fact.name) for fact in facts.config), default=0) + 2
    lines: list[Line] = [(Cell("configuration", Tone.BUSY),)]
    lines += [
        (Cell(f"  {visible(f.name):<{width}}", Tone.MUTED), Cell(visible(f.value), f.tone))
        for f in facts.config
    ] or [(Cell("  the defaults of the class", Tone.MUTED),)]
    lines += [(), (Cell("environment (names only)", Tone.BUSY),)]
    lines += [(Cell(f"  {visible(name)}"),) for name in facts.env_names] or [
        (Cell("  none set", Tone.MUTED),)
    ]
    return tuple(lines)


def release_lines(release: ReleaseRow) -> tuple[Line, ...]:
    """Return everything that is known of a release."""
    took = release.finished_at
    facts = (
        Fact(name="commit", value=f"{release.ref} is {release.commit}"),
        Fact(name="class", value=release.class_spec),
        Fact(name="action", value=release.action or "-"),
        Fact(name="changes", value=", ".join(release.changes) or "-"),
        Fact(name="made", value=f"{date(release.created_at)} by {release.actor}"),
        Fact(name="took", value=duration(took - release.created_at) if took else "-"),
        Fact(name="reason", value=release.reason or "-"),
    )
    lines: list[Line] = [(state_cell(release.outcome),), ()]
    lines += [
        (Cell(f"{fact.name:<{NAME_CELLS}}", Tone.MUTED), Cell(visible(fact.value)))
        for fact in facts
    ]
    return tuple(lines)


def series_names(metrics: Metrics) -> tuple[str, ...]:
    """Return what graphs can be of: all together (empty), then one instance after the other."""
    names = tuple(series.instance for series in metrics.series)
    return names if len(names) == 1 else ("", *names)


def graphs(facts: DetailFacts, chosen: str, span: Range) -> tuple[Plot, Plot] | None:
    """Return the graphs of CPU and memory.

    Args:
        facts: With metrics.
        chosen: An instance's id; empty is the sum of all.
        span: How far back they go.
    """
    metrics = facts.metrics
    if metrics is None:
        return None
    one = next((s for s in metrics.series if s.instance == chosen), None)
    cpu, rss = (one.cpu, one.rss) if one is not None else _sums(metrics.series, span)
    # The sum of all may use what each of them may.
    factor = 1 if one is not None else metrics.wanted
    base = Plot(
        title="CPU",
        points=cpu,
        since=metrics.since,
        until=metrics.until,
        gap_seconds=GAP_STEPS * span.grain_seconds,
        limit=None if metrics.cpu_limit is None else metrics.cpu_limit * factor,
        marks=facts.marks,
        unit=percent,
    )
    limit = None if metrics.memory_limit is None else metrics.memory_limit * factor
    memory = replace(base, title="RSS", points=rss, limit=limit, unit=size, rounded=size_top)
    return base, memory


def _sums(series: Sequence[Series], span: Range) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    step = span.grain_seconds
    return summed((s.cpu for s in series), step), summed((s.rss for s in series), step)


def metrics_cells(metrics: Metrics, chosen: str, span: Range) -> Line:
    """Return the line above the graphs: of whom, how far back, and the keys."""
    count = len(metrics.series)
    who = visible(chosen) if chosen else f"{count} instances in total"
    return (
        Cell(f"{who}  ", Tone.STRONG),
        Cell(f"last {span}", Tone.BUSY),
        Cell("   t: next period   i: next instance", Tone.MUTED),
    )
