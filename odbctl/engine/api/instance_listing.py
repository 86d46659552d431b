"""Use cases that read instances, and the documents that describe them.

Apart from `describe`, so that `ps` does not pay for what only services need: reading a
plan's input and explaining a service's state.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import find_instance, find_service
from odbctl.engine.api.versions import VERSION
from odbctl.engine.managers.identities import absences, is_managed, worker_identity
from odbctl.engine.model.core import ServiceInstance
from odbctl.engine.model.states import ENDED_STATES, InstanceState
from odbctl.engine.odb.current import open_view
from odbctl.engine.telemetry.figures import FRESH_SECONDS, Latest, read_board
from odbctl.engine.worker.identity import may_be_alive
from odbctl.light_typing import TYPE_CHECKING
from odbctl.paths import Home

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from odbctl.engine.api.documents import ExitDocument, InstanceDocument

# How long a manager may take to record the end of a process, before it is shown as lost.
LONGEST_RECORDING_SECONDS: Final = 0.25
LOOK_AGAIN_SECONDS: Final = 0.005
# A name of its own, so that a test can have something happen meanwhile.
pause = time.sleep


def list_instances(
    engine: Engine, *, service: str | None = None, everything: bool = False
) -> list[InstanceDocument]:
    """Return the current instances, or with `everything` also those that ended before."""

    def read() -> list[InstanceDocument]:
        if service is not None:
            owner = find_service(service)
            found = (
                ServiceInstance.lookup_all(service=owner)
                if everything
                else ServiceInstance.lookup_all(service=owner, is_current=True)
            )
        else:
            found = (
                ServiceInstance.lookup_all()
                if everything
                else ServiceInstance.lookup_all(is_current=True)
            )
        absent = absences()
        return [instance_document(engine.home, i, absent=absent) for i in found]

    return sorted(_read_settled(engine, read), key=lambda d: (d["service"], d["created_at"]))


def show_instance(engine: Engine, name: str) -> InstanceDocument:
    """Return one instance by its id.

    Raises:
        NotFoundError: There is none of that id.
    """

    def read() -> list[InstanceDocument]:
        return [instance_document(engine.home, find_instance(name))]

    return _read_settled(engine, read)[0]


def _read_settled(
    engine: Engine, read: Callable[[], list[InstanceDocument]]
) -> list[InstanceDocument]:
    """Read instances, and again while a process is gone whose end is about to be recorded.

    An instance may end between the snapshot of the database and the look at the process table,
    and a manager takes a few milliseconds to record how.
    """
    give_up_at = time.monotonic() + LONGEST_RECORDING_SECONDS
    while True:
        with engine.db.view():
            documents = read()
            is_settled = not any(map(_awaits_its_record, documents))
        if is_settled or open_view() is not None or time.monotonic() >= give_up_at:
            return documents
        pause(LOOK_AGAIN_SECONDS)


def _awaits_its_record(document: InstanceDocument) -> bool:
    """Tell whether a process is gone, and a manager is there to record that. Needs an open view."""
    if document["state"] != InstanceState.LOST or document["ended_at"] is not None:
        return False
    instance = find_instance(document["id"])
    return is_managed(instance.host)


def instance_document(
    home: Home, instance: ServiceInstance, *, absent: Mapping[int, str] | None = None
) -> InstanceDocument:
    """Describe an instance.

    Args:
        home: The home.
        instance: The instance. Needs an open view.
        absent: The hosts without a manager (see `absences`), where the caller has read them.
    """
    if absent is None:
        absent = absences()
    state = observed_state(instance)
    service, release = instance.service, instance.release
    owner = instance.owner
    latest = latest_figures(home, instance) if state not in ENDED_STATES else None
    return {
        "kind": "instance",
        "version": VERSION,
        "id": instance.name,
        "service": instance.service_name,
        "host": instance.host.name,
        "state": state.value,
        "ready": state is InstanceState.RUNNING
        and (service.readiness is None or instance.is_ready is True),
        "slot": instance.slot,
        "owner": owner.name if owner is not None and owner.exists() else None,
        "one_off": instance.is_one_off,
        "pid": instance.pid if state not in ENDED_STATES else None,
        "port": instance.port if state not in ENDED_STATES else None,
        "commit": release.commit,
        "release": release.number,
        "created_at": instance.created_at,
        "started_at": instance.started_at,
        "running_at": instance.running_at,
        "stopping_at": instance.stopping_at,
        "ended_at": instance.ended_at,
        "exit": exit_document(instance) if state in ENDED_STATES else None,
        "stopped_by": instance.killed_by or instance.stopped_by or None,
        "reason": instance.reason or absence_of(instance, absent),
        "message": instance.message,
        "health": instance.health,
        "failures": instance.failures,
        "restarts": instance.failures,
        "cpu_percent": latest.cpu_percent if latest else None,
        "rss_bytes": latest.sample.rss_bytes if latest else None,
        "open_files": latest.sample.open_files if latest else None,
        "threads": latest.sample.threads if latest else None,
        "log": f"{home.logs_text}/{instance.service_name}/{instance.name}.log",
    }


def absence_of(instance: ServiceInstance, absent: Mapping[int, str]) -> str | None:
    """Return why nobody looks after an instance that has not ended; None when somebody does."""
    if instance.state in ENDED_STATES:
        return None
    host = instance.host
    return absent.get(host.oid) or (None if host.exists() else "its host was deleted")


def exit_document(instance: ServiceInstance) -> ExitDocument:
    """Describe how an instance ended."""
    cause = instance.exit_cause
    return {
        "code": instance.exit_code,
        "signal": instance.exit_signal,
        "cause": cause.value if cause is not None else None,
    }


def observed_state(instance: ServiceInstance) -> InstanceState:
    """Return an instance's state, checked against the process table."""
    state = instance.state
    if state in ENDED_STATES or state is InstanceState.BOOTING:
        return state
    identity = worker_identity(instance)
    if identity is None or may_be_alive(identity):
        return state
    if state is InstanceState.STOPPING and is_managed(instance.host):
        return state  # what it has left is being ended
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
