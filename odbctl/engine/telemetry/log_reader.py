"""Reading logs: the last lines, the lines since a time, several instances as one.

Lines of one file keep their order whatever the clock did; files are merged by
time. Any process; nothing is locked and nothing is loaded as a whole.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from operator import attrgetter

from odbctl.engine.telemetry.log_files import LogFiles
from odbctl.engine.telemetry.log_format import LogLine, Record, decode, parse_record, safe_text
from odbctl.engine.telemetry.log_sink import CONTINUATION
from odbctl.engine.telemetry.log_span import ERR, LOG, OUT, SOURCES, RawLine, Span

__all__ = ["LogLine", "merged", "read_lines", "safe_text", "tail"]

STEP_BYTES = 1 << 20
MARK = CONTINUATION.encode()
RAW_LEVELS = {OUT: ("stdout", "INFO"), ERR: ("stderr", "ERROR")}


def tail(instances: Iterable[LogFiles], count: int) -> list[LogLine]:
    """Return the last records of the instances together, oldest first."""
    lasts = [
        line for files in instances for source in SOURCES for line in _last(files, source, count)
    ]
    lasts.sort(key=attrgetter("at"))  # stable: the order within a file stays
    return lasts[-count:] if count > 0 else []


def read_lines(instances: Iterable[LogFiles], *, since: float | None = None) -> Iterator[LogLine]:
    """Yield the records of the instances, oldest first.

    Args:
        instances: Whose files to read.
        since: Leave out what is older (seconds since the epoch).
    """
    return merged(_since(files, source, since) for files in instances for source in SOURCES)


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
    for line in lines:
        if line.text.startswith(MARK) and head is not None:
            texts.append(decode(line.text[len(MARK) :]))
            continue
        if head is not None:
            yield _joined(files, head, texts)
        head = parse_record(line.text) or _torn(line, head, before, span)
        texts = [head.text]
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
    step = span.length
    while step > 0:
        step = max(0, step - STEP_BYTES)
        start = span.line_start(step)
        first = next(records(files, source, span, islice(span.lines(start, span.length), 1)), None)
        if first is not None and first.at < since:
            return start
    return 0


def _last(files: LogFiles, source: str, count: int) -> list[LogLine]:
    span = Span.open(files, source)
    if span is None:
        return []
    with span:
        return list(islice(records_backward(files, source, span, span.length), count))[::-1]


def _since(files: LogFiles, source: str, since: float | None) -> Iterator[LogLine]:
    with ExitStack() as stack:
        span = Span.open(files, source)
        if span is None:
            return
        stack.enter_context(span)
        start = 0 if since is None else start_since(files, source, span, since)
        for line in records(files, source, span, span.lines(start, span.length)):
            if since is None or line.at >= since:
                yield line


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


def _joined(files: LogFiles, head: Record, texts: list[str]) -> LogLine:
    text = "\n".join(texts)
    return LogLine(head.at, files.service, files.instance, head.stream, head.level, text)
