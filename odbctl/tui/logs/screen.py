"""The log of a service or an instance, full screen. Runs in the dashboard's event loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from odbctl.tui.help_dialog import HelpDialog
from odbctl.tui.keymap import identified
from odbctl.tui.logs.panel import LogPanel
from odbctl.tui.logs.source import LogOpener, LogRequest, OpenLogs
from odbctl.tui.logs.view import LogView
from odbctl.tui.text import visible


class LogScreen(Screen[None]):
    """A title, the log, and the keys that matter most."""

    DEFAULT_CSS = """
    LogScreen { layout: vertical; overflow: hidden; background: $background; }
    LogScreen #log-title { height: 1; padding: 0 1; background: $panel; text-style: bold; }
    LogScreen #log-enlarge { display: none; width: 100%; text-align: center; }
    LogScreen.-low > *, LogScreen.-thin > * { display: none; }
    LogScreen.-low #log-enlarge, LogScreen.-thin #log-enlarge { display: block; }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-thin"), (61, "-narrow"), (110, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (16, "-high")]
    AUTO_FOCUS = "LogView"
    BINDINGS: ClassVar[list[BindingType]] = identified(
        [
            Binding("question_mark", "help", "Help", key_display="?"),
            Binding("escape,q", "app.pop_screen", "Back", key_display="esc"),
            Binding("ctrl+p", "app.command_palette", "Palette", show=False),
            Binding("p", "previous", "The previous run, on and off", show=False),
            Binding("A", "everything", "All past instances, on and off", show=False),
        ]
    )

    def __init__(
        self,
        open_logs: OpenLogs,
        request: LogRequest,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Store whose logs.

        Args:
            open_logs: Opens what is asked for, in threads; `backend.open_logs`.
            request: Whose.
            clock: Seconds since the epoch.
        """
        super().__init__()
        self._open_logs = open_logs
        self._request = request
        self._title_line = Static(id="log-title", markup=False)
        self.panel = LogPanel(self._opener(request), clock=clock)

    def compose(self) -> ComposeResult:
        """Put the log between title and footer."""
        yield self._title_line
        yield Static("enlarge the terminal", id="log-enlarge", markup=False)
        yield self.panel
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Say whose logs these are."""
        self._show_title()

    def on_resize(self) -> None:
        """Give the keys back to the log: it loses them while the terminal is too small."""
        if self.focused is None:
            self.set_focus(self.panel.view)

    def on_screen_suspend(self) -> None:
        """Rest while another screen is in front; a dialog leaves it in sight."""
        self.panel.view.rest_behind()

    def on_screen_resume(self) -> None:
        """Go on."""
        self.panel.view.rest(is_resting=False)

    def action_previous(self) -> None:
        """Show the run before, or the present one again."""
        self._show(
            replace(self._request, is_previous=not self._request.is_previous, is_everything=False)
        )

    def action_everything(self) -> None:
        """Show all instances there ever were, or the present ones again."""
        is_everything = not self._request.is_everything
        self._show(replace(self._request, is_everything=is_everything, is_previous=False))

    def action_help(self) -> None:
        """Show every key."""
        groups = [
            ("Move", LogView.BINDINGS),
            ("Search, filter, keep", LogPanel.BINDINGS),
            ("This screen", type(self).BINDINGS),
        ]
        self.app.push_screen(HelpDialog(groups))  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open

    def _show(self, request: LogRequest) -> None:
        self._request = request
        self.panel.show(self._opener(request))
        self._show_title()

    def _opener(self, request: LogRequest) -> LogOpener:
        return lambda: self._open_logs(request)

    def _show_title(self) -> None:
        self._title_line.update(Content(visible(self._request.title)))
