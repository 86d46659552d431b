"""A home with real services: real git, a real manager, real processes.

What `tests/functional` drives. Everything goes through the use cases, as the
command line does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

from git_repos import GitRepo
from waiting import eventually

from odbctl.engine.api import (
    codebases,
    creation,
    instance_listing,
    logs,
    managers,
    releases,
    services,
    status,
    waiting,
)
from odbctl.engine.api.documents import (
    EventDocument,
    InstanceDocument,
    LogDocument,
    ServiceDocument,
)
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.results import Change, Progress
from odbctl.engine.api.settings import ServiceSettings
from odbctl.engine.managers.background import ManagerOptions
from odbctl.engine.managers.host import HostSettings
from odbctl.engine.worker.mark import marked_instance, worn_mark
from odbctl.errors import OdbctlError
from odbctl.paths import Home

PRELUDE = "import os, signal, subprocess, sys\nfrom odbctl import ServiceBase\n\n"
IDLE = """
class Svc(ServiceBase):
    pass
"""
PATIENCE_SECONDS = 15.0


def ignore(_progress: Progress) -> None:
    """Take progress reports and do nothing with them."""


@dataclass(slots=True)
class World:
    """A home, a repository of its own, and what is usually done with them."""

    home: Home
    repo: GitRepo
    engine: Engine
    loose: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])

    # Doing.

    def commit(self, source: str, *, module: str = "svc") -> str:
        """Commit a module that holds `source`; return the commit's hash."""
        return self.repo.commit({f"{module}.py": PRELUDE + dedent(source)})

    def service(
        self,
        source: str = IDLE,
        name: str = "svc",
        *,
        count: int = 0,
        class_name: str = "Svc",
        python: str | None = None,
        **options: Any,
    ) -> str:
        """Commit `source`, add the codebase, create a service from it; return its name."""
        self.commit(source)
        codebases.add_codebase(self.engine, "main", repo=str(self.repo.path), python=python)
        return self.another(name, count=count, class_name=class_name, **options)

    def another(self, name: str, *, count: int = 0, class_name: str = "Svc", **options: Any) -> str:
        """Create a further service from the codebase that is there."""
        known = ServiceSettings.__dataclass_fields__
        own: dict[str, Any] = {name: options.pop(name) for name in list(options) if name in known}
        own.setdefault("stop_grace_seconds", 2.0)
        settings = ServiceSettings(**own)
        creation.create_service(
            self.engine,
            name,
            class_spec=f"svc:{class_name}",
            codebase=self.repo.path.name,
            options=creation.ServiceOptions(count=count, settings=settings, **options),
        )
        return name

    def manager(self, host: str = "local", **options: Any) -> int:
        """Start a manager in the background; return its pid."""
        settings = {k: options.pop(k) for k in ("cores", "ram_gb", "placement") if k in options}
        chosen = ManagerOptions(host=HostSettings(name=host, **settings), **options)
        managers.start_manager(self.engine, chosen)
        return self.manager_pid(host)

    def start(self, name: str = "svc", count: int | None = None, **options: Any) -> None:
        """Start a service, and a manager where none runs; does not wait."""
        if options or not any(m["state"] == "running" for m in self.managers()):
            self.manager(**options)
        services.start_service(self.engine, name, count=count)

    def run(
        self, source: str = IDLE, name: str = "svc", *, count: int = 1, **options: Any
    ) -> list[InstanceDocument]:
        """Create a service and bring it to run; return its instances."""
        self.service(source, name, **options)
        self.start(name, count)
        return self.wait_running(name, count)

    def deploy(self, name: str = "svc", ref: str = "main", *, settle: float = 0.0) -> int:
        """Deploy a ref; return the number of the new release, which is not waited for."""
        releases.deploy_service(self.engine, name, ref, force=True, settle_seconds=settle)
        return releases.latest_outcome(self.engine, name)[0]

    def stop(self, name: str = "svc") -> None:
        """Stop a service and wait until nothing of it lives."""
        services.stop_service(self.engine, name)
        self.settle(name)

    # Waiting.

    def settle(self, name: str = "svc", *, release: int | None = None) -> Change:
        """Wait until a service is as it is wanted, as the command line does."""
        return waiting.wait_for_service(
            self.engine,
            name,
            timeout_seconds=PATIENCE_SECONDS,
            on_progress=ignore,
            release=release,
        )

    def wait(self, condition: Callable[[], object], what: str = "") -> None:
        """Wait until what the database says has become so."""
        if not self.engine.db.wait_for_condition(condition, timeout_seconds=PATIENCE_SECONDS):
            raise AssertionError(f"in vain: {what or condition}\n{self.report()}")

    def wait_running(self, name: str = "svc", count: int = 1) -> list[InstanceDocument]:
        """Wait until exactly so many instances run; return them, oldest first."""
        self.wait(lambda: len(self.ready(name)) == count, f"{count} of {name} run")
        return self.ready(name)

    def wait_state(self, name: str, state: str) -> ServiceDocument:
        """Wait until a service is in a state; return its document."""
        self.wait(lambda: self.status(name)["state"] == state, f"{name} is {state}")
        return self.status(name)

    def wait_ended(self, instance: str) -> InstanceDocument:
        """Wait until an instance has ended and that is written; return its document."""

        def has_ended() -> bool:
            found = instance_listing.list_instances(self.engine, everything=True)
            return any(i["id"] == instance and i["ended_at"] for i in found)

        self.wait(has_ended, f"{instance} has ended")
        return self.instance(instance)

    def wait_line(self, text: str, name: str = "svc", instance: str | None = None) -> LogDocument:
        """Wait until a log record holds `text`; return it."""

        def found() -> list[LogDocument]:
            return [line for line in self.log(name, instance) if text in line["text"]]

        return eventually(found, PATIENCE_SECONDS)[0]

    # Reading.

    def status(self, name: str = "svc") -> ServiceDocument:
        """Return a service's document."""
        return status.service_status(self.engine, name)

    def ready(self, name: str = "svc") -> list[InstanceDocument]:
        """Return the instances that run, oldest first, children left out."""
        found = instance_listing.list_instances(self.engine, service=name)
        return [i for i in found if i["ready"] and i["owner"] is None]

    def instances(self, name: str = "svc") -> list[InstanceDocument]:
        """Return all instances of a service that there ever were, oldest first."""
        return instance_listing.list_instances(self.engine, service=name, everything=True)

    def instance(self, name: str) -> InstanceDocument:
        """Return one instance's document."""
        return instance_listing.show_instance(self.engine, name)

    def events(self, name: str = "svc") -> list[EventDocument]:
        """Return the events of a service, oldest first."""
        return status.list_events(self.engine, service=name, limit=1000)

    def log(self, name: str = "svc", instance: str | None = None) -> list[LogDocument]:
        """Return the log records of a service, or of one instance."""
        chosen = logs.select_logs(self.engine, name, instance=instance)
        return list(logs.read_logs(self.engine, chosen, count=None))

    def texts(self, name: str = "svc", instance: str | None = None) -> list[str]:
        """Return the texts of the log records."""
        return [line["text"] for line in self.log(name, instance)]

    def managers(self) -> list[Any]:
        """Return the documents of all managers."""
        return list(managers.manager_status(self.engine))

    def manager_pid(self, host: str = "local") -> int:
        """Return the pid of a running manager."""
        found = [m for m in self.managers() if m["host"] == host]
        assert found
        assert found[0]["pid"] is not None
        return int(found[0]["pid"])

    def launcher_pids(self) -> list[int]:
        """Return the pids of the launchers of this home, not those of what they forked."""
        found = {p for p, command in processes_of(self.home).items() if ".launcher" in command}
        return [pid for pid in found if parent_of(pid) not in found]

    def report(self) -> str:
        """Return all that helps to see why something has not come about."""
        found = [str(i) for i in status.list_services(self.engine)]
        found += [str(e["message"]) for e in status.list_events(self.engine)]
        return "\n".join([*found, *managers.manager_log_lines(self.engine)])

    # Ending.

    def end(self) -> list[str]:
        """Stop everything of this home; return the command lines of what had to be killed."""
        why = "it did not end in time"
        try:
            if any(i["ended_at"] is None for i in instance_listing.list_instances(self.engine)):
                managers.ensure_manager(self.engine)
            for manager in self.managers():
                managers.stop_manager(
                    self.engine, manager["host"], with_services=True, timeout_seconds=8
                )
            gone = eventually_gone(self.home)
        except (OdbctlError, AssertionError) as error:
            gone, why = False, repr(error)
        finally:
            self.engine.close()
        left = {} if gone else processes_of(self.home)
        kill_all(self.home)
        for process in self.loose:
            process.kill()
            process.communicate()
        return [why, *(f"{pid}: {command}" for pid, command in left.items())] if left else []


def a_world(home: Home, repo: GitRepo) -> Iterator[World]:
    """Yield a world; end all that runs in it, and fail when that took a kill."""
    made = World(home=home, repo=repo, engine=Engine.open(home))
    yield made
    left = made.end()
    assert not left, f"still alive after everything was stopped: {left}"


def kill(pid: int | None, number: int = signal.SIGKILL) -> None:
    """Send a signal to a process that is there."""
    assert pid is not None
    os.kill(pid, number)


def is_running(pid: int | None) -> bool:
    """Tell whether a process lives and is no zombie; without a pid the test is wrong."""
    assert pid is not None
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def wait_until_idle(pid: int) -> None:
    """Wait until a process has had nothing to do for a while: it sleeps, and uses no CPU."""
    looks: list[tuple[str, ...]] = []

    def is_idle() -> bool:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        looks.append((fields[0], fields[11], fields[12]))  # state, utime, stime: proc(5)
        time.sleep(0.02)
        return set(looks[-10:]) == {("S", *looks[-1][1:])} and len(looks) >= 10

    eventually(is_idle, PATIENCE_SECONDS)


def is_worker_of(home: Home, pid: int) -> bool:
    """Tell whether a process lives and is a worker of a home, not another of the same number."""
    return is_running(pid) and marked_instance(worn_mark(pid), home.run) is not None


def processes_of(home: Home) -> dict[int, str]:
    """Return (pid: command line) of the living processes that speak of a home."""
    found: dict[int, str] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            command = (folder / "cmdline").read_bytes()
            environment = (folder / "environ").read_bytes()
            is_worker = home.run.is_dir() and is_worker_of(home, int(folder.name))
        except OSError:
            continue
        pid = int(folder.name)
        names_home = os.fsencode(home.data) in command + environment
        if is_worker or (names_home and is_running(pid)):
            found[pid] = command.replace(b"\0", b" ").decode(errors="replace")
    return found


def eventually_gone(home: Home) -> bool:
    """Wait until no process of a home is left."""
    return eventually(lambda: not processes_of(home), 5)


def kill_all(home: Home) -> None:
    """Kill every process of a home, by pid."""
    while found := processes_of(home):
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def parent_of(pid: int | None) -> int | None:
    """Return the pid of a process's parent (proc(5), field 4); None if it is gone."""
    assert pid is not None
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    return int(stat[stat.rindex(b")") + 2 :].split()[1])
