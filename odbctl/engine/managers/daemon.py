"""The manager's process: its entry point, and starting it in the background."""

from __future__ import annotations

import importlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from odbctl.engine.managers.host import HostSettings
from odbctl.engine.managers.interpreters import python_command
from odbctl.engine.managers.service_manager import ServiceManager
from odbctl.engine.odb import Database
from odbctl.errors import ConflictError, ManagerUnreachableError, OdbctlError, UsageError
from odbctl.paths import Home

START_TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerOptions:
    """How to run a manager. `strategy` is "subprocess", "in-process" or `module:Class`."""

    host: HostSettings
    strategy: str = "subprocess"
    start_method: str | None = None


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
            raise UsageError(f"no start method {method!r}", hint=f"{FORK} or {EXEC}")
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
    """
    _raise_descriptor_limit()
    db = Database(home.database, run_dir=home.run)
    manager = make_manager(home, db, options)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: manager.stop())
    try:
        manager.run()
    finally:
        db.close()


def _raise_descriptor_limit() -> None:
    import resource

    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def start_in_background(home: Home, options: ManagerOptions) -> subprocess.Popen[bytes]:
    """Start a manager that outlives this process; does not wait for it to be ready."""
    home.create()
    log = os.open(
        manager_log(home, options.host.name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600
    )
    fields = json.dumps(asdict(options))
    paths = (str(home.data), str(home.cache), str(home.state))
    try:
        return subprocess.Popen(
            python_command(home, None, main, *paths, fields),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )
    finally:
        os.close(log)


def wait_until_up(process: subprocess.Popen[bytes], home: Home, options: ManagerOptions) -> None:
    """Wait until a manager that was started in the background is at work.

    Raises:
        ManagerUnreachableError: It ended, or was not ready in time.
    """
    from odbctl.engine.managers.observe import is_managed
    from odbctl.engine.model.core import ServiceHost

    db = Database(home.database, run_dir=home.run)

    def is_up() -> bool:
        host = ServiceHost.lookup_unique(name=options.host.name)
        return host is not None and is_managed(host)

    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    try:
        while not db.wait_for_condition(is_up, timeout_seconds=0.1):
            has_failed = process.poll() not in (None, ConflictError.exit_code)
            if has_failed or time.monotonic() > deadline:
                raise ManagerUnreachableError(
                    "the manager did not start: " + last_log_line(home, options.host.name),
                    hint="odbctl manager run    (in the foreground, to see why)",
                )
    finally:
        db.close()
    process.returncode = 0  # it goes on; nobody here waits for it


def manager_log(home: Home, host: str) -> Path:
    """Return the file that a background manager writes to."""
    return home.logs / f"manager-{host}.log"


def last_log_line(home: Home, host: str) -> str:
    """Return the last line that a manager wrote, "" when it wrote none."""
    try:
        lines = manager_log(home, host).read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line for line in reversed(lines) if line.strip()), "")


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
