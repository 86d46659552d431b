"""Use cases of hosts: take one out of placement, and back."""

from __future__ import annotations

from odbctl.engine.api.describe import host_document
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import actor, find_host
from odbctl.engine.api.results import Change
from odbctl.engine.model.core import ServiceInstance
from odbctl.engine.model.events import record_event


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
