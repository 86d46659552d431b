"""Lines of a chain of log files, first to last or last to first. Nothing is decoded.

What follows the first line of a record (marked by a tab) has its time and level. Any
process that pages through logs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from odbctl.engine.telemetry.log_chain import Chain
from odbctl.engine.telemetry.log_format import decode, level_of
from odbctl.engine.telemetry.log_link import Part, Place
from odbctl.engine.telemetry.log_reader import MARK, RAW_LEVELS
from odbctl.engine.telemetry.log_records import understand_text
from odbctl.engine.telemetry.log_span import LOG, RawLine, Span

# More of a line is not kept; `size` tells how long it is, and it can be read whole.
KEPT_BYTES = 1 << 15
# A record longer than this has its head looked for in vain.
LONGEST_RECORD_LINES = 2000
_HEAD = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})Z (\S+) (\S+) ")


class Head(NamedTuple):
    """What stands before the text of a record's first line."""

    at: float
    level: str
    stream: str
    text_at: int


class PageLine(NamedTuple):
    """One line, where it stands, and what its record said of it; `raw` is its text.

    Attributes:
        chain: Which source: an index into what the pages are made of.
        start: Where it begins.
        end: Behind its line end.
        at: Seconds since the epoch.
        said_level: The level of its record.
        stream: Who wrote it: `stdout`, `stderr`, or a logger's name.
        raw: The first `KEPT_BYTES` of its text.
        size: The length of its text in bytes.
        goes_on: Whether it is a further line of a record.
    """

    chain: int
    start: Place
    end: Place
    at: float
    said_level: str
    stream: str
    raw: bytes
    size: int
    goes_on: bool

    @property
    def text(self) -> str:
        """The text, decoded."""
        return decode(self.raw)

    @property
    def level(self) -> str:
        """The level: what a JSON object in the text says, else what its record says."""
        if not self.raw.startswith(b"{"):
            return self.said_level
        understood = understand_text(self.text, self.said_level)
        return self.said_level if understood is None else understood.level


def parse_head(line: bytes) -> Head | None:
    """Read what stands before the text; None when the line goes on with a record."""
    found = _HEAD.match(line)
    if found is None:
        return None
    try:
        at = datetime.fromisoformat(found[1].decode("ascii") + "+00:00").timestamp()
    except ValueError:
        return None
    stream = decode(found[3])
    return Head(at, level_of(decode(found[2]), stream), stream, found.end())


def forward(chain: Chain, place: Place, index: int = 0) -> Iterator[PageLine]:
    """Yield the lines behind a place, first to last.

    Args:
        chain: Whose lines.
        place: Where to begin: at a line's start, or inside one that was shown unfinished.
        index: What the lines give as their chain.
    """
    for part in chain.parts(place):
        maker = _Maker(chain, part, index)
        begin = part.start
        is_inside = begin > part.span.start and part.span.read(begin - 1, begin) != b"\n"
        for line in part.span.lines(begin, part.stop):
            if not is_inside or line.text:
                yield maker.line(begin, line, is_inside=is_inside)
            is_inside = False
            begin = line.end


def backward(chain: Chain, place: Place, index: int = 0) -> Iterator[PageLine]:
    """Yield the lines before a place, last to first; as `forward`."""
    for part in chain.parts_backward(place):
        maker = _Maker(chain, part, index)
        lines = _with_starts(part.span.lines_backward(part.stop), part.start)
        if chain.source != LOG:
            for begin, line in lines:
                yield maker.line(begin, line)
            continue
        held: list[tuple[int, RawLine]] = []
        for begin, line in lines:
            held.append((begin, line))
            head = parse_head(line.text)
            if head is None and len(held) < LONGEST_RECORD_LINES:
                continue
            yield from maker.with_head(held, head or maker.no_head)
            held = []
        yield from maker.with_head(held, maker.no_head)


def moved_back(chain: Chain, place: Place, count: int) -> Place:
    """Return the place so many lines before another, or the start."""
    for line in islice(backward(chain, place), count):
        place = line.start
    return place


def moved_on(chain: Chain, place: Place, count: int) -> Place:
    """Return the place so many lines behind another, or the end."""
    for line in islice(forward(chain, place), count):
        place = line.end
    return place


def line_at(chain: Chain, part: Part, begin: int, end: int, index: int = 0) -> PageLine:
    """Return the line between two offsets, its end included."""
    text = part.span.read(begin, end).removesuffix(b"\n")
    return _Maker(chain, part, index).line(begin, RawLine(end, text))


class _Maker:
    """Makes the lines of one stretch, first to last, or one."""

    def __init__(self, chain: Chain, part: Part, index: int) -> None:
        self._chain = chain
        self._part = part
        self._index = index
        self._head: Head | None = None

    def line(self, begin: int, line: RawLine, *, is_inside: bool = False) -> PageLine:
        if self._chain.source != LOG:
            return self._raw_line(begin, line)
        head = None if is_inside else parse_head(line.text)
        if head is not None:
            self._head = head
            return self._made(begin, line, head, head.text_at)
        if self._head is None:
            self._head = _head_before(self._part.span, begin) or self.no_head
        return self._made(begin, line, self._head, _mark_length(line))

    def with_head(self, held: Iterable[tuple[int, RawLine]], head: Head) -> Iterator[PageLine]:
        """Yield lines that were held, last to first, until their head was found."""
        for begin, line in held:
            own = parse_head(line.text)
            yield self._made(begin, line, own or head, own.text_at if own else _mark_length(line))

    @property
    def no_head(self) -> Head:
        """What is said of lines without a head: torn by a full disk, or never a log's."""
        return Head(self._part.span.changed_at, "INFO", "log", 0)

    def _raw_line(self, begin: int, line: RawLine) -> PageLine:
        stream, level = RAW_LEVELS[self._chain.source]
        at = self._part.link.marks(self._chain.raw_path).at(line.end)
        return self._made(begin, line, Head(at, level, stream, 0), 0)

    def _made(self, begin: int, line: RawLine, head: Head, text_at: int) -> PageLine:
        number = self._part.link.number
        return PageLine(
            self._index,
            Place(number, begin),
            Place(number, line.end),
            head.at,
            head.level,
            head.stream,
            line.text[text_at : text_at + KEPT_BYTES],
            len(line.text) - text_at,
            self._chain.source == LOG and not (text_at and line.text[:1] != MARK),
        )


def _mark_length(line: RawLine) -> int:
    return len(MARK) if line.text.startswith(MARK) else 0


def _head_before(span: Span, offset: int) -> Head | None:
    """Return the head of the record that a line goes on with."""
    for line in islice(span.lines_backward(offset), LONGEST_RECORD_LINES):
        if (head := parse_head(line.text)) is not None:
            return head
    return None


def _with_starts(lines: Iterator[RawLine], first: int) -> Iterator[tuple[int, RawLine]]:
    """Yield lines that come last to first with where they begin."""
    later = next(lines, None)
    while later is not None:
        line = next(lines, None)
        yield (first if line is None else line.end), later
        later = line
