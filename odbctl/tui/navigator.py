"""Where screens can lead: what the app does for them. The app is the one that does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from odbctl.tui.logs.source import LogRequest, LogSource
from odbctl.tui.toolbox import Toolbox
from odbctl.tui.views import View

if TYPE_CHECKING:
    from odbctl.tui.flows.flow import Flows


class Navigator(Protocol):
    """Opening screens, from the app's own event loop; each is in front at once."""

    @property
    def toolbox(self) -> Toolbox:
        """What details are read with, and how the dashboard was opened."""
        ...

    @property
    def flows(self) -> Flows:
        """Who asks and does what changes anything."""
        ...

    def go_to(self, view: View, *, filter_text: str | None = None) -> None:
        """Show a view's screen, filtered if a text is given."""
        ...

    def dismiss_notice(self) -> bool:
        """Take the newest notice away; return whether there was one."""
        ...

    def go_up(self) -> None:
        """Leave the screen in front, or go back to the view before."""
        ...

    def open_detail(self, service: str, *, instance: str | None = None) -> None:
        """Open the screen of a service, or of one of its instances."""
        ...

    def open_logs(
        self,
        service: str,
        *,
        instance: str | None = None,
        also: tuple[str, ...] = (),
        is_previous: bool = False,
    ) -> None:
        """Open the log of a service or of one of its instances.

        Args:
            service: The service.
            instance: Of this instance only.
            also: Further services or instances, whose logs are merged with these.
            is_previous: Show the run before instead.
        """
        ...

    def log_source(self, request: LogRequest) -> LogSource:
        """Open logs for the calling thread."""
        ...

    def copy_to_clipboard(self, text: str) -> None:
        """Give a text to the terminal's clipboard (OSC 52)."""
        ...
