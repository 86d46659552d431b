"""Telling how far a wait has come: one live line on a terminal, else a line per change.

Runs in the command line's process, in the thread that waits.
"""

from __future__ import annotations

import time
from types import TracebackType

from odbctl.commands.output.table import paint
from odbctl.commands.output.text import visible
from odbctl.commands.session import Terminal
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odbctl.engine.api.results import Progress

BAR_CELLS = 20
NOTE_CELLS = 40  # a longer note would wrap the live line, which is then not erased whole
_ERASE_LINE = "\r\x1b[K"


class ProgressLine:
    """Shows the progress of one wait; what is live is erased at the end."""

    def __init__(self, terminal: Terminal, name: str) -> None:
        self._terminal = terminal
        self._name = visible(name)
        self._started_at = time.monotonic()
        self._is_drawn = False

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._is_drawn:
            self._terminal.stream.write(_ERASE_LINE)
            self._terminal.stream.flush()

    def __call__(self, progress: Progress) -> None:
        """Show how far it has come."""
        if self._terminal.is_live:
            self._is_drawn = True
            self._terminal.stream.write(_ERASE_LINE + self._live_line(progress))
        else:
            counts = f" {progress.done}/{progress.total}" if progress.total else ""
            note = f" ({visible(progress.note)})" if progress.note else ""
            self._terminal.stream.write(f"{self._name}: {visible(progress.text)}{counts}{note}\n")
        self._terminal.stream.flush()

    def _live_line(self, progress: Progress) -> str:
        full = BAR_CELLS * progress.done // progress.total if progress.total else 0
        bar = "━" * full + "─" * (BAR_CELLS - full)
        text = visible(progress.text)
        word = paint(text) if self._terminal.has_color else text
        seconds = time.monotonic() - self._started_at
        line = f"{self._name} {word} {bar} {progress.done}/{progress.total} {seconds:.1f} s"
        return f"{line} {visible(progress.note)[:NOTE_CELLS]}" if progress.note else line
