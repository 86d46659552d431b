"""Recording that an instance runs: by its manager, or by the worker itself."""

from __future__ import annotations

from odbctl.engine.model.core import ServiceInstance
from odbctl.engine.model.events import record_instance_event
from odbctl.engine.model.states import InstanceState
from odbctl.engine.worker.identity import ProcessIdentity

_MAY_START = frozenset({InstanceState.BOOTING, InstanceState.INITIALIZING})


def record_running(instance: ServiceInstance, identity: ProcessIdentity, *, at: float) -> bool:
    """Write that an instance runs since `at`, and its event. Needs an open transaction.

    Returns:
        Whether it runs by that process; False, with nothing written, when it is not wanted.
    """
    if not instance.exists():
        return False
    if instance.state is InstanceState.RUNNING:  # somebody was quicker to write it
        return (instance.boot_id, instance.pid, instance.start_ticks) == identity
    if instance.state not in _MAY_START:
        return False
    instance.state = InstanceState.RUNNING
    instance.running_at = at
    instance.boot_id, instance.pid, instance.start_ticks = identity
    record_instance_event(instance, "running", f"pid {identity.pid}", actor=instance.name)
    return True
