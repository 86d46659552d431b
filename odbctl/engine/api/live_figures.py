"""The newest figures of all instances, read from the boards that managers write."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import NamedTuple

from odbctl.engine.telemetry.figures import FRESH_SECONDS, Latest, read_board
from odbctl.paths import Home


class Usage(NamedTuple):
    """What something uses now; CPU in percent of one core, None while not known."""

    cpu_percent: float | None
    rss_bytes: int


class LiveFigures:
    """What instances use, by object id; a board is read again when it was written again."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._written: dict[str, int] = {}
        self._boards: dict[str, dict[int, Latest]] = {}
        self._usages: dict[int, Usage] = {}
        # Counts up with each change.
        self.version = 0

    def update(self, hosts: Iterable[str]) -> bool:
        """Look at the boards of these hosts; return whether any figure is another one."""
        for host in hosts:
            path = f"{self._home.figures_text}/{host}.now"
            try:
                written = os.stat(path).st_mtime_ns
            except OSError:
                written = 0
            if self._written.get(host) != written:
                self._written[host] = written
                self._boards[host] = read_board(path) if written else {}
        before, self._usages = self._usages, self._fresh()
        if before == self._usages:
            return False
        self.version += 1
        return True

    def of(self, instance: int) -> Usage | None:
        """Return what an instance uses, None if nobody measured it of late."""
        return self._usages.get(instance)

    def _fresh(self) -> dict[int, Usage]:
        oldest = time.time() - FRESH_SECONDS
        return {
            oid: Usage(latest.cpu_percent, latest.sample.rss_bytes)
            for board in self._boards.values()
            for oid, latest in board.items()
            if latest.sample.at >= oldest
        }


def sum_up(usages: Iterable[Usage | None]) -> Usage | None:
    """Add what several instances use; None if nothing is known of any."""
    known = [usage for usage in usages if usage is not None]
    if not known:
        return None
    percents = [usage.cpu_percent for usage in known if usage.cpu_percent is not None]
    cpu_percent = sum(percents) if percents else None
    return Usage(cpu_percent, sum(usage.rss_bytes for usage in known))
