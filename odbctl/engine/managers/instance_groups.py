"""The control groups of one host's instances, as its manager sees them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from odbctl.engine.managers.messages import Report, WorkerExited
from odbctl.engine.worker import cgroups
from odbctl.engine.worker.cgroups import CgroupRoot
from odbctl.engine.worker.limits import BY_CGROUP, BY_RLIMIT

_SIGKILL = 9


class InstanceGroups:
    """Finds out whether there are groups, what they tell of an end, and removes them."""

    def __init__(self, root: CgroupRoot | None) -> None:
        self._root = root
        self._ended: set[int] = set()

    @classmethod
    def find(cls) -> InstanceGroups:
        """Use the group that was delegated to this process, if there is one."""
        root = cgroups.find_delegated()
        return cls(root if root is not None and cgroups.prepare(root) else None)

    @property
    def held_by(self) -> str:
        """What holds an instance to its memory limit here."""
        return BY_RLIMIT if self._root is None else BY_CGROUP

    def group_of(self, instance: int) -> str:
        """Name the group for an instance; empty where there are none."""
        return "" if self._root is None else self._root.group(instance)

    def explained(self, reports: Iterable[Report]) -> Iterator[Report]:
        """Say of a killed worker that it was out of memory, if the kernel says so."""
        for report in reports:
            if self._root is None or not isinstance(report, WorkerExited):
                yield report
                continue
            self._ended.add(report.instance)
            killed = report.signal == _SIGKILL and report.reason is None
            if killed and cgroups.oom_kills(self._root.group(report.instance)):
                reason = "out of memory: killed by the kernel at its memory limit"
                yield report._replace(reason=reason)
            else:
                yield report

    def clean_up(self) -> None:
        """End what instances that have ended left in their groups, and remove these."""
        if self._root is None:
            return
        for instance in tuple(self._ended):
            group = self._root.group(instance)
            if cgroups.remove(group):
                self._ended.discard(instance)
            else:
                cgroups.kill(group)
