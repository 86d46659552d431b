"""Facts that are in no single object: what lives, what is used, what is waited for.

Parts of the documents. Functions need an open view.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from odbctl.engine.managers.observe import observe_instance, observe_service, worker_identity
from odbctl.engine.model.core import Service, ServiceHost, ServiceInstance
from odbctl.engine.model.probes import Probe
from odbctl.engine.model.states import ENDED_STATES, InstanceState
from odbctl.engine.reconcile.dependencies import is_fulfilled
from odbctl.engine.telemetry.figures import FRESH_SECONDS, Latest, read_board
from odbctl.engine.worker.identity import is_alive
from odbctl.paths import Home

if TYPE_CHECKING:
    from odbctl.engine.api.documents import ProbeDocument

# As `limits` calls them, which needs more than a reader has.
BY_CGROUP = "cgroup v2"
BY_RLIMIT = "address space (rlimit)"
BY_NOTHING = "nothing"


def observed_state(instance: ServiceInstance) -> InstanceState:
    """Return an instance's state, checked against the process table."""
    state = instance.state
    if state in ENDED_STATES or state is InstanceState.BOOTING:
        return state
    identity = worker_identity(instance)
    if identity is None or is_alive(identity):
        return state
    return InstanceState.LOST


class _Boards:
    """The boards of figures that were read, each until it is written again."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[int, dict[int, Latest]]] = {}

    def of(self, path: str) -> dict[int, Latest]:
        """Return the newest figures of a host."""
        try:
            written = os.stat(path).st_mtime_ns
        except OSError:
            return {}
        known = self._read.get(path)
        if known is None or known[0] != written:
            known = self._read[path] = (written, read_board(path))
        return known[1]


_boards = _Boards()


def latest_figures(home: Home, instance: ServiceInstance) -> Latest | None:
    """Return an instance's newest figures; None if they are not of now, or not its own."""
    found = _boards.of(f"{home.figures_text}/{instance.host.name}.now").get(instance.oid)
    if found is None or abs(time.time() - found.sample.at) > FRESH_SECONDS:
        return None
    return found


def held_by(limit: float | None, *, by_rlimit: str) -> str | None:
    """Say what holds an instance to a limit, on the hosts there are."""
    if limit is None:
        return None
    found = {host.limits_held_by for host in ServiceHost.lookup_all() if host.limits_held_by}
    return ", ".join(sorted(BY_CGROUP if by == BY_CGROUP else by_rlimit for by in found)) or None


def unfulfilled(service: Service) -> list[str]:
    """Return the names of the services that one waits for, or would when it starts."""
    return [name for name in service.depends_on if not _is_fulfilled(name)]


def _is_fulfilled(name: str) -> bool:
    found = Service.lookup_unique(name=name)
    if found is None:
        return False
    current = ServiceInstance.lookup_all(service=found, is_current=True)
    snapshots = [observe_instance(i)._replace(state=observed_state(i)) for i in current]
    return is_fulfilled(observe_service(found, snapshots))


def probe_document(probe: Probe | None) -> ProbeDocument | None:
    """Describe a probe."""
    if probe is None:
        return None
    return {
        "probe": str(probe),
        "period_seconds": probe.period_seconds,
        "timeout_seconds": probe.timeout_seconds,
        "failure_threshold": probe.failure_threshold,
    }
