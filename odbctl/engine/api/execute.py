"""The use case of running something in an instance's place: its folder, release, environment.

The command takes the place of odbctl in the caller's own terminal (execve(2)), so window
size, job control, Ctrl-C and the exit code are those of the command itself.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import find_instance, find_service
from odbctl.engine.managers.interpreters import runtime_folder
from odbctl.engine.managers.launches import make_launch
from odbctl.engine.model.core import Service, ServiceInstance
from odbctl.engine.model.states import ENDED_STATES
from odbctl.engine.worker.launch import WorkerLaunch
from odbctl.errors import NotFoundError
from odbctl.paths import HOME_VARIABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a command is to run; `note` says what is unusual about it."""

    folder: str
    environment: dict[str, str] = field(default_factory=dict[str, str])
    python: str | None = None
    instance: str
    note: str = ""


def find_place(engine: Engine, service: str, *, instance: str | None = None) -> Place:
    """Return the surroundings of a running instance, or of the last one.

    Args:
        engine: The opened home.
        service: The service.
        instance: One instance's id; by default the oldest that runs.

    Raises:
        NotFoundError: There is no such service or instance, or it never ran.
    """
    with engine.db.view():
        found = find_service(service)
        chosen = find_instance(instance) if instance is not None else _choose(found)
        if chosen.service != found:
            raise NotFoundError(f"instance of service {service}", chosen.name)
        launch = make_launch(engine.home, chosen)
        note = f"{chosen.name} has ended" if chosen.state in ENDED_STATES else ""
    os.makedirs(launch.storage, mode=0o700, exist_ok=True)
    return Place(
        folder=launch.storage,
        environment=_environment(engine, launch),
        python=launch.python,
        instance=launch.name,
        note=note,
    )


def _choose(service: Service) -> ServiceInstance:
    current = [
        i
        for i in ServiceInstance.lookup_all(service=service, is_current=True)
        if i.state not in ENDED_STATES and i.owner is None
    ]
    if current:
        return current[0]
    last = ServiceInstance.lookup_newest(1, service=service)
    if not last:
        raise NotFoundError(
            "run of service", service.name, hint=f"odbctl service start {service.name}"
        )
    return last[0]


def _environment(engine: Engine, launch: WorkerLaunch) -> dict[str, str]:
    """Return what a process of the instance sees, with its modules on the path."""
    environment = {**os.environ, **launch.env}
    folders = [*launch.source_roots, str(runtime_folder(engine.home))]
    if before := environment.get("PYTHONPATH"):
        folders.append(before)
    environment["PYTHONPATH"] = os.pathsep.join(folders)
    if launch.pycache is not None:
        environment["PYTHONPYCACHEPREFIX"] = launch.pycache
    if launch.python is not None:
        first = str(Path(launch.python).parent)
        environment["PATH"] = os.pathsep.join([first, environment.get("PATH", os.defpath)])
    if launch.home_data == launch.home_state:
        environment[HOME_VARIABLE] = launch.home_data
    environment["ODBCTL_INSTANCE"] = launch.name
    return environment
