"""Where somebody has been, as in a browser: back, forward, and on from there. Pure."""

from __future__ import annotations

from odbctl.tui.views import View

MOST_PLACES = 50


class History:
    """Views in the order that they were gone to."""

    def __init__(self, first: View) -> None:
        self._places = [first]
        self._at = 0

    @property
    def current(self) -> View:
        """Where one is."""
        return self._places[self._at]

    def go(self, view: View) -> None:
        """Go somewhere; what was gone back from is forgotten."""
        if view is self.current:
            return
        self._places = [*self._places[: self._at + 1], view][-MOST_PLACES:]
        self._at = len(self._places) - 1

    def move(self, step: int) -> View | None:
        """Go back (-1) or forward (1); None if there is nothing that way."""
        place = self._at + step
        if not 0 <= place < len(self._places):
            return None
        self._at = place
        return self._places[place]
