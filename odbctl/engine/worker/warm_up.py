"""Warming up: the launcher lives a worker's life before it forks any.

What a worker does first (open a log, a control socket and the database, import
a class, write that it runs) is done here a few times, on throw-away files.
Then the classes are resolved, the code is specialized and the memory touched
that all workers share. Nothing is kept open: no connection may be inherited.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from odbctl.engine.model.core import Codebase, Release, Service, ServiceHost, ServiceInstance, core
from odbctl.engine.odb import Database
from odbctl.engine.telemetry.log_files import LogFiles
from odbctl.engine.telemetry.log_writer import LogWriter
from odbctl.engine.worker.identity import read_boot_id
from odbctl.engine.worker.launch import WorkerLaunch
from odbctl.engine.worker.process import live, use_log
from odbctl.paths import Home

ROUNDS = 12  # the interpreter specializes what ran about eight times
_MODULE = "odbctl_warm_up"
_SOURCE = """
import logging
from odbctl import ServiceBase

class Quick(ServiceBase):
    def initialize(self):
        print("ready")
        self.logger.info("ready")

    def do_work(self, should_stop):
        pass
"""


def warm_up(parents: Iterable[str], *, rounds: int = ROUNDS) -> None:
    """Live a worker's life a few times and leave the process as it was.

    This is an optimisation only: when none of the folders can be used, a line on standard
    error says so, and workers start a little slower.

    Args:
        parents: Where to make throw-away files, in the order of preference.
        rounds: How many lives.
    """
    core.resolve()
    _try(parents, lambda home: _live_often(home, rounds))


def rehearse(parents: Iterable[str]) -> None:
    """Live a worker's life once, for an instance that does not exist.

    Writing one, as a manager does, would copy memory that a worker never uses.

    Args:
        parents: Where to make throw-away files, in the order of preference.
    """
    _try(parents, lambda home: _live_once(home, instance=0))


def _try(parents: Iterable[str], warm: Callable[[Home], None]) -> None:
    """Warm up in the first folder that can be used; say so when there is none."""
    problem = ""
    for parent in parents:
        try:
            _warm_up(parent, warm)
            return
        except Exception as error:  # noqa: BLE001 - a full disk may show as nearly anything
            problem = f"{type(error).__name__}: {error}"
    sys.stderr.write(f"odbctl launcher: not warmed up, so starts are slower: {problem}\n")


def scratch_folders(run: str) -> tuple[str, ...]:
    """Return where to make throw-away files: the temporary folders, then the run directory."""
    return (os.environ.get("TMPDIR") or "/tmp", "/tmp", run)


def _warm_up(parent: str, warm: Callable[[Home], None]) -> None:
    read_boot_id()
    streams, path, folder = (sys.stdout, sys.stderr), list(sys.path), os.getcwd()
    environment = dict(os.environ)
    home = Home.at(_make_folder(parent))
    try:
        home.create()
        Path(home.data, f"{_MODULE}.py").write_text(_SOURCE)
        warm(home)
    finally:
        sys.stdout, sys.stderr = streams
        sys.path[:] = path
        sys.pycache_prefix = None
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        _remove_folder(home.data)


def _make_folder(parent: str) -> str:
    """Make a folder of our own; tempfile would bring `random`, which every fork seeds anew."""
    folder = os.path.join(parent, f"odbctl-{os.getpid()}-{time.monotonic_ns():x}")
    os.mkdir(folder, 0o700)
    return folder


def _remove_folder(top: Path) -> None:
    with contextlib.suppress(OSError):
        _remove_tree(top)


def _remove_tree(top: Path) -> None:
    for folder, folders, files in os.walk(top, topdown=False):
        for name in files:
            os.unlink(os.path.join(folder, name))
        for name in folders:
            os.rmdir(os.path.join(folder, name))
    os.rmdir(top)


def _live_often(home: Home, rounds: int) -> None:
    for _ in range(rounds):
        _live_once(home, instance=_create(home).oid)


def _live_once(home: Home, *, instance: int) -> None:
    launch = _launch(home, instance)
    writer = LogWriter(LogFiles.of(home.logs, launch.service, launch.name))
    writer.open()
    handler = use_log(writer)
    try:
        live(launch, lambda _at: False)
    finally:
        logging.getLogger().removeHandler(handler)
        writer.close()
        sys.modules.pop(_MODULE, None)


def _create(home: Home) -> ServiceInstance:
    """Write an instance as a manager does."""

    def create() -> ServiceInstance:
        now = time.time()
        name = f"warm-{time.monotonic_ns()}"
        codebase = Codebase(name=name, location="", ref="", commit="", tree="", added_at=now)
        service = Service(name=name, created_at=now)
        release = Release(
            service=service,
            number=1,
            codebase=codebase,
            module=_MODULE,
            class_name="Quick",
            created_at=now,
            actor="",
        )
        host = ServiceHost(name=name)
        return ServiceInstance(
            name=name, service=service, release=release, host=host, slot=0, created_at=now
        )

    with Database(home.database, run_dir=home.run) as db:
        return db.run(create)


def _launch(home: Home, instance: int) -> WorkerLaunch:
    return WorkerLaunch(
        instance=instance,
        name="warm-1",
        service_id=0,
        service="warm",
        release=1,
        module=_MODULE,
        class_name="Quick",
        database=str(home.database),
        run=str(home.run),
        logs=str(home.logs),
        storage=str(home.storage / "warm-1"),
        home_data=str(home.data),
        home_cache=str(home.cache),
        home_state=str(home.state),
        source_roots=(str(home.data),),
        pycache=str(home.cache / "pycache"),
    )
