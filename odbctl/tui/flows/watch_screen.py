"""Watching a rollout: its steps, each instance's state, the end of the new ones' logs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from odbctl.tui.drawing import content_line, content_lines
from odbctl.tui.flows.paint import ROLLOUT_COLUMNS, log_lines, rollout_cells, rollout_line
from odbctl.tui.flows.rollout import Rollout, RolloutChanged, RolloutState
from odbctl.tui.flows.rows import RolloutRow
from odbctl.tui.paint import Cell, Tone
from odbctl.tui.table import RowTable
from odbctl.tui.text import visible


class WatchScreen(ModalScreen[None]):
    """A rollout; esc sends it to the background."""

    DEFAULT_CSS = """
    WatchScreen { align: center middle; }
    WatchScreen > Vertical { width: 92%; max-width: 130; height: 90%; padding: 1 2;
        background: $surface; border: round $primary; }
    WatchScreen #title { text-style: bold; height: 1; }
    WatchScreen #step { height: 1; }
    WatchScreen #end { height: auto; max-height: 50%; margin-top: 1; }
    WatchScreen RowTable { height: auto; max-height: 50%; min-height: 3; background: $surface;
        margin-top: 1; }
    WatchScreen #logs { height: 1fr; border-top: solid $panel;
        border-title-color: $secondary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Background", show=False),
        Binding("enter", "close", "Close", show=False),
    ]

    def __init__(self, rollout: Rollout, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._rollout = rollout
        self._clock = clock
        self._step = Static(id="step", markup=False)
        self._end = Static(id="end", markup=False)
        self._table = RowTable[RolloutRow](
            ROLLOUT_COLUMNS, rollout_cells, id="instances", is_passive=True
        )
        self._logs = Static(id="logs", markup=False)

    def compose(self) -> ComposeResult:
        """Show what becomes what, the step, the instances and the logs."""
        plan = self._rollout.state.plan
        title = f"{visible(plan.service)}: {visible(plan.old)} → {visible(plan.new)}"
        with Vertical():
            yield Static(Content(title), id="title", markup=False)
            yield self._step
            yield self._table
            yield self._logs
            yield self._end

    def on_mount(self) -> None:
        """Listen to it."""
        self._logs.border_title = "log of the new instances"
        self._rollout.listen(self)
        self.show(self._rollout.state)
        self.set_interval(1.0, lambda: self.show(self._rollout.state))

    def on_rollout_changed(self, message: RolloutChanged) -> None:
        """Show how it stands."""
        self.show(message.state)

    def show(self, state: RolloutState) -> None:
        """Draw it."""
        if state.view is not None:
            self._step.update(content_line(rollout_line(state.view)))
            self._table.styles.height = len(state.view.instances) + 1
            self._table.show_rows(state.view.instances, self._clock())
            self._logs.update(content_lines(log_lines(state.view.logs, self._logs.size.height)))
        elif state.end is None:
            self._step.update(content_line((Cell(f"◐ {visible(state.step)}", Tone.BUSY),)))
        else:
            self._step.update("")
        going = Cell("esc sends it to the background", Tone.MUTED)
        self._end.update(
            content_line((state.end or going, Cell("   esc closes" * bool(state.end))))
        )

    def action_close(self) -> None:
        """Leave it when it is over: a key that was pressed once too often does not."""
        if self._rollout.state.end is not None:
            self.action_leave()

    def action_leave(self) -> None:
        """Leave it to itself."""
        self._rollout.listen(None)
        self.dismiss(None)
