"""Stage: a home, a repository and a manager for the time of one measurement.

Everything lies in one short temporary folder, and everything that was started
in it has ended when it is left, also after Ctrl-C.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NamedTuple

from benchmarks import bench_services, ready_service
from benchmarks.processes import processes_of
from odbctl.engine.api.codebases import add_codebase
from odbctl.engine.api.creation import ServiceOptions, create_service
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.managers import ensure_manager, stop_manager
from odbctl.engine.api.services import reset_service
from odbctl.engine.api.settings import ServiceSettings
from odbctl.engine.managers.processes import signal_process
from odbctl.engine.model.core import Service, ServiceInstance
from odbctl.engine.model.states import ENDED_STATES, InstanceState
from odbctl.errors import OdbctlError
from odbctl.paths import Home

IDLE_CLASS = "hello_world.idle:IdleService"
IDLE = "idle"
WAIT_SECONDS = 60.0
END_SECONDS = 15.0
_EXAMPLE = Path(__file__).parents[1] / "examples" / "hello_world" / "src"
_GIT = ("-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "commit.gpgsign=false")


class Seen(NamedTuple):
    """An instance as it was seen; times are seconds since the epoch."""

    name: str
    slot: int
    pid: int
    created_at: float
    running_at: float


class Stage:
    """What the measurements of one group work with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repo = folder / "r"
        self.home = Home.at(folder / "h")
        self.engine = Engine.open(self.home)
        self.environ = {**os.environ, "ODBCTL_HOME": str(self.home.data)}
        self.odbctl = str(Path(sys.executable).with_name("odbctl"))

    def set_up(self) -> None:
        """Make a codebase and a service of idle instances; have manager and launcher warm."""
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(_EXAMPLE, self.repo / "src", ignore=ignored)
        for module in (bench_services, ready_service):
            shutil.copy(str(module.__file__), self.repo / "src")
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "bench"]):
            subprocess.run(["git", *_GIT, *words], cwd=self.repo, env=self.environ, check=True)
        add_codebase(self.engine, "HEAD", repo=str(self.repo), name="bench")
        self.create(IDLE, IDLE_CLASS)
        ensure_manager(self.engine)
        self.start(IDLE, 1)
        self.stop(IDLE)

    def tear_down(self) -> None:
        """End everything and remove the folder."""
        try:
            if self.home.database.exists():
                with contextlib.suppress(OdbctlError):
                    stop_manager(self.engine, with_services=True, timeout_seconds=END_SECONDS)
        finally:
            self.engine.close()
            _end_processes(self.folder)
            _remove(self.folder)

    def create(self, name: str, class_spec: str, **options: object) -> None:
        """Create a service; the options are those of ServiceOptions and ServiceSettings."""
        known = ServiceSettings.__dataclass_fields__
        own = {key: options.pop(key) for key in list(options) if key in known}
        settings = ServiceSettings(**own)  # type: ignore[arg-type]  # given by their names
        chosen = ServiceOptions(settings=settings, **options)  # type: ignore[arg-type]  # the same
        create_service(self.engine, name, class_spec=class_spec, codebase="bench", options=chosen)

    def want(self, name: str, count: int) -> None:
        """Write how many instances are wanted, and nothing else."""

        def write() -> None:
            service = Service.lookup_unique(name=name)
            assert service is not None  # it was created here
            service.desired_count = count
            service.is_paused = False

        self.engine.db.run(write)

    def start(self, name: str, count: int) -> None:
        """Want instances and wait until so many run."""
        self.want(name, count)
        self.wait_until(f"{count} of {name} run", lambda: len(self.running(name)) == count)

    def stop(self, name: str) -> None:
        """Want no instances and wait until all have ended."""
        self.want(name, 0)
        self.wait_until(f"{name} has stopped", lambda: not _living(name))

    def reset(self, name: str) -> None:
        """Forget crashes, so that the next one is the first."""
        reset_service(self.engine, name)

    def running(self, name: str) -> list[Seen]:
        """Return the instances that run, by slot. Needs an open view."""
        found = [i for i in _current(name) if i.state is InstanceState.RUNNING]
        return sorted((_seen(i) for i in found), key=lambda s: s.slot)

    def see_running(self, name: str) -> list[Seen]:
        """Return the instances that run now, by slot."""
        with self.engine.db.view():
            return self.running(name)

    def has_ended(self, name: str) -> bool:
        """Tell whether the service's instances have run and ended. Needs an open view."""
        current = _current(name)
        return bool(current) and all(i.state in ENDED_STATES for i in current)

    def wait_until(self, what: str, condition: Callable[[], object]) -> None:
        """Wait until a condition, looked at in a view, is true.

        Raises:
            TimeoutError: It has not become true.
        """
        if not self.engine.db.wait_for_condition(condition, timeout_seconds=WAIT_SECONDS):
            raise TimeoutError(f"not after {WAIT_SECONDS:g} s: {what}")


@contextlib.contextmanager
def stage() -> Generator[Stage]:
    """Set a stage up, and leave nothing of it."""
    made = Stage(Path(tempfile.mkdtemp(prefix="odbctl-b-")))
    try:
        made.set_up()
        yield made
    finally:
        with _undisturbed():
            made.tear_down()


@contextlib.contextmanager
def _undisturbed() -> Generator[None]:
    """Let a second Ctrl-C not leave something running."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _current(name: str) -> list[ServiceInstance]:
    service = Service.lookup_unique(name=name)
    return list(ServiceInstance.lookup_all(service=service, is_current=True))


def _living(name: str) -> list[ServiceInstance]:
    return [i for i in _current(name) if i.state not in ENDED_STATES]


def _seen(instance: ServiceInstance) -> Seen:
    return Seen(
        name=instance.name,
        slot=instance.slot,
        pid=instance.pid or 0,
        created_at=instance.created_at,
        running_at=instance.running_at or 0.0,
    )


def _end_processes(folder: Path) -> None:
    """Wait until nothing of a folder is left; kill what is still there after a while."""
    deadline = time.monotonic() + END_SECONDS
    while left := processes_of(folder):
        if time.monotonic() > deadline:
            for process in left:
                signal_process(process, signal.SIGKILL)
        time.sleep(0.02)


def _remove(folder: Path) -> None:
    """Remove a folder with its checkouts, which are read-only."""
    for root, _folders, _files in os.walk(folder):
        os.chmod(root, stat.S_IRWXU)
    shutil.rmtree(folder)
