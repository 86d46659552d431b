"""Which instances of a host without a manager have no process any more.

A recorded process is looked up by its identity. A worker that nobody has recorded yet is
found by its mark, in one look at the process table that is shared by all instances.
"""

from __future__ import annotations

import os

from odbctl.engine.managers.identities import worker_identity
from odbctl.engine.model.core import ServiceInstance
from odbctl.engine.worker.identity import is_alive


class GoneProcesses:
    """Answers for one view of the database; needs it open."""

    def __init__(self, run: str | os.PathLike[str] | None) -> None:
        self._run = run
        self._marked: frozenset[int] | None = None

    def __call__(self, instance: ServiceInstance) -> bool:
        """Tell whether an instance that has not ended has no process."""
        identity = worker_identity(instance)
        if identity is not None:
            return not is_alive(identity)
        if self._run is None:
            return False
        if self._marked is None:
            self._marked = _marked_instances(self._run)
        return instance.oid not in self._marked


def _marked_instances(run: str | os.PathLike[str]) -> frozenset[int]:
    from odbctl.engine.managers.processes import list_processes
    from odbctl.engine.worker.mark import marked_instance, worn_mark

    found = (marked_instance(worn_mark(entry.pid), run) for entry in list_processes())
    return frozenset(instance for instance in found if instance is not None)
