"""Choosing the ref that a service is to run: from the repository's, or typed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from odbctl.tui.dialogs import DEAF_SECONDS
from odbctl.tui.flows.backend import FlowBackend
from odbctl.tui.flows.lists import LIST_CSS, ListDialog
from odbctl.tui.flows.orders import names_text
from odbctl.tui.flows.paint import REF_COLUMNS, ref_cells
from odbctl.tui.flows.rows import RefRow
from odbctl.tui.flows.work import Work

HINT = "enter shows the plan, esc cancels, ctrl+r fetches the refs again"


def matching_refs(refs: Sequence[RefRow], text: str) -> tuple[RefRow, ...]:
    """Return the refs that a text is part of, and last the text itself, as a ref of its own.

    The name and the subject are looked at, and the beginning of the commit's hash. What is
    exactly the text comes first.
    """
    word = text.strip()
    if not word:
        return tuple(refs)
    low = word.lower()
    found = [
        ref
        for ref in refs
        if low in ref.key.lower() or low in ref.subject.lower() or ref.commit.startswith(low)
    ]
    found.sort(key=lambda ref: (ref.key != word, not ref.key.lower().startswith(low)))
    if any(ref.key == word for ref in found):
        return tuple(found)
    return (*found, RefRow(key=word, kind="typed"))


class RefDialog(ListDialog[RefRow, str | None]):
    """Type to filter, or a ref that is not listed: a hash, `HEAD~2`, NAME@REF."""

    DEFAULT_CSS = LIST_CSS.format(name="RefDialog") + "RefDialog Input { margin-bottom: 1; }"
    FIRST_FOCUS: ClassVar[str] = "Input"
    TAKES_TYPEAHEAD: ClassVar[bool] = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("down,ctrl+n", "move(1)", "Next", show=False, priority=True),
        Binding("up,ctrl+p", "move(-1)", "Before", show=False, priority=True),
        Binding("pagedown", "page(1)", "Page down", show=False, priority=True),
        Binding("pageup", "page(-1)", "Page up", show=False, priority=True),
        Binding("ctrl+r", "ask_again", "Fetch the refs again", show=False, priority=True),
        Binding("enter", "choose", "Choose", show=False, priority=True),
    ]

    def __init__(
        self,
        backend: FlowBackend,
        service: str,
        *others: str,
        now: float,
        deaf_seconds: float = DEAF_SECONDS,
    ) -> None:
        """Store which services are deployed; the refs are those of the first."""
        names = names_text((service, *others))
        count = f" {len(others) + 1} services" if others else ""
        super().__init__(
            f"Deploy{count} {names}: choose a ref",
            REF_COLUMNS,
            ref_cells,
            now=now,
            deaf_seconds=deaf_seconds,
        )
        self._backend = backend
        self._service = service
        self._refs: tuple[RefRow, ...] = ()
        self._is_fresh = False
        self._input = Input(
            placeholder="a branch, a tag, a commit, or NAME@REF of another codebase", compact=True
        )

    def compose_head(self) -> ComposeResult:
        """Make the line to type in."""
        yield self._input

    def read(self, work: Work) -> object:
        """Read the refs, in a thread."""
        return self._backend.refs(
            self._service, is_fresh=self._is_fresh, tell=work.tell, should_stop=work.should_stop
        )

    def take(self, result: object) -> None:
        """Show the refs that fit what was typed meanwhile."""
        self._refs = cast("tuple[RefRow, ...]", result)
        self.say(HINT)
        self._filter()

    def on_input_changed(self) -> None:
        """Filter while typing."""
        self._filter()

    def action_ask_again(self) -> None:
        """Read the refs anew, from where they are."""
        self._is_fresh = True
        self.load()

    def action_move(self, step: int) -> None:
        """Move the cursor of the table while typing."""
        self.table.action_move(step)

    def action_page(self, step: int) -> None:
        """Move the cursor of the table by pages."""
        self.table.action_page(step)

    def action_choose(self) -> None:
        """Answer the ref under the cursor."""
        if (ref := self.chosen()) is not None:
            self.dismiss(ref.key)

    def _filter(self) -> None:
        self.put(matching_refs(self._refs, self._input.value), empty="no refs; type one")
        self.table.move_to(0)
