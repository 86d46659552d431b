"""The panes behind the tabs of a detail. Each draws the facts that it is given.

Runs in the dashboard's event loop.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from odbctl.tui.columns import EVENT_COLUMNS, INSTANCE_COLUMNS, RELEASE_COLUMNS
from odbctl.tui.detail_paint import (
    config_lines,
    empty_text,
    fact_lines,
    graphs,
    metrics_cells,
    series_names,
    why_lines,
)
from odbctl.tui.detail_rows import MARKS_LEGEND, DetailFacts, Presence
from odbctl.tui.drawing import content_line, content_lines
from odbctl.tui.keymap import identified
from odbctl.tui.logs.panel import LogPanel
from odbctl.tui.logs.source import LogRequest, OpenLogs
from odbctl.tui.paint import event_cells, instance_cells
from odbctl.tui.plot_view import PlotView
from odbctl.tui.resource_cells import release_cells
from odbctl.tui.resource_rows import ReleaseRow
from odbctl.tui.snapshot import EventRow, InstanceRow
from odbctl.tui.table import RowTable


class SummaryPane(Vertical):
    """Why it is as it is, its instances, and how it is set."""

    DEFAULT_CSS = """
    SummaryPane #why { height: auto; max-height: 60%; padding: 0 1; }
    SummaryPane #instances { height: auto; max-height: 35%; margin-top: 1; }
    SummaryPane #instances.-none { display: none; }
    SummaryPane #facts { height: 1fr; padding: 0 1; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = identified(
        [
            Binding("J", "scroll_facts(1)", "Settings down", show=False),
            Binding("K", "scroll_facts(-1)", "Settings up", show=False),
        ]
    )

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._why = Static(id="why", markup=False)
        self.instances = RowTable[InstanceRow](INSTANCE_COLUMNS, instance_cells, id="instances")
        self._facts = Static(id="text", markup=False)
        self._shown: DetailFacts | None = None

    def compose(self) -> ComposeResult:
        """Put the parts one below the other."""
        yield self._why
        yield self.instances
        with VerticalScroll(id="facts", can_focus=False):
            yield self._facts

    def on_resize(self) -> None:
        """Fit the facts to the width."""
        if self._shown is not None:
            self._show_facts(self._shown)

    def show(self, facts: DetailFacts, now: float) -> None:
        """Draw facts."""
        if facts != self._shown:
            self._shown = facts
            self._why.update(content_lines(why_lines(facts)))
            self._show_facts(facts)
            self.instances.styles.height = len(facts.instances) + 1
            self.instances.set_class(not facts.instances, "-none")
        self.instances.show_rows(facts.instances, now)

    def _show_facts(self, facts: DetailFacts) -> None:
        width = max(self.size.width - 3, 0)
        self._facts.update(content_lines(fact_lines(facts.groups, width)))

    def action_scroll_facts(self, step: int) -> None:
        """Scroll the settings by lines."""
        self.query_one("#facts", VerticalScroll).scroll_relative(y=step, animate=False)


class LogPane(LogPanel, inherit_bindings=False):
    """What it logged; the log of a service that has gone is of all its instances."""

    # The footer has room for the keys of the screen and these two.
    BINDINGS: ClassVar[list[BindingType]] = [
        replace(b, show=b.key in ("slash", "ampersand")) if isinstance(b, Binding) else b
        for b in LogPanel.BINDINGS
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._request: LogRequest | None = None

    def show_of(self, facts: DetailFacts, open_logs: OpenLogs) -> None:
        """Open the log when it is looked at, and again when the service has gone."""
        request = LogRequest(
            service=facts.question.service,
            instance=facts.question.instance,
            is_everything=facts.presence is Presence.REMOVED,
        )
        if request != self._request:
            self._request = request
            self.show(lambda: open_logs(request))


class EventPane(RowTable[EventRow]):
    """What happened to it."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(EVENT_COLUMNS, event_cells, id=id)

    def show(self, facts: DetailFacts, now: float) -> None:
        """Draw facts."""
        self.show_rows(facts.events, now, empty="no events yet")


class ReleasePane(RowTable[ReleaseRow]):
    """What it ran."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(RELEASE_COLUMNS, release_cells, id=id)
        self._releases: tuple[ReleaseRow, ...] = ()

    def show(self, facts: DetailFacts, now: float) -> None:
        """Draw facts."""
        self._releases = facts.releases
        self.show_rows(facts.releases, now, empty="no release yet")

    @property
    def chosen(self) -> ReleaseRow | None:
        """The release under the cursor."""
        return next((row for row in self._releases if row.key == self.cursor_key), None)


class ConfigPane(VerticalScroll):
    """Its configuration, and the names of its environment."""

    DEFAULT_CSS = "ConfigPane { padding: 0 1; } ConfigPane Static { height: auto; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._text = Static(markup=False)
        self._shown: DetailFacts | None = None

    def compose(self) -> ComposeResult:
        """Show one text."""
        yield self._text

    def show(self, facts: DetailFacts, now: float) -> None:
        """Draw facts."""
        del now
        if facts != self._shown:
            self._shown = facts
            self._text.update(content_lines(config_lines(facts)))


class MetricsPane(Vertical, can_focus=True):
    """What it uses: CPU above, memory below, and what happened meanwhile."""

    DEFAULT_CSS = """
    MetricsPane { padding: 0 1; }
    MetricsPane .line { height: 1; }
    MetricsPane #cpu { height: 1fr; }
    MetricsPane #rss { height: 1fr; }
    MetricsPane .legend { color: $secondary; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._head = Static(classes="line", markup=False)
        self.cpu = PlotView(id="cpu")
        self.rss = PlotView(id="rss")
        self._legend = Static(Content(MARKS_LEGEND), classes="line legend", markup=False)
        self._chosen = ""
        self._facts: DetailFacts | None = None

    def compose(self) -> ComposeResult:
        """Put the graphs one below the other."""
        yield self._head
        yield self.cpu
        yield self.rss
        yield self._legend

    def show(self, facts: DetailFacts, now: float) -> None:
        """Draw facts."""
        del now
        self._facts = facts
        metrics = facts.metrics
        if metrics is None:
            return
        names = series_names(metrics)
        if self._chosen not in names:
            self._chosen = names[0] if names else ""
        span = facts.question.range
        if empty := empty_text(facts):
            self._head.update(Content(f"{empty}  (last {span})   t: next period"))
        else:
            self._head.update(content_line(metrics_cells(metrics, self._chosen, span)))
        found = graphs(facts, self._chosen, span)
        self.cpu.show(found[0] if found else None)
        self.rss.show(found[1] if found else None)

    def next_series(self, step: int) -> None:
        """Show another instance, or all together."""
        if self._facts is None or self._facts.metrics is None:
            return
        names = series_names(self._facts.metrics)
        if names:
            self._chosen = names[(names.index(self._chosen) + step) % len(names)]
            self.show(self._facts, 0.0)


Pane = SummaryPane | EventPane | MetricsPane | ConfigPane | ReleasePane
