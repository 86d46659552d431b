"""The report of lines that had no room, where it needs none itself.

On a full disk a report cannot be appended, and a worker that ends before there is room
again would take its count along. So the report takes the place of the last lines of the
log, which count as lost, too; its number is written anew with each further loss, and again
if more is lost soon after. Where a file cannot be changed in place either, the count waits
in memory (see LogAppender).
"""

from __future__ import annotations

import os

_TEXT = "lines lost: no room to write"
_ROOM_BYTES = 96  # for a report with any number
_LOOK_BYTES = 1024  # a report begins at most so long before the end


class LossReport:
    """One line near the end of a log: how many lines were lost for want of room.

    Args:
        descriptor: The log, to be written in place.
        at: Where in it the report begins.
        size: How long the report is, with the end of its line.
        stamp: The time that it gives.
        count: How many lines it says are lost.

    Attributes:
        count: How many lines it says are lost.
        replaced_count: How many of these it took the place of.
    """

    def __init__(self, descriptor: int, at: int, size: int, stamp: str, count: int) -> None:
        self._descriptor = descriptor
        self._at = at
        self._size = size
        self._stamp = stamp
        self.count = count
        self.replaced_count = 0

    @classmethod
    def begin(cls, path: str, stamp: str) -> LossReport | None:
        """Put a report in the place of the last lines, or find the one that is there.

        Args:
            path: The log.
            stamp: The time that a new report gets.

        Returns:
            The report, with the lines that made room as lost; None where it has no place.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        end = os.fstat(descriptor).st_size
        last = os.pread(descriptor, _LOOK_BYTES, max(0, end - _LOOK_BYTES))
        base = end - len(last)
        lost = 0
        for start, line in _lines_backward(last, is_whole=base == 0):
            counted = _count_in(line)
            if counted is not None and len(line) >= _ROOM_BYTES:
                earlier = line.split(maxsplit=1)[0].decode()
                return cls(descriptor, base + start, len(line), earlier, counted)
        for start, line in _lines_backward(last, is_whole=base == 0):
            lost += _count_in(line) or line.endswith(b"\n")
            if len(last) - start >= _ROOM_BYTES:
                report = cls(descriptor, base + start, len(last) - start, stamp, 0)
                if report.add(lost):
                    report.replaced_count = lost
                    return report
                break
        os.close(descriptor)
        return None

    def add(self, count: int) -> bool:
        """Count further lines; return whether that could be written."""
        line = report_line(self._stamp, self.count + count).encode()
        whole = line.ljust(self._size - 1) + b"\n"  # the log keeps its size: followers go on
        try:
            is_written = os.pwrite(self._descriptor, whole, self._at) == len(whole)
        except OSError:
            return False
        self.count += count * is_written
        return is_written

    def close(self) -> None:
        """Let go of the file; the report stays as it is."""
        os.close(self._descriptor)


def report_line(stamp: str, count: int) -> str:
    """Return a report, without the end of its line."""
    return f"{stamp} ERROR log {count} {_TEXT}"


def _lines_backward(last: bytes, *, is_whole: bool) -> list[tuple[int, bytes]]:
    """Return where the last lines of a log begin, and they themselves, the last one first.

    Args:
        last: The end of the log.
        is_whole: Whether that is all of it, so that its first line is a whole one.
    """
    start = 0 if is_whole else last.find(b"\n") + 1
    lines: list[tuple[int, bytes]] = []
    while start < len(last) and (start or is_whole):
        end = last.find(b"\n", start) + 1 or len(last)
        lines.append((start, last[start:end]))
        start = end
    return lines[::-1]


def _count_in(line: bytes) -> int | None:
    """Return how many lines a report tells of; None when the line is none."""
    words = line.rstrip().split(maxsplit=4)
    is_record = line[:1].isdigit()  # it begins with a time: no further line of another record
    is_report = words[1:3] == [b"ERROR", b"log"] and words[4:] == [_TEXT.encode()]
    return int(words[3]) if is_record and is_report and words[3].isdigit() else None
