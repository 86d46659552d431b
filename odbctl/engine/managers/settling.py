"""Settling: what is done to the log files of workers that have ended."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from odbctl.engine.model.core import ServiceInstance
from odbctl.engine.odb import Database
from odbctl.engine.telemetry.log_files import LogFiles
from odbctl.engine.telemetry.log_window import settle_window
from odbctl.paths import Home


def settle_logs(home: Home, db: Database, instances: Iterable[int]) -> None:
    """Finish the log files of workers that ended, for they may not have been able to."""
    with db.view():
        found = [i for i in map(ServiceInstance.from_oid, instances) if i.exists()]
        files = [LogFiles.of(home.logs, i.service.name, i.name) for i in found]
    for each in files:
        with contextlib.suppress(OSError):  # a full disk; readers cope
            settle_window(each)
            each.remove_empty()
