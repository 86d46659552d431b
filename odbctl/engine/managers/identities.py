"""Which processes the database says that managers and workers are, and whether they live.

Read by managers before they signal a process, and by every display. Functions need an
open view.
"""

from __future__ import annotations

import time

from odbctl.engine.model.core import ServiceHost, ServiceInstance
from odbctl.engine.model.states import HostState
from odbctl.engine.worker.identity import ProcessIdentity, is_at_work


def is_managed(host: ServiceHost) -> bool:
    """Tell whether a host's manager is at work: its process, not its word.

    Where that cannot be told, because no descriptor is left, its word counts.
    """
    if host.state is not HostState.UP:
        return False
    identity = manager_identity(host)
    if identity is None:
        return False
    try:
        return is_at_work(identity)
    except OSError:
        return True


def known_hosts() -> list[ServiceHost]:
    """Return the hosts that were not removed."""
    return [host for host in ServiceHost.lookup_all() if not host.is_removed]


def absences() -> dict[int, str]:
    """Return the hosts without a manager by object id, each with a sentence that says so."""
    return {h.oid: _absence(h) for h in known_hosts() if not is_managed(h)}


def _absence(host: ServiceHost) -> str:
    if host.last_seen_at is None:
        return f"host {host.name} has no manager"
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(host.last_seen_at))
    return f"host {host.name} has had no manager since {since}"


def manager_identity(host: ServiceHost) -> ProcessIdentity | None:
    """Return the process of a host's manager, alive or not."""
    if host.manager_pid is None or host.manager_start_ticks is None:
        return None
    return ProcessIdentity(host.boot_id, host.manager_pid, host.manager_start_ticks)


def worker_identity(instance: ServiceInstance) -> ProcessIdentity | None:
    """Return the process of an instance, alive or not."""
    if instance.pid is None or instance.start_ticks is None:
        return None
    return ProcessIdentity(instance.boot_id, instance.pid, instance.start_ticks)
