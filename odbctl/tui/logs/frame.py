"""One state of the viewer, ready to be drawn. Frozen: made in one thread, drawn in another."""

from __future__ import annotations

from dataclasses import dataclass

from odbctl.engine.api.log_pages import PageLine
from odbctl.tui.logs.layout import ScreenLine, Times
from odbctl.tui.text import visible


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFrame:
    """What is on the screen, and what is said about it.

    Attributes:
        lines: The lines of the screen, at most as many as it has.
        is_following: Whether the end is shown, and will be.
        new_lines: How many have come since it was left.
        fraction: How much of the log lies before the last line shown, from 0 to 1.
        search: What is searched for and how often it is there; empty without.
        filtered: Which lines are shown; empty for all.
        times: How times are shown.
        is_wrapped: Whether lines go on in the next line of the screen.
        notices: What is no longer as it was.
        message: What the last command had to say.
        placeholder: What to say in place of lines, where there are none.
        current: The line under the cursor.
        cursor_lines: The first line of the screen that it takes, and how many.
    """

    lines: tuple[ScreenLine, ...] = ()
    is_following: bool = True
    new_lines: int = 0
    fraction: float = 1.0
    search: str = ""
    filtered: str = ""
    times: Times = Times.CLOCK
    is_wrapped: bool = True
    notices: tuple[str, ...] = ()
    message: str = ""
    placeholder: str = ""
    current: PageLine | None = None
    cursor_lines: tuple[int, int] = (0, 0)

    def is_current(self, y: int) -> bool:
        """Return whether a line of the screen belongs to the line under the cursor."""
        first, count = self.cursor_lines
        return first <= y < first + count

    @property
    def note(self) -> str:
        """Whether it follows, in a few words; empty while it does."""
        if self.is_following:
            return ""
        waiting = f"+{self.new_lines:,} new" if self.new_lines else "paused"
        return f"{waiting} \N{EM DASH} G" if self.new_lines else f"{waiting} \N{EM DASH} G follows"


NOTHING = LogFrame()


def status_text(frame: LogFrame, said: str) -> str:
    """Return what stands below a log.

    Args:
        frame: What is drawn.
        said: What is to be said now, before what the pager has to say.
    """
    said = said or frame.message
    parts = [said, frame.note, frame.search, frame.filtered, *frame.notices]
    if not frame.is_wrapped:
        parts.append("not wrapped")
    if not said and frame.is_following and frame.lines:
        parts.insert(0, "following")
    return visible("   ".join(part for part in parts if part))
