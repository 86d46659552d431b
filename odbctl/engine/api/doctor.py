"""The use case `doctor`: does this machine have what odbctl needs?"""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from odbctl.engine.api.describe import host_document
from odbctl.engine.api.documents import CheckDocument
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.outdated import outdated_manager, outdated_text, restart_hint
from odbctl.engine.api.status import any_manager, list_services
from odbctl.engine.api.versions import VERSION
from odbctl.engine.managers.identities import known_hosts
from odbctl.engine.model.core import ServiceHost, ServiceInstance
from odbctl.engine.reconcile.describe import ServiceState
from odbctl.errors import OdbctlError
from odbctl.paths import Home
from odbctl.units import duration

MIN_SQLITE = (3, 37, 0)  # STRICT tables
WAL_RESET_FIXED = (3, 51, 3)  # sqlite.org, the WAL-reset defect of 3.7.0 to 3.51.2
MIN_FREE_BYTES = 500 * 2**20
_TROUBLE = frozenset(
    {
        ServiceState.DEGRADED,
        ServiceState.BACKOFF,
        ServiceState.CRASH_LOOP,
        ServiceState.THROTTLED,
        ServiceState.UNPLACEABLE,
    }
)
Finding = tuple[bool, str, str]


def run_checks(home: Home) -> list[CheckDocument]:
    """Check everything; each finding that is not well says how to mend it."""
    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("python", _check_python),
        ("sqlite", _check_sqlite),
        ("git", _check_git),
        ("home", lambda: _check_home(home)),
        ("run directory", lambda: _check_run(home)),
        ("disk", lambda: _check_disk(home)),
        ("clock", lambda: _check_clock(home)),
        ("database", lambda: _check_database(home)),
        ("manager", lambda: _check_manager(home)),
        ("services", lambda: _check_services(home)),
    ]
    return [_run(name, check) for name, check in checks]


def _run(name: str, check: Callable[[], Finding]) -> CheckDocument:
    try:
        ok, message, hint = check()
    except OdbctlError as error:
        ok, message, hint = False, error.message, error.hint or ""
    except OSError as error:
        ok, message, hint = False, str(error), ""
    return {
        "kind": "check",
        "version": VERSION,
        "name": name,
        "ok": ok,
        "message": message,
        "hint": "" if ok else hint,
    }


def _check_python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return sys.version_info >= (3, 11), f"{version} at {sys.executable}", "install Python 3.11"


def _check_sqlite() -> Finding:
    text = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < WAL_RESET_FIXED:
        text += " (checkpoints under a lock avoid its WAL-reset bug)"
    return sqlite3.sqlite_version_info >= MIN_SQLITE, text, "SQLite 3.37 or later is needed"


def _check_git() -> Finding:
    from odbctl.engine.codebases.fetching import check_git_version

    return True, f"{check_git_version()} at {shutil.which('git')}", ""


def _check_home(home: Home) -> Finding:
    home.create()
    return _private([home.data])


def _check_run(home: Home) -> Finding:
    return _private([home.run])


def _private(folders: Iterable[Path]) -> Finding:
    for folder in folders:
        mode = folder.stat().st_mode & 0o777
        if mode & 0o077:
            return False, f"other users can access {folder} (mode {mode:o})", f"chmod 700 {folder}"
    return True, ", ".join(map(str, folders)), ""


def _check_disk(home: Home) -> Finding:
    free = shutil.disk_usage(home.data).free
    text = f"{free / 2**30:.1f} GB free at {home.data}"
    return free >= MIN_FREE_BYTES, text, "free some space: odbctl codebase prune"


def _check_clock(home: Home) -> Finding:
    """Compare the clock with the newest time that the home has seen."""
    newest = max((_modified(p) for p in (home.database, home.run)), default=0.0)
    ahead = newest - time.time()
    return (
        ahead < 2.0,
        f"UTC {time.strftime('%F %T', time.gmtime())}",
        (f"the clock is {duration(ahead)} behind the newest file of the home: set the clock"),
    )


def _modified(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0


def _check_database(home: Home) -> Finding:
    with Engine(home) as engine, engine.db.view():
        any_manager()
    mode = os.stat(home.database).st_mode & 0o777
    return mode & 0o077 == 0, str(home.database), f"chmod 600 {home.database}"


def _check_manager(home: Home) -> Finding:
    with Engine(home) as engine, engine.db.view():
        runs = any_manager()
        current = ServiceInstance.lookup_all(is_current=True)
        documents = [host_document(host, current) for host in known_hosts()]
        problems = [f"{h.name}: {h.problem}" for h in ServiceHost.lookup_all() if h.problem]
        outdated = outdated_manager()
        old = (outdated_text(outdated), restart_hint(outdated)) if outdated is not None else None
    alone = [d for d in documents if d["state"] == "down" and d["instances"]]
    if alone:
        texts = [d["reason"] for d in alone]
        return False, "; ".join(texts), f"odbctl manager start --host {alone[0]['name']}"
    if problems:
        hint = "raise its limit (ulimit -n), then odbctl manager restart"
        return False, "; ".join(problems), hint
    if old is not None:
        return False, *old
    return True, "running" if runs else "no manager runs; the next `odbctl start` starts one", ""


def _check_services(home: Home) -> Finding:
    """Find services that are not in their wanted state, also those that run and are not ready."""
    with Engine(home) as engine:
        found = list_services(engine)
    trouble = [s for s in found if s["state"] in _TROUBLE]
    if not trouble:
        return True, f"{len(found)} services, no problems", ""
    texts = [f"{s['name']} is {s['state']}: {s['reason']}".rstrip(": ") for s in trouble]
    return False, "; ".join(texts), f"odbctl why {trouble[0]['name']}"
