"""Reclaim: each orphan is adopted or ended, before its instance is started again.

Run by managers when they begin and when a launcher has died, so that an instance never
has two workers, and no worker is without a manager.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from odbctl.engine.managers.identities import worker_identity
from odbctl.engine.managers.messages import WorkerStarted
from odbctl.engine.managers.orphans import Orphans, find_orphans
from odbctl.engine.managers.service_manager import ServiceManager
from odbctl.engine.model.core import ServiceInstance
from odbctl.engine.model.states import ENDED_STATES
from odbctl.engine.worker.identity import ProcessIdentity

logger = logging.getLogger("odbctl.manager")


class Reclaimed(NamedTuple):
    """What came of orphans.

    Attributes:
        instances: Those that have a worker, or had one, and whose end will be reported.
    """

    instances: set[int]


class _Record(NamedTuple):
    """What the database says of an instance."""

    is_own: bool
    is_over: bool
    identity: ProcessIdentity | None


def reclaim_orphans(
    manager: ServiceManager,
    dead_journals: Collection[Path],
    *,
    requested: Collection[int] = (),
    known: Collection[int] = (),
) -> Reclaimed:
    """Adopt or end the workers that launchers had started and that no manager recorded.

    Starts that nobody has written yet are reported to the manager. When this raises, it can be
    called again.

    Args:
        manager: Who adopts them.
        dead_journals: The exit journals of those launchers.
        requested: Instances that those were to start.
        known: Instances that are seen to otherwise.

    Raises:
        OSError: The process table cannot be read, because no descriptor is left.
    """
    found = find_orphans(manager.home.run, dead_journals)
    done = Reclaimed(set())
    for instance in (found.keys() | set(requested)) - set(known):
        if instance in manager.adopted:
            done.instances.add(instance)
        else:
            _reclaim(manager, instance, found.get(instance, Orphans()), done)
    return done


def _reclaim(manager: ServiceManager, instance: int, orphans: Orphans, done: Reclaimed) -> None:
    # Read after the processes were looked at: one of them may have recorded itself.
    record = _read(manager, instance)
    if not record.is_own:
        return
    if record.is_over:
        _end(manager, instance, orphans, record.identity)
        return
    worker = record.identity or orphans.worker
    if worker is None:
        if orphans.members:
            logger.warning(
                "killed a worker that had not begun its work; its instance will be started again"
            )
            orphans.kill()
        return
    if record.identity is None:
        manager.report(WorkerStarted(instance, worker.pid, worker.start_ticks, time.time()))
    done.instances.add(instance)
    manager.adopt_worker(instance, worker)


def _read(manager: ServiceManager, instance: int) -> _Record:
    with manager.db.view():
        found = ServiceInstance.from_oid(instance)
        if not found.exists():
            return _Record(is_own=True, is_over=True, identity=None)
        return _Record(
            is_own=found.host.name == manager.settings.name,
            is_over=found.state in ENDED_STATES,
            identity=worker_identity(found),
        )


def _end(
    manager: ServiceManager, instance: int, orphans: Orphans, worker: ProcessIdentity | None
) -> None:
    """End what is left of an instance that is over."""
    if worker is not None and worker not in orphans.members:
        manager.adopted.end_leftovers(instance, worker)
    elif orphans.members:
        logger.warning("killed %d remaining processes of an ended instance", len(orphans.members))
        orphans.kill()
