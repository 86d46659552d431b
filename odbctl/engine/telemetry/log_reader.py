"""Reading logs: the last lines, the lines since a time, several instances as one.

Lines of one file keep their order whatever the clock did; files are merged by
time. Any process; nothing is locked and nothing is loaded as a whole.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import attrgetter

from odbctl.engine.telemetry.log_files import LogFiles
from odbctl.engine.telemetry.log_format import LogLine, Record, decode, parse_record, safe_text
from odbctl.engine.telemetry.log_pieces import Piece, pieces
from odbctl.engine.telemetry.log_records import joined
from odbctl.engine.telemetry.log_span import ERR, LOG, OUT, SOURCES, RawLine, Span
from odbctl.engine.telemetry.log_text import CONTINUATION

__all__ = ["LogLine", "merged", "read_lines", "safe_text", "tail"]

STEP_BYTES = 1 << 20
MARK = CONTINUATION.encode()
RAW_LEVELS = {OUT: ("stdout", "INFO"), ERR: ("stderr", "")}


def tail(instances: Iterable[LogFiles], count: int) -> list[LogLine]:
    """Return the last records of the instances together, oldest first."""
    lasts = [joined(_last(files, source, count)) for files in instances for source in SOURCES]
    found = list(merged(lasts))
    return found[-count:] if count > 0 else []


def read_lines(instances: Iterable[LogFiles], *, since: float | None = None) -> Iterator[LogLine]:
    """Yield the records of the instances, oldest first.

    Args:
        instances: Whose files to read.
        since: Leave out what is older (seconds since the epoch).
    """
    return merged(joined(_since(files, source, since)) for files in instances for source in SOURCES)


def merged(streams: Iterable[Iterable[LogLine]]) -> Iterator[LogLine]:
    """Merge records by time; the order within each stream stays."""
    return heapq.merge(*streams, key=attrgetter("at"))


def records(
    files: LogFiles,
    source: str,
    span: Span,
    lines: Iterable[RawLine],
    *,
    before: LogLine | None = None,
) -> Iterator[LogLine]:
    """Make records of lines that come first to last.

    Args:
        files: Whose they are.
        source: Which file: LOG, OUT or ERR.
        span: Where they are from.
        lines: The lines; a record's continuations follow it.
        before: The record that the first line may go on with.
    """
    if source != LOG:
        yield from _raw_records(files, source, span, lines)
        return
    head: Record | None = None
    texts: list[str] = []
    headless: list[RawLine] = []  # torn by a full disk, or begun in an earlier file
    for line in lines:
        if line.text.startswith(MARK) and head is not None:
            texts.append(decode(line.text[len(MARK) :]))
            continue
        if head is not None:
            yield _joined(files, head, texts)
        found = parse_record(line.text)
        if found is None and head is None and before is None:
            headless.append(line)
            continue
        for torn in headless:
            yield _joined(files, _torn(torn, found, before, span), None)
        headless = []
        head = found or _torn(line, head, before, span)
        texts = [head.text]
    for torn in headless:
        yield _joined(files, _torn(torn, None, before, span), None)
    if head is not None:
        yield _joined(files, head, texts)


def records_backward(files: LogFiles, source: str, span: Span, stop: int) -> Iterator[LogLine]:
    """Make records of the lines before an offset, last to first."""
    lines = span.lines_backward(stop)
    if source != LOG:
        yield from _raw_records(files, source, span, lines)
        return
    held: list[RawLine] = []
    for line in lines:
        held.append(line)
        if parse_record(line.text) is not None:
            yield from reversed(list(records(files, source, span, reversed(held))))
            held = []
    if held:
        yield from reversed(list(records(files, source, span, reversed(held))))


def start_since(files: LogFiles, source: str, span: Span, since: float) -> int:
    """Return an offset before which all is older; found from the end in large steps."""

    def is_older(start: int) -> bool:
        """Tell whether the line that begins at an offset is."""
        line = islice(span.lines(start, span.length), 1)
        return any(first.at < since for first in records(files, source, span, line))

    if not is_older(span.start):
        return span.start  # most files are wanted as a whole, or not at all
    step = span.length - STEP_BYTES
    while step > span.start:
        start = span.line_start(step)
        if is_older(start):
            return start
        step -= STEP_BYTES
    return span.start


def last_in(
    files: LogFiles, source: str, found: Sequence[Piece], count: int, stop: int | None = None
) -> list[LogLine]:
    """Return the last records of the pieces of one source, oldest first.

    Args:
        files: Whose they are.
        source: Which source.
        found: Its pieces, oldest first.
        count: How many records.
        stop: Where to stop in what is written now; by default its end.
    """
    lasts: list[LogLine] = []
    for piece in reversed(found):
        if len(lasts) >= count:
            break
        with piece.opened() as span:
            if span is not None:
                end = span.length if stop is None or piece.current is None else stop
                lines = records_backward(files, source, span, end)
                lasts += islice(lines, count - len(lasts))
    return lasts[::-1]


def since_in(
    files: LogFiles,
    source: str,
    found: Iterable[Piece],
    since: float | None,
    stop: int | None = None,
) -> Iterator[LogLine]:
    """Yield the records of the pieces of one source that are not older; as `last_in`."""
    for piece in found:
        if since is not None and piece.changed_at < since:
            continue
        with piece.opened() as span:
            if span is None:
                continue
            start = span.start if since is None else start_since(files, source, span, since)
            end = span.length if stop is None or piece.current is None else stop
            for line in records(files, source, span, span.lines(start, end)):
                if since is None or line.at >= since:
                    yield line


def _last(files: LogFiles, source: str, count: int) -> list[LogLine]:
    with pieces(files, source) as found:
        return last_in(files, source, found, count)


def _since(files: LogFiles, source: str, since: float | None) -> Iterator[LogLine]:
    with pieces(files, source) as found:
        yield from since_in(files, source, found, since)


def _raw_records(
    files: LogFiles, source: str, span: Span, lines: Iterable[RawLine]
) -> Iterator[LogLine]:
    stream, level = RAW_LEVELS[source]
    for line in lines:
        at = span.times.at(line.end)
        yield LogLine(at, files.service, files.instance, stream, level, decode(line.text))


def _torn(line: RawLine, last: Record | None, before: LogLine | None, span: Span) -> Record:
    """Make a record of a line without a head: torn by a full disk, or begun earlier."""
    text = decode(line.text.removeprefix(MARK))
    if last is not None:
        return last._replace(text=text)
    if before is not None:
        return Record(before.at, before.level, before.stream, text)
    return Record(span.changed_at, "INFO", "log", text)


def _joined(files: LogFiles, head: Record, texts: list[str] | None) -> LogLine:
    text = head.text if texts is None else "\n".join(texts)
    return LogLine(head.at, files.service, files.instance, head.stream, head.level, text)
