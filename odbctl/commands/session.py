"""What one run of the command line knows: settings, home, and the two terminals.

Made once by `odbctl.cli`; commands reach it through `session()`.
"""

from __future__ import annotations

import os
import sys

from odbctl.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import TextIO

    from odbctl.config import Settings
    from odbctl.engine.api.engine import Engine
    from odbctl.paths import Home

DEFAULT_COLUMNS = 80


class Terminal:
    """One of the output streams; `width` is None when nobody looks at it."""

    __slots__ = ("has_color", "stream", "width")

    def __init__(self, stream: TextIO, width: int | None, has_color: bool) -> None:
        self.stream = stream
        self.width = width
        self.has_color = has_color

    @classmethod
    def of(cls, stream: TextIO, color: str) -> Terminal:
        """Look at a stream; `color` is auto, always or never."""
        is_terminal = stream.isatty()
        plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
        has_color = color == "always" or (color == "auto" and is_terminal and not plain)
        return cls(stream, _columns(stream) if is_terminal else None, has_color)

    @property
    def is_terminal(self) -> bool:
        """Whether a person looks at it."""
        return self.width is not None

    @property
    def is_live(self) -> bool:
        """Whether a line of it can be rewritten."""
        return self.is_terminal and os.environ.get("TERM") != "dumb"


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or DEFAULT_COLUMNS
    except (OSError, ValueError):
        return DEFAULT_COLUMNS


class Arrangement(NamedTuple):
    """How a list is printed: `--no-headers`, `--sort` and `--filter`, as typed."""

    has_headers: bool = True
    sort: str = ""
    filters: tuple[str, ...] = ()


class Session:
    """One run of the command line."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.arrangement = Arrangement()
        # What stood behind `--`, for a command that passes it on; None without `--`.
        self.words_after_dashes: tuple[str, ...] | None = None

    @property
    def output(self) -> str:
        """The format of what goes to standard output."""
        return self.settings["output"]

    @property
    def home(self) -> Home:
        """The odbctl home."""
        return self.settings.home

    @property
    def out(self) -> Terminal:
        """Standard output: data."""
        return Terminal.of(sys.stdout, self.settings["color"])

    @property
    def err(self) -> Terminal:
        """Standard error: talk."""
        return Terminal.of(sys.stderr, self.settings["color"])

    def set_flag(self, name: str, value: str) -> None:
        """Take a setting that a flag of the command gave."""
        self.settings = self.settings.with_flag(name, value)

    def open_engine(self) -> Engine:
        """Open the home."""
        from odbctl.engine.api.engine import Engine

        return Engine.open(self.home)

    def say(self, text: str) -> None:
        """Tell people something beside the data."""
        print(text, file=sys.stderr, flush=True)


# One process runs one command line; a context variable would cost a quick command half a ms.
_current: list[Session] = []


def session() -> Session:
    """Return the session of this run."""
    return _current[-1]


def set_session(new: Session) -> None:
    """Make `new` the session of this run."""
    _current[:] = [new]
