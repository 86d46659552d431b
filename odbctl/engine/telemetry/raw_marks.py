"""The times of raw lines, looked up in the file of marks without reading it whole.

A day of steady output makes a million marks (see raw_time_index); who pages through a
log asks for the times of fifty lines. Any process that reads logs.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from pathlib import Path

from odbctl.engine.telemetry.log_files import index_of
from odbctl.engine.telemetry.raw_times import MARK

_BLOCK_MARKS = 256


class RawMarks:
    """An open file of marks."""

    def __init__(self, raw: str, changed_at: float) -> None:
        """Open the marks of a raw file; there may be none.

        Args:
            raw: The raw file.
            changed_at: The time of what was written after the last mark.
        """
        self._changed_at = changed_at
        try:
            self._descriptor = os.open(index_of(Path(raw)), os.O_RDONLY | os.O_NOFOLLOW)
            self._count = os.fstat(self._descriptor).st_size // MARK.size
        except OSError:
            self._descriptor, self._count = -1, 0
        self._block: list[tuple[int, float]] = []
        self._floor = -1  # the size in the mark before the block

    def at(self, end: int) -> float:
        """Return when the line that ends at an offset was written."""
        if not (self._block and self._floor < end <= self._block[-1][0]):
            self._find_block(end)
        place = bisect_left(self._block, (end, 0.0))
        return self._block[place][1] if place < len(self._block) else self._changed_at

    def close(self) -> None:
        """Close the file. Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _find_block(self, end: int) -> None:
        low, high = 0, self._count  # the first mark whose size is not below `end`
        while low < high:
            middle = (low + high) // 2
            if self._read(middle, 1)[0][0] < end:
                low = middle + 1
            else:
                high = middle
        self._block = self._read(low, _BLOCK_MARKS) if low < self._count else []
        self._floor = self._read(low - 1, 1)[0][0] if low else -1

    def _read(self, first: int, count: int) -> list[tuple[int, float]]:
        data = os.pread(self._descriptor, count * MARK.size, first * MARK.size)
        return list(MARK.iter_unpack(data[: len(data) // MARK.size * MARK.size]))
