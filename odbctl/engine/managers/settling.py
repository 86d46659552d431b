"""Settling: what is done to the files of workers that have ended."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

from odbctl.engine.model.core import ServiceInstance
from odbctl.engine.model.states import ENDED_STATES
from odbctl.engine.odb import Database
from odbctl.engine.telemetry.log_files import LogFiles
from odbctl.engine.telemetry.log_window import settle_window
from odbctl.engine.worker.control import control_path
from odbctl.paths import Home


def remove_run_files(home: Home, db: Database, instances: Iterable[int]) -> None:
    """Remove the sockets and notes that workers which were killed have left."""
    with db.view():
        over = [i for i in instances if _is_over(ServiceInstance.from_oid(i))]
    for instance in over:
        path = control_path(home.run, instance)
        for name in (path, f"{path}.exit", f"{path}.exit~"):
            with contextlib.suppress(OSError):
                os.unlink(name)


def _is_over(instance: ServiceInstance) -> bool:
    return not instance.exists() or instance.state in ENDED_STATES


def instances_with_run_files(home: Home) -> set[int]:
    """Return the instances that have a socket or a note in the run directory."""
    found: set[int] = set()
    with contextlib.suppress(OSError):
        for name in os.listdir(os.path.dirname(control_path(home.run, 0))):
            with contextlib.suppress(ValueError):
                found.add(int(name.partition(".")[0], 16))
    return found


def settle_logs(home: Home, db: Database, instances: Iterable[int]) -> None:
    """Finish the log files of workers that ended, for they may not have been able to."""
    with db.view():
        found = [i for i in map(ServiceInstance.from_oid, instances) if i.exists()]
        files = [LogFiles.of(home.logs, i.service_name, i.name) for i in found]
    for each in files:
        with contextlib.suppress(OSError):  # a full disk; readers cope
            settle_window(each)
            each.remove_empty()
