"""Use cases of hosts: take one out of placement, and back."""

from __future__ import annotations

from dataclasses import dataclass

from odbctl.engine.api.describe import host_document
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import actor, find_host
from odbctl.engine.api.results import Change
from odbctl.engine.codebases.names import validate_name
from odbctl.engine.managers.host import machine_cores, machine_ram_gb
from odbctl.engine.model.core import ServiceInstance
from odbctl.engine.model.events import record_event


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
        before = host_document(host, ServiceInstance.lookup_all(is_current=True))
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
        text = ", ".join(
            key.replace("_", "-") for key in after if after.get(key) != before.get(key)
        )
        if not text:
            return Change(action="unchanged", message=f"host {name}", document=after)
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
