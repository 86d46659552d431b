"""Use cases of single instances: stop one (it is replaced), kill one.

Either way the end was asked for by a person: it is no crash, and no failure that counts.
"""

from __future__ import annotations

import signal
import time

from odbctl.engine.api.engine import Engine
from odbctl.engine.api.instance_listing import instance_document
from odbctl.engine.api.lookups import actor, find_instance
from odbctl.engine.api.results import Change
from odbctl.engine.managers.identities import manager_identity, worker_identity
from odbctl.engine.managers.processes import signal_group
from odbctl.engine.model.core import ServiceInstance
from odbctl.engine.model.events import record_instance_event
from odbctl.engine.model.states import ENDED_STATES, InstanceState
from odbctl.engine.worker.identity import is_alive
from odbctl.errors import ConflictError, NotRunningError


def stop_instance(engine: Engine, name: str) -> Change:
    """Ask one instance to stop; another takes its slot while the service wants one there.

    Raises:
        NotFoundError: There is no instance of that id.
        NotRunningError: It has ended.
    """

    def write() -> Change:
        instance = find_instance(name)
        if instance.state in ENDED_STATES:
            raise NotRunningError(f"instance {name!r} has ended")
        if instance.state is not InstanceState.STOPPING:
            instance.stopped_by = actor()
            _mark_stopping(instance)
            record_instance_event(instance, "stopping", "on request", actor=actor())
        document = instance_document(engine.home, instance)
        return Change(action="stopping", message=f"instance {name}", document=document)

    return engine.db.run(write)


def _mark_stopping(instance: ServiceInstance) -> None:
    instance.state = InstanceState.STOPPING
    instance.stopping_at = time.time()


def kill_instance(engine: Engine, name: str) -> Change:
    """Send SIGKILL to one instance and its process group.

    Written before the signal is sent, so that its manager takes the end for what it is.

    Raises:
        ConflictError: It runs inside its manager, without a process of its own.
        NotFoundError: There is no instance of that id.
        NotRunningError: It has no running process.
    """
    with engine.db.view():
        identity = worker_identity(find_instance(name))
    if identity is None or not is_alive(identity):
        raise NotRunningError(f"instance {name!r} has no running process")

    def write() -> Change:
        instance = find_instance(name)
        if instance.state in ENDED_STATES:
            raise NotRunningError(f"instance {name!r} has ended")
        if identity == manager_identity(instance.host):
            raise ConflictError(
                f"instance {name!r} has no process of its own",
                hint=f"odbctl instance stop {name}",
            )
        instance.killed_by = actor()
        if instance.state is not InstanceState.STOPPING:
            _mark_stopping(instance)
        text = f"SIGKILL to pid {identity.pid}, on request"
        record_instance_event(instance, "killed", text, actor=actor())
        document = instance_document(engine.home, instance)
        message = f"instance {name}: pid {identity.pid}"
        return Change(action="killed", message=message, document=document)

    change = engine.db.run(write)
    signal_group(identity, signal.SIGKILL)
    return change
