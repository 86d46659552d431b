"""Searching logs: large blocks are searched, and only records around a find are parsed.

A gigabyte is searched about as fast as it can be read, because no line is cut out before
it is known to matter. A plain text is looked for in blocks that are read, because `find`
of bytes is faster than that of a mapping. Any process that reads logs.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable, Iterable, Iterator

from odbctl.engine.telemetry.log_files import LogFiles
from odbctl.engine.telemetry.log_format import LogLine
from odbctl.engine.telemetry.log_pieces import pieces
from odbctl.engine.telemetry.log_reader import merged, records, start_since
from odbctl.engine.telemetry.log_records import is_found, joined
from odbctl.engine.telemetry.log_span import LOG, SOURCES, Span
from odbctl.engine.telemetry.log_text import CONTINUATION
from odbctl.engine.telemetry.rare_bytes import TextSearch

_SPECIAL = frozenset(".^$*+?{}[]\\|()")
_MARK = CONTINUATION.encode()
# Lines about a find that are read with it, so that a traceback is whole.
_AROUND_BYTES = 1 << 16
_BLOCK_BYTES = 1 << 18
_HEAD_BYTES = 160
_TRACEBACK = b"Traceback (most recent call last):"


def search_lines(
    instances: Iterable[LogFiles], pattern: re.Pattern[str], *, since: float | None = None
) -> Iterator[LogLine]:
    """Yield the records whose text a pattern is found in, oldest first.

    Args:
        instances: Whose files to read.
        pattern: The pattern.
        since: Leave out what is older (seconds since the epoch).
    """
    return merged(
        _search(files, source, pattern, since) for files in instances for source in SOURCES
    )


def _search(
    files: LogFiles, source: str, pattern: re.Pattern[str], since: float | None
) -> Iterator[LogLine]:
    with pieces(files, source) as found:
        for piece in found:
            if since is not None and piece.changed_at < since:
                continue
            with piece.opened() as span:
                if span is None or span.length == 0:
                    continue
                start = span.start if since is None else start_since(files, source, span, since)
                for line in _found_in(files, source, span, start, pattern):
                    if (since is None or line.at >= since) and is_found(pattern, line):
                        yield line


def _found_in(
    files: LogFiles, source: str, span: Span, start: int, pattern: re.Pattern[str]
) -> Iterator[LogLine]:
    """Yield the records around each place where a pattern may be found."""
    with _Bytes(span) as data:
        text = plain_text(pattern)
        search = _BlockSearch(span, text).find if text else _view_search(data, finder(pattern))
        for begin, end in _regions(source, data, start, search):
            yield from joined(records(files, source, span, span.lines(begin, end)))


def plain_text(pattern: re.Pattern[str]) -> bytes:
    """Return the text that a pattern stands for, in one line; empty when it is none."""
    text = pattern.pattern
    is_plain = text.isascii() and "\n" not in text and not _SPECIAL & set(text)
    return text.encode() if is_plain and not pattern.flags & re.IGNORECASE else b""


def finder(pattern: re.Pattern[str]) -> re.Pattern[bytes]:
    """Return what is looked for among the bytes: it finds at least what the pattern does."""
    text = pattern.pattern
    is_plain = "\n" not in text and not _SPECIAL & set(text)
    flags = re.IGNORECASE if pattern.flags & re.IGNORECASE else 0
    if is_plain and text.isascii():
        return re.compile(re.escape(text.encode()), flags)
    if text.isascii() and "\\n" not in text and "\n" not in text:
        # A record of several lines stands as several lines, so ends of the text may be
        # anywhere: `^` and `$` are looked for per line, behind what stands before the text.
        loose = text.replace("^", "(?:)").replace("$", "(?:)") if "[" not in text else ""
        try:
            return re.compile(loose.encode(), flags) if loose else re.compile(b"\\n")
        except re.error:
            return re.compile(b"\\n")
    return re.compile(b"\\n")  # every line


# Finds the first match at or after a place: where it begins and ends.
_Search = Callable[[int], tuple[int, int] | None]


def _regions(source: str, data: _Bytes, start: int, search: _Search) -> Iterator[tuple[int, int]]:
    """Yield (begin, end) of whole records around each find, in order, none overlapping."""
    done = place = start
    while place < len(data) and (found := search(place)) is not None:
        at, behind = found
        begin, end = data.record(at, done, source)
        if end > done:
            yield begin, end
            done = end
        place = max(done, behind if behind > at else at + 1)


def _view_search(data: _Bytes, finder: re.Pattern[bytes]) -> _Search:
    def search(start: int) -> tuple[int, int] | None:
        found = finder.search(data.view, start)
        return None if found is None else found.span()

    return search


class _BlockSearch:
    """Finds a text in a span, which is read in blocks; they overlap by less than the text."""

    def __init__(self, span: Span, text: bytes) -> None:
        self._span = span
        self._text = text
        self._at = self._end = 0
        self._search: TextSearch | None = None

    def find(self, start: int) -> tuple[int, int] | None:
        """Return where the text stands at or after a place; places must not go back."""
        size = len(self._text)
        while start + size <= self._span.length:
            if self._search is None or start + size > self._end:
                block = self._span.read(start, start + _BLOCK_BYTES + size)
                if len(block) < size:
                    return None  # cut short meanwhile
                self._at, self._end = start, start + len(block)
                self._search = TextSearch(block, self._text)
            found = self._search.find(start - self._at)
            if found >= 0:
                return self._at + found, self._at + found + size
            start = self._end - size + 1
        return None


def _goes_on(kind: str, later: str) -> bool:
    """Tell whether a line may belong to the one before it; see log_records."""
    if later == "mark" or (kind in ("frame", "head") and later != "head"):
        return True
    if later in ("frame", "empty"):
        return kind != "mark"
    return kind == "empty" and later in ("link", "head")


class _Bytes:
    """The bytes of a span as one buffer; mapped where they stand in a file alone."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._mapping: mmap.mmap | None = None
        self.view: mmap.mmap | bytes = b""

    def __enter__(self) -> _Bytes:
        if self._span.length == self._span.size:
            size = self._span.size
            self._mapping = mmap.mmap(self._span.fileno(), size, access=mmap.ACCESS_READ)
            self.view = self._mapping
        else:  # some of it waits in the window, so it is small, or has just begun to flood
            self.view = self._span.read(0, self._span.length)
        return self

    def __exit__(self, *_: object) -> None:
        if self._mapping is not None:
            self._mapping.close()

    def __len__(self) -> int:
        return len(self.view)

    def record(self, at: int, floor: int, source: str) -> tuple[int, int]:
        """Return where what stands around a place begins and ends; perhaps more than needed."""
        begin = start = self._line_start(at, floor)
        least = max(floor, begin - _AROUND_BYTES)
        kind = self._kind(begin, source)
        while begin > least:
            before = self._line_start(begin - 1, floor)
            earlier = self._kind(before, source)
            if not _goes_on(earlier, kind):
                break
            begin, kind = before, earlier
        end = self._line_end(at)
        most = min(end + _AROUND_BYTES, len(self.view))
        kind = self._kind(start, source)
        while end < most and _goes_on(kind, later := self._kind(end, source)):
            end, kind = self._line_end(end), later
        return begin, end

    def _kind(self, start: int, source: str) -> str:
        """Say what the line that starts here is, as far as records of several lines go."""
        line = bytes(self.view[start : min(start + _HEAD_BYTES, self._line_end(start))])
        if source == LOG:
            if line.startswith(_MARK):
                return "mark"
            line = line.split(b" ", 3)[-1] if line.count(b" ") >= 3 else line
        text = line.rstrip(b"\n")
        if text.startswith((b" ", b"\t")):
            return "frame"
        if not text:
            return "empty"
        if text == _TRACEBACK:
            return "head"
        return "link" if text.endswith(b" exception:") or b" exception, " in text else "other"

    def _line_start(self, at: int, floor: int) -> int:
        return max(floor, self.view.rfind(b"\n", floor, at) + 1)

    def _line_end(self, at: int) -> int:
        place = self.view.find(b"\n", at)
        return len(self.view) if place < 0 else place + 1
