"""The menu of every action of one object, with its key, or why it cannot be done now."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from textual import events

from odbctl.tui.dialogs import DEAF_SECONDS
from odbctl.tui.flows.lists import LIST_CSS, ListDialog
from odbctl.tui.flows.menu import MenuItem
from odbctl.tui.flows.paint import MENU_COLUMNS, menu_cells
from odbctl.tui.flows.work import Work

HINT = "enter or the key runs an action, esc closes"
ReadItems = Callable[[], tuple[MenuItem, ...]]


class ActionsDialog(ListDialog[MenuItem, str | None]):
    """Answers the key of the action that was chosen."""

    DEFAULT_CSS = (
        LIST_CSS.format(name="ActionsDialog") + "ActionsDialog > Vertical { max-width: 72; }"
    )

    def __init__(self, title: str, read_items: ReadItems, *, deaf_seconds: float = DEAF_SECONDS):
        """Store what it is about, and what reads its actions in a thread."""
        super().__init__(title, MENU_COLUMNS, menu_cells, now=0.0, deaf_seconds=deaf_seconds)
        self._read_items = read_items

    def read(self, work: Work) -> object:
        """Read what can be done, in a thread."""
        del work
        return self._read_items()

    def take(self, result: object) -> None:
        """Show it."""
        self.put(cast("tuple[MenuItem, ...]", result))
        self.say(HINT)

    def on_key(self, event: events.Key) -> None:
        """Choose by an action's own key."""
        item = next((i for i in self._rows if i.hotkey == event.character), None)
        if item is not None and not self.is_deaf:
            event.stop()
            self._choose(item)

    def action_choose(self) -> None:
        """Answer the action under the cursor."""
        if (item := self.chosen()) is not None:
            self._choose(item)

    def _choose(self, item: MenuItem) -> None:
        if item.refusal:
            self.say(f"{item.label}: {item.refusal}")
        else:
            self.dismiss(item.key)
