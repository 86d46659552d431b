"""Starting a manager in the background, and what it wrote; runs in a command.

Light: the manager's own modules are imported by its process only.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from odbctl.engine.managers.host import HostSettings
from odbctl.engine.managers.interpreters import python_command
from odbctl.engine.odb import Database
from odbctl.engine.worker.mark import unmarked_environment
from odbctl.errors import ConflictError, ManagerUnreachableError
from odbctl.paths import Home

START_TIMEOUT_SECONDS = 20.0
_DAEMON = "odbctl.engine.managers.daemon:main"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerOptions:
    """How to run a manager. `strategy` is "subprocess", "in-process" or `module:Class`."""

    host: HostSettings
    strategy: str = "subprocess"
    start_method: str | None = None
    # Whether a launcher starts it again if it dies without a word.
    is_kept: bool = False


def start_in_background(home: Home, options: ManagerOptions) -> subprocess.Popen[bytes]:
    """Start a manager that outlives this process; does not wait for it to be ready."""
    home.create()
    log = os.open(
        manager_log(home, options.host.name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600
    )
    try:
        return subprocess.Popen(
            daemon_command(home, options),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
            env=unmarked_environment(),  # it may be a service that starts it
        )
    finally:
        os.close(log)


def daemon_command(home: Home, options: ManagerOptions) -> list[str]:
    """Return the command that runs a manager as `start_in_background` does."""
    paths = (str(home.data), str(home.cache), str(home.state))
    return python_command(home, None, _DAEMON, *paths, json.dumps(asdict(options)))


def wait_until_up(process: subprocess.Popen[bytes], home: Home, options: ManagerOptions) -> None:
    """Wait until a manager that was started in the background is at work.

    Raises:
        ManagerUnreachableError: It ended, or was not ready in time.
    """
    from odbctl.engine.managers.identities import is_managed
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
