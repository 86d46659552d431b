"""Child instances: created by a running instance, ended with it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from odbctl.engine.model.core import ServiceInstance
from odbctl.engine.model.events import record_instance_event
from odbctl.engine.worker.launch import ConfigValue

if TYPE_CHECKING:
    from odbctl.engine.odb import Database


def create_child(
    db: Database,
    owner: ServiceInstance,
    service_class: type | None,
    config: dict[str, ConfigValue],
) -> ServiceInstance:
    """Write a child of `owner`; the manager of its host starts it."""

    def create() -> ServiceInstance:
        service = owner.service
        child = ServiceInstance(
            name=service.next_instance_name(),
            service=service,
            release=owner.release,
            host=owner.host,
            slot=-1,
            owner=owner,
            created_at=time.time(),
            child_class=_spec(service_class) if service_class else None,
            child_config=config,
        )
        record_instance_event(child, "spawned", f"a child of {owner.name}", actor=owner.name)
        return child

    return db.run(create)


def _spec(service_class: type) -> str:
    return f"{service_class.__module__}:{service_class.__qualname__}"
