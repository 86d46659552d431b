"""The times of raw lines, read from the marks that the manager made.

A mark is `(size, time)`: see raw_time_index. Any process that reads logs.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from pathlib import Path

from odbctl.engine.telemetry.log_files import index_of

MARK = struct.Struct("<qd")  # size of the raw file, seconds since the epoch


class RawTimes:
    """The reader's side: times of the lines of one raw file."""

    def __init__(self, marks: list[tuple[int, float]], changed_at: float) -> None:
        self._sizes = [size for size, _ in marks]
        self._times = [at for _, at in marks]
        self._changed_at = changed_at

    @classmethod
    def of(cls, raw: Path, changed_at: float) -> RawTimes:
        """Read the marks of a raw file; a half-written last one is left out."""
        try:
            data = index_of(raw).read_bytes()
        except OSError:
            data = b""
        whole = len(data) // MARK.size * MARK.size
        return cls(list(MARK.iter_unpack(data[:whole])), changed_at)

    def at(self, end: int) -> float:
        """Return when the line that ends at an offset was written."""
        place = bisect_left(self._sizes, end)
        return self._times[place] if place < len(self._times) else self._changed_at
