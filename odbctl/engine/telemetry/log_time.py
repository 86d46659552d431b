"""The place of a time in a chain of log files, by binary search."""

from __future__ import annotations

from odbctl.engine.telemetry.log_chain import Chain
from odbctl.engine.telemetry.log_lines import line_at
from odbctl.engine.telemetry.log_link import Part, Place

_BISECT_BYTES = 1 << 14


def place_at(chain: Chain, at: float) -> Place:
    """Return the place before the first line that is not older than a time; a binary search.

    Where a clock was set back the place is one of those that fit.
    """
    place = chain.end
    for part in chain.parts_backward(chain.end):
        first = _time_at(chain, part, part.start)
        if first is not None and first >= at:
            place = Place(part.link.number, part.start)
            continue
        return _place_in(chain, part, at)
    return place


def _place_in(chain: Chain, part: Part, at: float) -> Place:
    low, high = part.start, part.stop
    while high - low > _BISECT_BYTES:
        middle = part.span.line_start((low + high) // 2)
        found = _time_at(chain, part, middle) if middle < high else None
        if found is not None and found < at:
            low = middle
        else:
            high = (low + high) // 2
    for line in part.span.lines(low, part.stop):
        begin = low
        low = line.end
        if line_at(chain, part, begin, line.end).at >= at:
            return Place(part.link.number, begin)
    return Place(part.link.number, part.stop)


def _time_at(chain: Chain, part: Part, start: int) -> float | None:
    """Return the time of the line that begins here."""
    line = next(part.span.lines(start, part.stop), None)
    return None if line is None else line_at(chain, part, start, line.end).at
