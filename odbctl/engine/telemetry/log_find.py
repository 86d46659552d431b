"""Finding lines in a chain of log files, in either direction.

Whole blocks are searched for bytes that a matching line must have; only lines that have
them are cut out, and only these are decoded. Blocks are read, not mapped: a file that is
cut short meanwhile would end a process that has it mapped. They are small, for one search
of a block is one call that no other thread gets in between. Any process.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple, Protocol

from odbctl.engine.telemetry.log_chain import Chain
from odbctl.engine.telemetry.log_lines import PageLine, backward, forward, line_at, parse_head
from odbctl.engine.telemetry.log_link import Part, Place
from odbctl.engine.telemetry.log_reader import MARK
from odbctl.engine.telemetry.log_search import finder
from odbctl.engine.telemetry.log_span import LOG, LONGEST_LINE_BYTES
from odbctl.engine.telemetry.rare_bytes import TextSearch

FIRST_BLOCK_BYTES = 1 << 15
BLOCK_BYTES = 1 << 18
_SPECIAL = frozenset(".^$*+?{}[]\\|()")
# What depends on where a text begins or ends, or on what is not there.
_PLACE_BOUND = ("\\A", "\\Z", "(?<", "(?!")

_STAMP_BYTES = 25  # of the time before the level

Hit = tuple[int, int]  # where a line begins and ends in its block


class SearchStoppedError(Exception):
    """Nobody waits for the result any more."""


class Probe(NamedTuple):
    """What is looked for among bytes: it finds at least the lines that match.

    Attributes:
        literal: These bytes; a hit is certain, not to be tested again.
        is_caseless: Look for `literal`, which is lower case, in any case.
        finder: A pattern, in place of a literal.
        levels: Or lines of records of these levels; of any level where JSON may have its own.
        is_any: Every line may match.
    """

    literal: bytes = b""
    is_caseless: bool = False
    finder: re.Pattern[bytes] | None = None
    levels: tuple[bytes, ...] = ()
    is_any: bool = False

    @classmethod
    def of(cls, pattern: re.Pattern[str]) -> Probe:
        """Make it from a pattern for the text of a line."""
        text = pattern.pattern
        is_caseless = bool(pattern.flags & re.IGNORECASE)
        if text and not _SPECIAL & set(text) and (text.isascii() or not is_caseless):
            literal = (text.lower() if is_caseless else text).encode("utf-8", "replace")
            return cls(literal=literal, is_caseless=is_caseless)
        is_bound = not text.isascii() or any(mark in text for mark in _PLACE_BOUND)
        return cls(is_any=True) if is_bound or not text else cls(finder=finder(pattern))

    def hits(self, block: bytes, *, is_log: bool) -> Iterator[Hit]:
        """Yield the lines of a block of whole lines that may match."""
        if self.literal:
            return self._literal_hits(block, is_log=is_log)
        if self.levels:
            return _level_hits(block, self.levels)
        # A pattern of bytes takes a letter that is no ASCII for several.
        if self.is_any or self.finder is None or not block.isascii():
            return _all_lines(block)
        return _pattern_hits(block, self.finder)

    def _literal_hits(self, block: bytes, *, is_log: bool) -> Iterator[Hit]:
        searched = block.lower() if self.is_caseless else block
        search = TextSearch(searched, self.literal)
        place = search.find(0)
        while place >= 0:
            begin = block.rfind(b"\n", 0, place) + 1
            end = _end_of(block, place)
            text = _text_at(block, begin, end) if is_log else begin
            if place >= text or searched.find(self.literal, text, end) >= 0:
                yield begin, end
            place = search.find(end)


def _pattern_hits(block: bytes, pattern: re.Pattern[bytes]) -> Iterator[Hit]:
    place = 0
    while place < len(block) and (found := pattern.search(block, place)) is not None:
        at = min(found.start(), len(block) - 1)
        begin, end = block.rfind(b"\n", 0, at) + 1, _end_of(block, at)
        # It may go on over line ends: then it says nothing of the lines in between.
        last = max(end, _end_of(block, found.end() - 1) if found.end() > end else end)
        while begin < last:
            yield begin, end
            begin, end = end, _end_of(block, end)
        place = last


def _level_hits(block: bytes, levels: tuple[bytes, ...]) -> Iterator[Hit]:
    has_json = b" {" in block
    begin = 0
    for line in block.splitlines(keepends=True) if b"\r" not in block else _split(block):
        end = begin + len(line)
        # The first of these is nearly every line, and tells that it is not wanted.
        if (
            line.startswith(levels, _STAMP_BYTES)
            or not line[:1].isdigit()
            or (has_json and b" {" in line)
        ):
            yield begin, end
        begin = end


def _split(block: bytes) -> Iterator[bytes]:
    return (block[begin:end] for begin, end in _all_lines(block))


def _all_lines(block: bytes) -> Iterator[Hit]:
    begin = 0
    while begin < len(block):
        end = _end_of(block, begin)
        yield begin, end
        begin = end


def _end_of(block: bytes, at: int) -> int:
    place = block.find(b"\n", at)
    return len(block) if place < 0 else place + 1


def _text_at(block: bytes, begin: int, end: int) -> int:
    """Return where the text of a line begins, behind time, level and stream."""
    if block[begin : begin + 1] == MARK:
        return begin + 1
    head = parse_head(block[begin : min(end, begin + 200)])
    return begin if head is None else begin + head.text_at


class Context(Protocol):
    """A filter that shows lines around those that it keeps; see `LineFilter`."""

    @property
    def around(self) -> int:
        """So many lines before and after each, too."""
        ...

    def keeps(self, line: PageLine) -> bool:
        """Tell whether a line is shown for its own sake."""
        ...

    def wanted(self, source: str) -> Wanted:
        """Return what finds such lines in a source."""
        ...


class Wanted(NamedTuple):
    """Which lines: a probe for their bytes, and a test of what it finds.

    Attributes:
        probe: What their bytes have.
        test: Whether a line is wanted; None where a hit is certain.
        context: The filter that has to show them; None where all are shown, or `test` tells.
    """

    probe: Probe
    test: Callable[[PageLine], bool] | None
    context: Context | None = None

    @classmethod
    def matching(cls, pattern: re.Pattern[str]) -> Wanted:
        """Return what finds the lines in whose text a pattern is found."""

        def test(line: PageLine) -> bool:
            return is_in(pattern, line)

        probe = Probe.of(pattern)
        return cls(probe, None if probe.literal else test)

    def hits(self, chain: Chain, part: Part, at: int, block: bytes) -> Iterator[Hit]:
        """Yield the lines of a block at an offset that are to be tested."""
        hits = self.probe.hits(block, is_log=chain.source == LOG)
        if self.context is None:
            return hits
        return _shown(list(hits), _BlockLines(chain, part, at, block), self.context)


def is_in(pattern: re.Pattern[str], line: PageLine) -> bool:
    """Tell whether a pattern is found in the text of a line."""
    return pattern.search(line.text) is not None


def never() -> bool:
    """Go on to the end."""
    return False


def found_forward(
    chain: Chain,
    place: Place,
    wanted: Wanted,
    *,
    index: int = 0,
    should_stop: Callable[[], bool] = never,
) -> Iterator[PageLine]:
    """Yield the wanted lines behind a place, first to last.

    Args:
        chain: Where to look.
        place: Behind what.
        wanted: Which lines.
        index: What the lines give as their chain.
        should_stop: Asked once per block.

    Raises:
        SearchStoppedError: `should_stop` said so.
    """
    for part in chain.parts(place):
        for at, block in _blocks(part, should_stop):
            for begin, end in wanted.hits(chain, part, at, block):
                line = line_at(chain, part, at + begin, at + end, index)
                if wanted.test is None or wanted.test(line):
                    yield line


def found_backward(
    chain: Chain,
    place: Place,
    wanted: Wanted,
    *,
    index: int = 0,
    should_stop: Callable[[], bool] = never,
) -> Iterator[PageLine]:
    """Yield the wanted lines before a place, last to first; as `found_forward`."""
    for part in chain.parts_backward(place):
        for at, block in _blocks_backward(part, should_stop):
            hits = list(wanted.hits(chain, part, at, block))
            for begin, end in reversed(hits):
                line = line_at(chain, part, at + begin, at + end, index)
                if wanted.test is None or wanted.test(line):
                    yield line


def hits_in(
    chain: Chain, place: Place, wanted: Wanted, should_stop: Callable[[], bool]
) -> Iterator[tuple[Place, list[int]]]:
    """Yield, block by block, up to where was looked and where wanted lines begin."""
    for part in chain.parts(place):
        for at, block in _blocks(part, should_stop):
            hits = wanted.hits(chain, part, at, block)
            if wanted.test is not None:
                hits = _tested(chain, part, at, hits, wanted.test)
            yield Place(part.link.number, at + len(block)), [at + begin for begin, _ in hits]


class _BlockLines(NamedTuple):
    """The lines of a block, by number; lines before the block have negative numbers."""

    chain: Chain
    part: Part
    at: int
    block: bytes

    def kept_by(self, context: Context, starts: list[int]) -> list[int]:
        """Return which lines a filter keeps, with the next ones before and behind the block."""
        chain, part, at, block = self
        number = part.link.number
        before = islice(backward(chain, Place(number, at)), context.around)
        behind = islice(forward(chain, Place(number, at + len(block))), context.around)
        own = context.wanted(chain.source)
        hits = own.hits(chain, part, at, block)
        if own.test is not None:
            hits = _tested(chain, part, at, hits, own.test)
        return [
            *[-1 - row for row, line in enumerate(before) if context.keeps(line)][::-1],
            *[bisect_left(starts, begin) for begin, _ in hits],
            *[len(starts) + row for row, line in enumerate(behind) if context.keeps(line)],
        ]


def _shown(hits: list[Hit], rows: _BlockLines, context: Context) -> Iterator[Hit]:
    """Yield the hits that a filter shows."""
    if not hits:
        return
    starts = [begin for begin, _ in _all_lines(rows.block)]
    kept = rows.kept_by(context, starts)
    for hit in hits:
        row = bisect_left(starts, hit[0])
        nearest = bisect_left(kept, row - context.around)
        if nearest < len(kept) and kept[nearest] <= row + context.around:
            yield hit


def _tested(
    chain: Chain, part: Part, at: int, hits: Iterator[Hit], test: Callable[[PageLine], bool]
) -> Iterator[Hit]:
    return (hit for hit in hits if test(line_at(chain, part, at + hit[0], at + hit[1])))


def _blocks(part: Part, should_stop: Callable[[], bool]) -> Iterator[tuple[int, bytes]]:
    """Yield blocks of whole lines; the first are small, for what is near is found at once."""
    at, size = part.start, FIRST_BLOCK_BYTES
    while at < part.stop:
        if should_stop():
            raise SearchStoppedError
        block = part.span.read(at, min(at + size, part.stop))
        if not block:
            return  # cut short meanwhile
        if at + len(block) < part.stop:
            whole = block.rfind(b"\n") + 1
            if not whole and size < LONGEST_LINE_BYTES:
                size *= 4
                continue
            block = block[:whole] if whole else block
        yield at, block
        at += len(block)
        size = min(max(size, FIRST_BLOCK_BYTES) * 4, BLOCK_BYTES)


def _blocks_backward(part: Part, should_stop: Callable[[], bool]) -> Iterator[tuple[int, bytes]]:
    stop, size = part.stop, FIRST_BLOCK_BYTES
    while stop > part.start:
        if should_stop():
            raise SearchStoppedError
        start = max(part.start, stop - size)
        block = part.span.read(start, stop)
        if start > part.start:
            cut = block.find(b"\n", 0, len(block) - 1) + 1
            if not cut and size < LONGEST_LINE_BYTES:
                size *= 4
                continue
            start, block = start + cut, block[cut:]
        yield start, block
        stop = start
        size = min(max(size, FIRST_BLOCK_BYTES) * 4, BLOCK_BYTES)
