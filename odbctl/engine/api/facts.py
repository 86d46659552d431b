"""Facts that are in no single object: what lives, what is used, what is waited for.

Parts of the documents. Functions need an open view.
"""

from __future__ import annotations

from odbctl.engine.api.instance_listing import observed_state
from odbctl.engine.managers.observe import observe_instance, observe_service
from odbctl.engine.model.core import Service, ServiceHost, ServiceInstance
from odbctl.engine.model.probes import Probe
from odbctl.engine.reconcile.dependencies import is_fulfilled
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odbctl.engine.api.documents import ProbeDocument

# As `limits` calls them, which needs more than a reader has.
BY_CGROUP = "cgroup v2"
BY_RLIMIT = "address space (rlimit)"
BY_NOTHING = "nothing"


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
