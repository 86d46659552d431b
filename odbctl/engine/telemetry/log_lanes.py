"""The lanes of a log: the files of each instance, and what is noticed of them.

One thread of any process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from odbctl.engine.telemetry import inotify
from odbctl.engine.telemetry.inotify import Inotify
from odbctl.engine.telemetry.log_chain import Chain
from odbctl.engine.telemetry.log_files import LogFiles, instances_in
from odbctl.engine.telemetry.log_span import SOURCES

# Even where no notice comes, all is looked at so often.
FULL_LOOK_SECONDS = 2.0
# Of more lanes than a few, most are dead: those are looked at in full now and then.
FEW_LANES = 32
QUIET_SECONDS = 30.0


class LaneChoice(NamedTuple):
    """Whose logs: of these instances of a service (None for all), and of its new ones."""

    service: str
    instances: tuple[str, ...] | None = None
    is_growing: bool = True


class Lanes:
    """The instances and their chains, as many of each as there are sources; `open` reads."""

    def __init__(
        self, logs: Path, choices: Iterable[LaneChoice], *, clock: Callable[[], float]
    ) -> None:
        """Store whose logs; nothing is read.

        Args:
            logs: The folder of all logs.
            choices: Of one service or of several.
            clock: Monotonic seconds.
        """
        self.names: list[str] = []
        self.chains: list[Chain] = []
        self._logs = logs
        self._choices = tuple(choices)
        self._services = tuple(dict.fromkeys(choice.service for choice in self._choices))
        self._growing = frozenset(c.service for c in self._choices if c.is_growing)
        self._clock = clock
        self._left_out: frozenset[str] = frozenset()
        self._notify: Inotify | None = None
        self._watches: dict[str, int] = {}
        self._full_look_at = 0.0
        self._flooding: set[str] = set()
        self._quiet_until: dict[str, float] = {}

    def open(self) -> None:
        """Begin to watch, and take in the instances that there are."""
        self._notify = Inotify.open()
        self._begin_to_watch()
        present = {
            service: [files.instance for files in instances_in(self._logs, service)]
            for service in self._services
        }
        for service, instances, _ in self._choices:
            for instance in present[service] if instances is None else instances:
                if instance not in self.names:
                    self._add(service, instance)
        self._left_out = frozenset(
            instance for found in present.values() for instance in found
        ) - frozenset(self.names)
        self._full_look_at = self._clock() + FULL_LOOK_SECONDS

    def close(self) -> None:
        """Let go of all files."""
        for chain in self.chains:
            chain.close()
        if self._notify is not None:
            self._notify.close()
            self._notify = None

    @property
    def notices(self) -> tuple[str, ...]:
        """What is no longer as it was when the log was opened."""
        said = [
            f"the log of {lane} was removed"
            for lane, chains in zip(self.names, self._chains_by_lane(), strict=True)
            if any(chain.is_removed for chain in chains)
        ]
        count = sum(chain.removed_count for chain in self.chains)
        if count:
            said.append(f"{count} old {'file was' if count == 1 else 'files were'} removed")
        return tuple(said)

    def refresh(self) -> int:
        """Look for what is new: lines, files, instances; return how many lines came."""
        is_full = self._clock() >= self._full_look_at
        names = self._noticed()
        if is_full:
            self._full_look_at = self._clock() + FULL_LOOK_SECONDS
            self._begin_to_watch()
        new_lines = 0
        if is_full or names is None or any(_is_new(name, self.names) for name in names):
            new_lines += self._find_instances()
        noticed = {_instance_of(name) for name in names or ()}
        for lane, chains in zip(self.names, self._chains_by_lane(), strict=True):
            is_noticed = names is None or lane in noticed
            is_due = is_full and self._is_due(lane, is_noticed=is_noticed)
            # The window of a flood is written without a notice.
            if is_noticed or is_due or lane in self._flooding:
                new_lines += self._look_at(lane, chains, is_full=is_due)
            elif any(chain.has_partial for chain in chains):
                new_lines += sum(chain.refresh() for chain in chains)
        return new_lines

    def _is_due(self, lane: str, *, is_noticed: bool) -> bool:
        """Whether a lane is looked at in full: those that are long dead in turns."""
        now = self._clock()
        if is_noticed and self._notify is not None:
            return True
        if now < self._quiet_until.get(lane, 0.0):
            return False
        is_alive = lane in self._flooding or len(self.names) <= FEW_LANES
        self._quiet_until[lane] = now + (FULL_LOOK_SECONDS / 2 if is_alive else QUIET_SECONDS)
        return True

    def _look_at(self, lane: str, chains: Sequence[Chain], *, is_full: bool) -> int:
        if os.access(chains[0].files.tail_path, os.F_OK):
            self._flooding.add(lane)
        else:
            self._flooding.discard(lane)
        return sum(chain.refresh(is_full=is_full) for chain in chains)

    def _chains_by_lane(self) -> list[Sequence[Chain]]:
        step = len(SOURCES)
        return [self.chains[at : at + step] for at in range(0, len(self.chains), step)]

    def _add(self, service: str, instance: str, *, is_new: bool = False) -> int:
        files = LogFiles.of(self._logs, service, instance)
        chains = [Chain(files, source, is_new=is_new, clock=self._clock) for source in SOURCES]
        self.names.append(instance)
        self.chains += chains
        if os.access(files.tail_path, os.F_OK):
            self._flooding.add(instance)
        return sum(chain.refresh() for chain in chains)

    def _find_instances(self) -> int:
        """Take in new instances, and count their lines."""
        known = self._left_out | frozenset(self.names)
        return sum(
            self._add(service, files.instance, is_new=True)
            for service in self._services
            if service in self._growing
            for files in instances_in(self._logs, service)
            if files.instance not in known
        )

    def _begin_to_watch(self) -> None:
        if self._notify is not None:
            mask = inotify.MODIFY | inotify.CREATE | inotify.MOVED_TO | inotify.DELETE
            mask |= inotify.ONLY_DIRECTORY
            for service in self._services:
                self._watches[service] = self._notify.watch(self._logs / service, mask)

    def _noticed(self) -> set[str] | None:
        """Return the names of files that something happened to; None when it is not known."""
        if self._notify is None or any(number < 0 for number in self._watches.values()):
            return None
        names: set[str] = set()
        while notices := self._notify.read():
            for notice in notices:
                if notice.mask & inotify.QUEUE_OVERFLOW:
                    return None
                if notice.mask & inotify.IGNORED:
                    # The folder is gone; another may come.
                    gone = [s for s, number in self._watches.items() if number == notice.watch]
                    self._watches.update(dict.fromkeys(gone, -1))
                names.add(notice.name)
        return names


def _is_new(name: str, lanes: Sequence[str]) -> bool:
    return _instance_of(name) not in lanes


def _instance_of(name: str) -> str:
    return name.lstrip(".").partition(".")[0]
