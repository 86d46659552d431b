"""The use case of running a manager in this process, with the options it takes."""

from __future__ import annotations

from odbctl.engine.api.engine import Engine
from odbctl.engine.api.managers import resume_services
from odbctl.engine.managers.background import ManagerOptions
from odbctl.engine.managers.daemon import run_manager as run_daemon
from odbctl.engine.managers.host import HostSettings
from odbctl.paths import Home

__all__ = ["HostSettings", "ManagerOptions", "run_manager"]


def run_manager(home: Home, options: ManagerOptions) -> None:
    """Run a manager until SIGTERM or SIGINT; services that were stopped with it start again.

    Raises:
        ConflictError: A manager of that host runs already.
    """
    with Engine.open(home) as engine:
        resume_services(engine)
    run_daemon(home, options)
