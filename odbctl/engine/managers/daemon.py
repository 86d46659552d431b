"""The manager's process: its entry point, and starting it in the background."""

from __future__ import annotations

import importlib
import json
import logging
import signal
import sys
from pathlib import Path

from odbctl.engine.managers.background import ManagerOptions, daemon_command
from odbctl.engine.managers.host import HostSettings
from odbctl.engine.managers.service_manager import ServiceManager
from odbctl.engine.odb import Database
from odbctl.errors import OdbctlError, UsageError
from odbctl.paths import Home

START_TIMEOUT_SECONDS = 20.0


def make_manager(home: Home, db: Database, options: ManagerOptions) -> ServiceManager:
    """Make the manager that the options name.

    Raises:
        UsageError: There is no such strategy or start method.
    """
    if options.strategy == "subprocess":
        from odbctl.engine.managers.subprocess_manager import (
            DEFAULT_METHOD,
            EXEC,
            FORK,
            SubprocessServiceManager,
        )

        method = options.start_method or DEFAULT_METHOD
        if method not in (FORK, EXEC):
            raise UsageError(f"unknown start method {method!r}", hint=f"{FORK} or {EXEC}")
        return SubprocessServiceManager(home, db, options.host, method=method)
    if options.strategy == "in-process":
        from odbctl.engine.managers.in_process_manager import InProcessServiceManager

        return InProcessServiceManager(home, db, options.host)
    return _load_strategy(options.strategy)(home, db, options.host)


def _load_strategy(spec: str) -> type[ServiceManager]:
    module, _, name = spec.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(
            f"no strategy {spec!r}: {error}", hint="subprocess, in-process or module:Class"
        ) from error
    if not (isinstance(found, type) and issubclass(found, ServiceManager)):
        raise UsageError(f"{spec} does not derive from ServiceManager")
    return found


def run_manager(home: Home, options: ManagerOptions) -> None:
    """Run a manager in this process until SIGTERM or SIGINT.

    Raises:
        ConflictError: A manager of that host runs already.
        NotPermittedError: The home or its run folder is not the user's alone.
    """
    _raise_descriptor_limit()
    home.create()
    db = Database(home.database, run_dir=home.run)
    manager = make_manager(home, db, options)
    if options.is_kept:
        manager.keep_command = daemon_command(home, options)
    manager.stop_on(signal.SIGTERM, signal.SIGINT)
    try:
        manager.run()
    finally:
        db.close()


def _raise_descriptor_limit() -> None:
    import resource

    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> None:
    """Run a manager: the home's folders and the options as JSON are its arguments."""
    data, cache, state, fields = sys.argv[1:5]
    home = Home(data=Path(data), cache=Path(cache), state=Path(state))
    options = json.loads(fields)
    options["host"] = HostSettings(**options["host"])
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    try:
        run_manager(home, ManagerOptions(**options))
    except OdbctlError as error:
        logging.getLogger("odbctl.manager").error("%s", error)
        sys.exit(error.exit_code)
