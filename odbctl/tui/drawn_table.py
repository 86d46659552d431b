"""Drawing the lines of a table: cells, marks, the cursor. Runs in the dashboard's event loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.scroll_view import ScrollView
from textual.strip import Strip

from odbctl.tui.columns import GAP_CELLS, Column
from odbctl.tui.paint import Cell, Tone
from odbctl.tui.text import fit


class Line(NamedTuple):
    """What a line of the table shows: equal lines need no drawing."""

    cells: tuple[Cell, ...]
    is_header: bool = False
    is_cursor: bool = False
    is_text: bool = False
    is_marked: bool = False


MARK = "▎"


class DrawnTable(ScrollView):
    """What a table's lines look like."""

    DEFAULT_CSS = """
    DrawnTable > .table--header { color: $secondary; text-style: bold; }
    DrawnTable > .table--chosen { color: $text-accent; text-style: bold reverse; }
    DrawnTable > .table--mark { color: $text-accent; text-style: bold; }
    DrawnTable > .table--cursor { background: $primary 20%; }
    DrawnTable:focus > .table--cursor { background: $primary 35%; }
    DrawnTable > .table--strong { color: $foreground; text-style: bold; }
    DrawnTable > .table--muted { color: $secondary; }
    DrawnTable > .table--good { color: $text-success; }
    DrawnTable > .table--busy { color: $text-accent; }
    DrawnTable > .table--warn { color: $text-warning; }
    DrawnTable > .table--bad { color: $text-error; text-style: bold; }
    DrawnTable:ansi > .table--warn { text-style: bold; }
    DrawnTable:ansi > .table--bad { text-style: bold reverse; }
    DrawnTable:ansi > .table--cursor { background: ansi_default; text-style: underline; }
    DrawnTable:ansi:focus > .table--cursor { background: ansi_default; text-style: bold underline; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--cursor",
        "table--chosen",
        "table--mark",
        *(f"table--{tone}" for tone in Tone),
    }

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._styles: dict[str, Style] = {}

    @property
    def line_width(self) -> int:
        """The cells there are for columns."""
        # A cell of air on either side; the last is the scrollbar's.
        return max(self.size.width - 2, 0)

    def strip(self, line: Line, columns: Sequence[Column]) -> Strip:
        """Draw a line."""
        base = self._style("cursor" if line.is_cursor else "")
        segments = [Segment(" ", base)]
        if line.is_marked:
            segments = [Segment(MARK, self._cell_style("mark", is_cursor=line.is_cursor))]
        if line.is_text:
            columns = [Column(name="", width=self.line_width, is_right=False)]
        for column, cell in zip(columns, line.cells, strict=False):
            name = _style_name(line, cell)
            style = self._cell_style(name, is_cursor=line.is_cursor) if name else base
            text = fit(cell.text, column.width, is_right=column.is_right)
            segments += [Segment(text, style), Segment(" " * GAP_CELLS, base)]
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def notify_style_update(self) -> None:
        """Forget the styles of before."""
        super().notify_style_update()
        self._styles.clear()

    def _style(self, part: str) -> Style:
        """Return the style of a whole line; composing it anew would cost more than drawing."""
        style = self._styles.get(part)
        if style is None:
            style = self.rich_style
            if part:
                style += self.get_component_rich_style(f"table--{part}")
            self._styles[part] = style
        return style

    def _cell_style(self, name: str, *, is_cursor: bool) -> Style:
        key = f"{name}+cursor" if is_cursor else f"{name}+"
        style = self._styles.get(key)
        if style is None:
            base = self._style("cursor" if is_cursor else "")
            partial = self.get_component_rich_style(f"table--{name}", partial=True)
            # The cursor's background shows through every tone.
            style = self._styles[key] = base + partial + Style(bgcolor=base.bgcolor)
        return style


def _style_name(line: Line, cell: Cell) -> str:
    """Return which style a cell is drawn in; empty for the line's own."""
    if line.is_header:
        return "chosen" if cell.tone is Tone.STRONG else "header"
    if cell.tone is Tone.MUTED and line.is_cursor:
        return ""  # muted on the cursor's background could not be read
    return "" if cell.tone is Tone.PLAIN else cell.tone.value
