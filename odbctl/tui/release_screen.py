"""One release, in front of a service's screen."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from odbctl.tui.detail_paint import release_lines
from odbctl.tui.dialogs import DIALOG_CSS
from odbctl.tui.drawing import content_lines
from odbctl.tui.resource_rows import ReleaseRow
from odbctl.tui.text import visible


class ReleaseInfo(ModalScreen[None]):
    """Everything that is known of a release."""

    DEFAULT_CSS = (
        DIALOG_CSS.format(name="ReleaseInfo")
        + "ReleaseInfo #title { text-style: bold; margin-bottom: 1; }"
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "close", "Close", show=False),
    ]

    def __init__(self, service: str, release: ReleaseRow) -> None:
        super().__init__()
        self._service = service
        self._release = release

    def compose(self) -> ComposeResult:
        """Show the lines."""
        title = f"Release {self._release.number} of {visible(self._service)}"
        with Vertical():
            yield Static(Content(title), id="title", markup=False)
            yield Static(content_lines(release_lines(self._release)), markup=False)

    def action_close(self) -> None:
        """Leave."""
        self.dismiss(None)
