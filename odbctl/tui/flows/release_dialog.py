"""Choosing the release that a service goes back to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from odbctl.tui.columns import RELEASE_COLUMNS
from odbctl.tui.dialogs import DEAF_SECONDS
from odbctl.tui.flows.backend import FlowBackend
from odbctl.tui.flows.lists import LIST_CSS, ListDialog
from odbctl.tui.flows.work import Work
from odbctl.tui.resource_cells import release_cells
from odbctl.tui.resource_rows import ReleaseRow

HINT = "enter shows the plan, esc cancels"


def earlier_releases(releases: Sequence[ReleaseRow]) -> tuple[ReleaseRow, ...]:
    """Return the releases that ran and were replaced, the newest first."""
    return tuple(row for row in releases if row.outcome == "superseded")


class ReleaseDialog(ListDialog[ReleaseRow, int | None]):
    """The releases that ran before."""

    DEFAULT_CSS = LIST_CSS.format(name="ReleaseDialog")

    def __init__(
        self,
        backend: FlowBackend,
        service: str,
        *,
        now: float,
        deaf_seconds: float = DEAF_SECONDS,
    ) -> None:
        super().__init__(
            f"Roll {service} back: choose a release",
            RELEASE_COLUMNS,
            release_cells,
            now=now,
            deaf_seconds=deaf_seconds,
        )
        self._backend = backend
        self._service = service

    def read(self, work: Work) -> object:
        """Read the releases, in a thread."""
        del work
        return earlier_releases(self._backend.releases(self._service))

    def take(self, result: object) -> None:
        """Show them."""
        rows = cast("tuple[ReleaseRow, ...]", result)
        self.put(rows, empty="no earlier release ran")
        self.say(HINT if rows else "esc goes back")

    def action_choose(self) -> None:
        """Answer the release under the cursor."""
        if (row := self.chosen()) is not None:
            self.dismiss(row.number)
