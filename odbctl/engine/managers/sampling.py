"""Sampling: what the instances of one host use, read in the manager's regular round."""

from __future__ import annotations

import contextlib
import os
import time
from typing import NamedTuple

from odbctl.engine.managers.identities import worker_identity
from odbctl.engine.model.core import ServiceInstance
from odbctl.engine.model.states import ENDED_STATES
from odbctl.engine.odb import Database
from odbctl.engine.telemetry.figures import (
    Latest,
    Sample,
    append_sample,
    read_sample,
    write_board,
)
from odbctl.paths import Home


class _Target(NamedTuple):
    instance: int
    path: str
    pid: int
    start_ticks: int


class Sampler:
    """Samples the workers of one host; remembers the last samples only."""

    def __init__(self, home: Home, db: Database, host: str) -> None:
        self._home = home
        self._db = db
        self._board = board_path(home, host)
        self._last: dict[int, Sample] = {}

    def step(self, host_id: int) -> None:
        """Take one sample of each living worker. A full disk costs the sample, no more."""
        with self._db.view():
            targets = _targets(self._home, host_id)
        now = time.time()
        latest: dict[int, Latest] = {}
        for target in targets:
            sample = read_sample(target.pid, now, start_ticks=target.start_ticks)
            if sample is None:
                continue
            latest[target.instance] = Latest(sample, self._percent(target.instance, sample))
            with contextlib.suppress(OSError):
                append_sample(target.path, sample)
        self._last = {instance: each.sample for instance, each in latest.items()}
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(self._board), mode=0o700, exist_ok=True)
            write_board(self._board, latest.items())

    def _percent(self, instance: int, sample: Sample) -> float | None:
        before = self._last.get(instance)
        if before is None or sample.at <= before.at:
            return None  # the first one, or the clock was set back
        return 100.0 * (sample.cpu_seconds - before.cpu_seconds) / (sample.at - before.at)


def _targets(home: Home, host_id: int) -> list[_Target]:
    found: list[_Target] = []
    for instance in ServiceInstance.lookup_all(is_current=True):
        identity = worker_identity(instance)
        if instance.host.oid != host_id or instance.state in ENDED_STATES or identity is None:
            continue
        path = figures_path(home, instance.service_name, instance.name)
        found.append(_Target(instance.oid, path, identity.pid, identity.start_ticks))
    return found


def board_path(home: Home, host: str) -> str:
    """Name the file of the newest figures of a host."""
    return f"{home.figures_text}/{host}.now"


def figures_path(home: Home, service: str, instance: str) -> str:
    """Name the file of the figures of an instance."""
    return f"{home.figures_text}/{service}/{instance}.fig"
