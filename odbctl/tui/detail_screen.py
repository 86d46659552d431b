"""A service or an instance, full screen: why, logs, events, metrics, configuration, releases.

What is shown is read by a thread of the screen's own, and only while it is in front.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from odbctl.tui.backend import Request
from odbctl.tui.detail_paint import gone_text, tab_cells, title_cells
from odbctl.tui.detail_reader import DetailReader
from odbctl.tui.detail_rows import DetailFacts, Question, Range, Tab
from odbctl.tui.detail_tabs import (
    ConfigPane,
    EventPane,
    LogPane,
    MetricsPane,
    Pane,
    ReleasePane,
    SummaryPane,
)
from odbctl.tui.drawing import content_line
from odbctl.tui.frame_screen import ALWAYS, COMMANDS
from odbctl.tui.keymap import identified
from odbctl.tui.logs.panel import LogPanel
from odbctl.tui.logs.view import LogView
from odbctl.tui.release_screen import ReleaseInfo
from odbctl.tui.service_screen import ACTIONS, FLOW_ACTIONS, ServiceScreen
from odbctl.tui.snapshot import ServiceRow
from odbctl.tui.state import DashboardState
from odbctl.tui.table import RowTable

TABS = tuple(Tab)
RANGES = tuple(Range)


class FactsRead(Message):
    """The reader read something new; `failure` says why not."""

    def __init__(self, facts: DetailFacts | None, failure: str = "") -> None:
        super().__init__()
        self.facts = facts
        self.failure = failure


class DetailScreen(ServiceScreen, inherit_bindings=False):
    """A title line and six tabs."""

    DEFAULT_CSS = """
    DetailScreen #title { height: auto; max-height: 5; padding: 0 1; }
    DetailScreen #tabs { height: 1; padding: 0 1; }
    DetailScreen #gone { display: none; padding: 1 2; height: 1fr; }
    DetailScreen.-gone #gone { display: block; }
    DetailScreen.-gone ContentSwitcher { display: none; }
    DetailScreen ContentSwitcher { height: 1fr; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = identified(
        [
            Binding("escape", "up", "Back"),
            Binding("tab", "tab(1)", "Next tab", key_display="tab"),
            Binding("shift+tab", "tab(-1)", "Previous tab", show=False),
            *ACTIONS,
            *FLOW_ACTIONS,
            *(
                Binding(str(place), f"show('{tab}')", tab.capitalize(), show=False)
                for place, tab in enumerate(Tab, 1)
            ),
            Binding("enter", "open", "Open", show=False, key_display="enter"),
            Binding("l", "logs", "Logs", show=False),
            Binding("p", "logs(True)", "Logs of the previous run", show=False),
            Binding("t", "range(1)", "Next period of metrics", show=False),
            Binding("i", "series(1)", "Metrics of the next instance", show=False),
            Binding("I", "series(-1)", "Metrics of the previous instance", show=False),
            *ALWAYS,
            *COMMANDS,
        ]
    )

    def __init__(
        self,
        state: DashboardState,
        service: str,
        *,
        instance: str | None = None,
        tab: str = Tab.SUMMARY,
    ) -> None:
        """Store what it is about.

        Args:
            state: What is known of everything.
            service: Whose detail, or whose instance's.
            instance: The instance's id.
            tab: The tab to begin with.
        """
        super().__init__(state)
        self._question = Question(service=service, instance=instance, tab=Tab(tab))
        self._facts: DetailFacts | None = None
        self._reader: DetailReader | None = None
        self._title_line = Static(id="title", markup=False)
        self._tabs = Static(id="tabs", markup=False)
        self._gone = Static(id="gone", markup=False)
        self._switcher = ContentSwitcher(initial=str(self._question.tab))
        self._summary = SummaryPane(id=Tab.SUMMARY)
        self._metrics = MetricsPane(id=Tab.METRICS)
        self._releases = ReleasePane(id=Tab.RELEASES)
        self._logs = LogPane(id=Tab.LOGS)
        self._panes: dict[Tab, Pane | LogPane] = {
            Tab.SUMMARY: self._summary,
            Tab.LOGS: self._logs,
            Tab.EVENTS: EventPane(id=Tab.EVENTS),
            Tab.METRICS: self._metrics,
            Tab.CONFIG: ConfigPane(id=Tab.CONFIG),
            Tab.RELEASES: self._releases,
        }

    def compose_body(self) -> Iterable[Widget]:
        """Make the title, the names of the tabs and what is in them."""
        with self._body:
            yield self._title_line
            yield self._tabs
            yield self._gone
            with self._switcher:
                yield from self._panes.values()

    @property
    def target(self) -> ServiceRow | None:
        """The service that the screen is about."""
        return self.state.snapshot.service(self._question.service) if self.state.snapshot else None

    @property
    def crumbs(self) -> tuple[str, ...]:
        """What it is about, and the tab."""
        return ("services", self.name_shown, self._question.tab.value)

    def help_groups(self) -> list[tuple[str, Iterable[BindingType]]]:
        """Return the bindings that work here, by title."""
        own = [b for b in type(self).BINDINGS if b not in COMMANDS and self.is_offered(b)]
        logs = [*LogView.BINDINGS, *LogPanel.BINDINGS]
        return [
            ("This screen", own),
            ("Tables", RowTable.BINDINGS),
            ("Logs", logs),
            ("Everywhere", COMMANDS),
        ]

    @property
    def request(self) -> Request:
        """Nothing beside the overview: the screen reads for itself."""
        return Request()

    @property
    def name_shown(self) -> str:
        """What the screen is about, as its title."""
        return self._question.instance or self._question.service

    def on_mount(self) -> None:
        """Start with the tab that was asked for."""
        super().on_mount()
        self._reader = DetailReader(
            self.navigator.toolbox.make_details(),
            on_facts=lambda facts: self._post(FactsRead(facts)),
            on_failure=lambda text: self._post(FactsRead(None, text)),
        )
        self._reader.start()
        self._show_tab()

    def on_unmount(self) -> None:
        """End the reader."""
        if self._reader is not None:
            self._reader.stop()

    def on_screen_resume(self) -> None:
        """Read on."""
        super().on_screen_resume()
        self._logs.view.rest(is_resting=self._question.tab is not Tab.LOGS)

    def on_screen_suspend(self) -> None:
        """Read nothing while something else is in front."""
        self._logs.view.rest_behind()
        if self._reader is not None:
            self._reader.ask(None)

    def ask(self) -> None:
        """Tell the readers what this screen looks at."""
        super().ask()
        if self._reader is not None:
            self._reader.ask(self._question)

    def on_facts_read(self, message: FactsRead) -> None:
        """Show what was read."""
        message.stop()
        if message.facts is None:
            self._gone.update(f"Cannot read, retrying: {message.failure}")
            self.add_class("-gone")
        elif message.facts.question == self._question:
            self._facts = message.facts
            self.show_state(self.state)

    def show_body(self, state: DashboardState) -> None:
        """Draw what is known."""
        facts = self._facts
        self._title_line.update(
            content_line(title_cells(self.name_shown, facts, self._question.tab))
        )
        self._tabs.update(content_line(tab_cells(self._question.tab)))
        if facts is None or facts.question.tab is not self._question.tab:
            return
        text = gone_text(facts)
        self._gone.update(text)
        self.set_class(bool(text), "-gone")
        pane = self._panes[self._question.tab]
        if isinstance(pane, LogPane):
            pane.show_of(facts, self.navigator.log_source)
        elif not text:
            pane.show(facts, state.now)

    def action_up(self) -> None:
        """Dismiss the newest notice, else go back."""
        if not self.navigator.dismiss_notice():
            self.navigator.go_up()

    def action_tab(self, step: int) -> None:
        """Show the next tab, or the one before."""
        self.action_show(TABS[(TABS.index(self._question.tab) + step) % len(TABS)])

    def action_show(self, tab: str) -> None:
        """Show a tab."""
        self._change(replace(self._question, tab=Tab(tab)))
        # A key may come before the tabs are there; they then start with this one.
        if self._switcher.is_mounted:
            self._show_tab()

    def action_range(self, step: int) -> None:
        """Show another length of time in the graphs."""
        place = (RANGES.index(self._question.range) + step) % len(RANGES)
        self._change(replace(self._question, range=RANGES[place]))

    def action_series(self, step: int) -> None:
        """Show the graphs of another instance, or of all together."""
        self._metrics.next_series(step)

    def action_open(self) -> None:
        """Open the instance or the release under the cursor."""
        if self._question.tab is Tab.SUMMARY:
            key = self._summary.instances.cursor_key
            if key is not None and self._question.instance is None:
                service = self._question.service
                self.put_in_front(DetailScreen(self.state, service, instance=key))
        elif self._question.tab is Tab.RELEASES and self._releases.chosen is not None:
            self.put_in_front(ReleaseInfo(self._question.service, self._releases.chosen))

    def action_logs(self, is_previous: bool = False) -> None:
        """Show the log full screen: of the selected instance, where instances are shown."""
        instance = self._question.instance
        if self._question.tab is Tab.SUMMARY and instance is None:
            instance = self._summary.instances.cursor_key
        service = self._question.service
        self.navigator.open_logs(service, instance=instance, is_previous=is_previous)

    def action_actions(self) -> None:
        """Show everything that can be done to the service, or to the instance."""
        if self._question.instance is None:
            super().action_actions()
        elif self.can_change(self.targets, "service", ""):
            self.navigator.flows.instance_actions(
                self._question.instance,
                blocked=self.state.refusal,
                is_readonly=self.state.is_readonly,
            )

    def on_row_table_moved(self, event: RowTable.Moved) -> None:
        """Do nothing more than the table does."""
        event.stop()

    def on_row_table_chosen(self, event: RowTable.Chosen) -> None:
        """Open what was clicked twice."""
        event.stop()
        self.action_open()

    def _change(self, question: Question) -> None:
        self._question = question
        if self.is_mounted:
            self.ask()

    def _show_tab(self) -> None:
        self._switcher.current = str(self._question.tab)
        pane = self._panes[self._question.tab]
        if pane is self._summary:
            self._summary.instances.focus()
        else:
            (pane.view if isinstance(pane, LogPane) else pane).focus()
        self.show_state(self.state)

    def _post(self, message: FactsRead) -> None:
        if self.is_running:
            self.post_message(message)
