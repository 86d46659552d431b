"""Use cases of single instances: stop one (it is replaced), kill one."""

from __future__ import annotations

import signal
import time

from odbctl.engine.api.engine import Engine
from odbctl.engine.api.instance_listing import instance_document
from odbctl.engine.api.lookups import actor, find_instance
from odbctl.engine.api.results import Change
from odbctl.engine.managers.identities import worker_identity
from odbctl.engine.managers.processes import signal_group
from odbctl.engine.model.events import record_instance_event
from odbctl.engine.model.states import ENDED_STATES, InstanceState
from odbctl.errors import NotRunningError


def stop_instance(engine: Engine, name: str) -> Change:
    """Ask one instance to stop; while its service wants it, another takes its slot.

    Raises:
        NotFoundError: There is none of that id.
        NotRunningError: It has ended.
    """

    def write() -> Change:
        instance = find_instance(name)
        if instance.state in ENDED_STATES:
            raise NotRunningError(f"instance {name!r} has ended")
        if instance.state is not InstanceState.STOPPING:
            instance.state = InstanceState.STOPPING
            instance.stopping_at = time.time()
            record_instance_event(instance, "stopping", "asked for", actor=actor())
        document = instance_document(engine.home, instance)
        return Change(action="stopping", message=f"instance {name}", document=document)

    return engine.db.run(write)


def kill_instance(engine: Engine, name: str) -> Change:
    """Send SIGKILL to one instance and its process group.

    Raises:
        NotFoundError: There is none of that id.
        NotRunningError: It has no living process.
    """
    with engine.db.view():
        instance = find_instance(name)
        identity = worker_identity(instance)
        document = instance_document(engine.home, instance)
    if identity is None or not signal_group(identity, signal.SIGKILL):
        raise NotRunningError(f"instance {name!r} has no living process")
    return Change(
        action="killed", message=f"instance {name}: pid {identity.pid}", document=document
    )
