"""The quota of the raw files, held while they are being written.

A child that writes flat out fills a disk in seconds, so each service's raw files are looked
at the more often the faster they grow. When together they exceed the service's quota, the
oldest bytes of the largest are given back to the disk (see raw_trim), down to half of the
quota; the newest bytes of every file stay. Files that grow fast are trimmed before they reach
the quota, because they go on growing until the trimmer runs again. Run by the log guard.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from math import inf
from pathlib import Path

from odbctl.engine.telemetry.raw_trim import BLOCK_BYTES, trim_raw

FIRST_PAUSE_SECONDS = 0.002
LEAST_PAUSE_SECONDS = 0.001
# How many bytes may come between two looks at the files.
SLACK_BYTES = 1 << 20
# So long a busy machine may keep us from looking, or the writer from letting us trim.
LATE_SECONDS = 0.02
HALF_LIFE_SECONDS = 0.1


class _RawFile:
    """What was seen of one file."""

    __slots__ = ("allocated", "looked_at", "rate", "size", "trimmed")

    def __init__(self) -> None:
        self.size = 0
        self.allocated = 0  # without its holes
        self.trimmed = 0  # where its newest hole ends
        self.rate = 0.0  # bytes a second
        self.looked_at = 0.0


class RawQuotas:
    """Holds the raw files of each service to its quota."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._quota_bytes: dict[str, int] = {}
        self._folders: dict[Path, dict[Path, _RawFile]] = defaultdict(dict)

    def set_quotas(self, quota_bytes: Mapping[str, int]) -> None:
        """Set the quotas of all services, by name."""
        self._quota_bytes = dict(quota_bytes)

    def set_quota(self, service: str, quota_bytes: int) -> None:
        """Set the quota of one service, before its first instance writes."""
        self._quota_bytes = {**self._quota_bytes, service: quota_bytes}

    def forget(self, path: Path) -> None:
        """Forget a file that was removed."""
        self._folders[path.parent].pop(path, None)

    def look(self, paths: Collection[Path]) -> float:
        """Look at files that grow, and trim those of services that exceed their quota.

        Returns:
            In how many seconds to look again, if they go on growing as fast.
        """
        for path in paths:
            self._look_at(path)
        pauses = (self._hold(folder) for folder in {path.parent for path in paths})
        return max(min(pauses, default=inf), LEAST_PAUSE_SECONDS)

    def _look_at(self, path: Path) -> None:
        """Measure a file, and how many bytes a second are written to it.

        A writer that paused is expected to go on: its rate halves in `HALF_LIFE_SECONDS`.
        """
        try:
            status = os.stat(path)
        except OSError:
            self.forget(path)
            return
        now = self._clock()
        found = self._folders[path.parent].setdefault(path, _RawFile())
        seconds, found.looked_at = now - found.looked_at, now
        grown, found.size = status.st_size - found.size, status.st_size
        found.allocated = min(status.st_blocks * 512, found.size)
        found.rate = max(
            grown / seconds if seconds > 0 else 0.0,
            found.rate * 0.5 ** (seconds / HALF_LIFE_SECONDS),
        )

    def _hold(self, folder: Path) -> float:
        """Trim the files of a service when they exceed its quota.

        Returns:
            In how many seconds to look again: when half of the room is filled, or a slack.
        """
        quota = self._quota_bytes.get(folder.name)
        files = self._folders[folder]
        rate = sum(f.rate for f in files.values())
        if quota is None or not rate:
            return inf
        limit = max(quota // 4, quota - int(rate * LATE_SECONDS))
        room = limit - sum(f.allocated for f in files.values())
        if room >= 0:
            return max(room / 2, SLACK_BYTES) / rate
        keep = max(_level([f.allocated for f in files.values()], limit // 2), BLOCK_BYTES)
        for path, found in files.items():
            if found.allocated <= keep:
                continue
            trimmed = trim_raw(path, keep, found.trimmed)
            if trimmed > found.trimmed:
                found.trimmed = trimmed
                found.allocated = min(found.allocated, found.size - trimmed)
        return SLACK_BYTES / rate


def _level(sizes: Collection[int], total: int) -> int:
    """Return the size to cut the larger files to, so that all together have `total` bytes."""
    rest, count = total, len(sizes)
    for size in sorted(sizes):
        if size * count > rest:
            break
        rest, count = rest - size, count - 1
    return rest // max(count, 1)
