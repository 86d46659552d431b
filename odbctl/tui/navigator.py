"""Where screens can lead: what the app does for them. The app is the one that does it."""

from __future__ import annotations

from typing import Protocol

from odbctl.tui.logs.source import LogRequest, LogSource
from odbctl.tui.views import View


class Navigator(Protocol):
    """Opening screens, from the app's own event loop; each is in front at once."""

    def go_to(self, view: View, *, filter_text: str | None = None) -> None:
        """Show a view's screen, filtered if a text is given."""
        ...

    def go_up(self) -> None:
        """Leave the screen in front, or go back to the view before."""
        ...

    def open_detail(self, service: str, *, instance: str | None = None) -> None:
        """Open the screen of a service, or of one of its instances."""
        ...

    def open_logs(
        self, service: str, *, instance: str | None = None, is_previous: bool = False
    ) -> None:
        """Open the log of a service, of one of its instances, or of the run before."""
        ...

    def log_source(self, request: LogRequest) -> LogSource:
        """Open logs for the calling thread."""
        ...

    def open_actions(self, view: View, keys: tuple[str, ...]) -> None:
        """Show every action on these services or instances; the keys are fixed from here on."""
        ...

    def copy_to_clipboard(self, text: str) -> None:
        """Give a text to the terminal's clipboard (OSC 52)."""
        ...
