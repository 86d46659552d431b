"""The widget that shows a graph; drawn anew only when the graph or its size is another.

Runs in the dashboard's event loop.
"""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from odbctl.tui.paint import Cell, Tone
from odbctl.tui.plot import Plot, plot_lines
from odbctl.tui.plot_canvas import Line


class PlotView(Widget):
    """A graph that fills its widget."""

    DEFAULT_CSS = """
    PlotView { height: 1fr; }
    PlotView > .plot--strong { color: $foreground; text-style: bold; }
    PlotView > .plot--muted { color: $secondary; }
    PlotView > .plot--good { color: $text-success; }
    PlotView > .plot--busy { color: $text-accent; }
    PlotView > .plot--warn { color: $text-warning; }
    PlotView > .plot--bad { color: $text-error; text-style: bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"plot--{tone}" for tone in Tone}

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._plot: Plot | None = None
        self._drawn: tuple[Plot, int, int] | None = None
        self._lines: tuple[Line, ...] = ()
        self.draws = 0

    def show(self, plot: Plot | None) -> None:
        """Show another graph, or none."""
        if plot != self._plot:
            self._plot = plot
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        base = self.rich_style
        lines = self._current()
        cells = lines[y] if y < len(lines) else ()
        strip = Strip([Segment(cell.text, self._style(base, cell)) for cell in cells])
        return strip.adjust_cell_length(self.size.width, base)

    def _current(self) -> tuple[Line, ...]:
        if self._plot is None:
            return ()
        width, height = self.size
        wanted = (self._plot, width, height)
        if wanted != self._drawn:
            self._drawn = wanted
            self._lines = plot_lines(self._plot, width, height)
            self.draws += 1
        return self._lines

    def _style(self, base: Style, cell: Cell) -> Style:
        if cell.tone is Tone.PLAIN:
            return base
        style = self.get_component_rich_style(f"plot--{cell.tone}", partial=True)
        return base + style
