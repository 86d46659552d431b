"""Use cases of hosts: change one, take it out of placement and back, remove it."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass

from odbctl.engine.api.describe import host_document
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import actor, find_host
from odbctl.engine.api.results import Change
from odbctl.engine.api.setting_changes import host_settings, setting_changes
from odbctl.engine.codebases.names import validate_name
from odbctl.engine.managers.host import machine_cores, machine_ram_gb
from odbctl.engine.managers.identities import is_managed, worker_identity
from odbctl.engine.managers.messages import WorkerExited
from odbctl.engine.managers.processes import signal_group
from odbctl.engine.managers.record import record_exits
from odbctl.engine.model.core import ServiceHost, ServiceInstance
from odbctl.engine.model.events import record_event, record_instance_event
from odbctl.engine.model.states import ENDED_STATES, InstanceState
from odbctl.engine.worker.identity import ProcessIdentity
from odbctl.errors import ConflictError


@dataclass(frozen=True, slots=True, kw_only=True)
class HostChanges:
    """What to change of a host; None leaves it as it is."""

    placement: str | None = None
    # 0: what the machine has.
    cores: float | None = None
    ram_gb: float | None = None
    # A negative number: no limit.
    max_instances: int | None = None


def set_host(engine: Engine, name: str, changes: HostChanges) -> Change:
    """Change a host now; it also holds when its manager starts again, with other options.

    Raises:
        NotFoundError: There is none of that name.
        UsageError: A value is wrong.
    """
    if changes.placement is not None:
        validate_name("placement group", changes.placement)

    def write() -> Change:
        host = find_host(name)
        before = host_settings(host)
        overrides = dict(host.overrides)
        if changes.placement is not None:
            host.placement = overrides["placement"] = changes.placement
        if changes.cores is not None:
            overrides["cores"] = changes.cores
            host.cores = changes.cores or machine_cores()
        if changes.ram_gb is not None:
            overrides["ram_gb"] = changes.ram_gb
            host.ram_gb = changes.ram_gb or machine_ram_gb()
        if changes.max_instances is not None:
            limit = changes.max_instances if changes.max_instances >= 0 else None
            host.max_instances = overrides["max_instances"] = limit
        host.overrides = overrides
        after = host_document(host, ServiceInstance.lookup_all(is_current=True))
        text = "; ".join(setting_changes(before, host_settings(host)))
        if not text:
            same = f"host {name} already has these settings"
            return Change(action="unchanged", message=same, document=after)
        record_event(f"host/{name}", "set", text, actor=actor())
        return Change(action="set", message=f"host {name}: {text}", document=after)

    return engine.db.run(write)


def set_draining(engine: Engine, name: str, is_draining: bool) -> Change:
    """Place nothing more on a host, or place on it again; what runs goes on.

    Raises:
        NotFoundError: There is none of that name.
    """
    word = "draining" if is_draining else "undrained"

    def write() -> Change:
        host = find_host(name)
        changed = host.is_draining is not is_draining
        if changed:
            host.is_draining = is_draining
            record_event(f"host/{name}", word, "", actor=actor())
        document = host_document(host, ServiceInstance.lookup_all(is_current=True))
        return Change(
            action=word if changed else "unchanged", message=f"host {name}", document=document
        )

    return engine.db.run(write)


def remove_host(engine: Engine, name: str, *, ends_instances: bool = False) -> Change:
    """Remove a host that has no manager; a manager of that name adds it again.

    Args:
        engine: The opened home.
        name: The host.
        ends_instances: Kill the instances that live there, instead of refusing.

    Raises:
        ConflictError: It has a manager, or instances live there.
        NotFoundError: There is no such host.
    """

    def mark() -> list[ProcessIdentity]:
        """Check what may be removed; return the processes to kill."""
        host = find_host(name)
        if is_managed(host):
            raise ConflictError(
                f"host {name!r} has a manager", hint=f"odbctl manager stop --host {name}"
            )
        live = _live_on(host)
        if live and not ends_instances:
            raise ConflictError(
                f"{len(live)} instances are left on host {name!r}",
                hint=f"odbctl host remove {name} --force kills them",
            )
        for instance in live:
            instance.killed_by = actor()
            instance.state, instance.stopping_at = InstanceState.STOPPING, time.time()
            record_instance_event(instance, "killed", f"host {name} is removed", actor=actor())
        return [p for i in live if (p := worker_identity(i)) is not None]

    def write() -> Change:
        host = find_host(name)
        document = host_document(host, ServiceInstance.lookup_all(is_current=True))
        record_exits([_gone(instance) for instance in _live_on(host)], actor=actor())
        host.is_removed, host.is_draining = True, False
        host.overrides = {}
        record_event(f"host/{name}", "removed", "", actor=actor())
        return Change(action="removed", message=f"host {name}", document=document)

    for process in engine.db.run(mark):
        signal_group(process, signal.SIGKILL)
    return engine.db.run(write)


def _live_on(host: ServiceHost) -> list[ServiceInstance]:
    current = ServiceInstance.lookup_all(is_current=True)
    return [i for i in current if i.host == host and i.state not in ENDED_STATES]


def _gone(instance: ServiceInstance) -> WorkerExited:
    was_process = instance.pid is not None
    return WorkerExited(
        instance.oid, instance.pid, None, signal.SIGKILL if was_process else None, time.time()
    )
