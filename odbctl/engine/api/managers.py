"""Use cases of managers: start, stop, restart, status, log."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from odbctl.engine.api.describe import manager_document
from odbctl.engine.api.documents import ManagerDocument
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import actor, find_host
from odbctl.engine.api.results import Change
from odbctl.engine.api.services import end_one_offs, pause, unpause
from odbctl.engine.api.status import any_manager, describe_one
from odbctl.engine.api.waiting import wait_for_service
from odbctl.engine.managers.background import (
    ManagerOptions,
    manager_log,
    start_in_background,
    wait_until_up,
)
from odbctl.engine.managers.host import DEFAULT_HOST, HostSettings
from odbctl.engine.managers.identities import is_managed, known_hosts, manager_identity
from odbctl.engine.managers.processes import signal_process
from odbctl.engine.model.core import Service, ServiceHost, ServiceInstance
from odbctl.engine.model.events import record_service_event
from odbctl.engine.model.states import ENDED_STATES
from odbctl.engine.reconcile.describe import ServiceState
from odbctl.engine.worker.identity import ProcessIdentity, is_alive
from odbctl.errors import TimedOutError

STOP_TIMEOUT_SECONDS = 15.0


def ensure_manager(
    engine: Engine,
    *,
    strategy: str = "subprocess",
    start_method: str | None = None,
    is_kept: bool = False,
    on_start: Callable[[str], None] | None = None,
) -> bool:
    """Start a manager in the background when none runs; return whether one was started.

    Raises:
        ManagerUnreachableError: It did not come up.
    """
    with engine.db.view():
        if any_manager():
            return False
    if on_start is not None:
        on_start("starting a manager in the background")
    options = ManagerOptions(
        host=HostSettings(), strategy=strategy, start_method=start_method, is_kept=is_kept
    )
    _start(engine, options)
    return True


def _start(engine: Engine, options: ManagerOptions) -> None:
    process = start_in_background(engine.home, options)
    wait_until_up(process, engine.home, options)


def start_manager(engine: Engine, options: ManagerOptions) -> Change:
    """Start the manager of a host in the background; unchanged when it runs.

    Services that `stop_manager` stopped together with the manager start again.
    """
    resumed = resume_services(engine)
    notes = (f"starting again: {', '.join(resumed)}",) if resumed else ()
    with engine.db.view():
        host = ServiceHost.lookup_unique(name=options.host.name)
        if host is not None and is_managed(host):
            return _change(engine, host, "unchanged", "already running")._replace(notes=notes)
    _start(engine, options)
    with engine.db.view():
        host = find_host(options.host.name)
        change = _change(engine, host, "started", f"pid {host.manager_pid}")
    return change._replace(notes=notes)


def resume_services(engine: Engine) -> list[str]:
    """Start the services that were stopped together with a manager; return their names."""

    def write() -> list[str]:
        resumed = [s for s in Service.lookup_all() if s.resumes_with_manager and not s.is_removed]
        for service in resumed:
            unpause(service)
            text = f"desired count {service.desired_count}, as before the manager was stopped"
            record_service_event(service, "started", text, actor=actor())
        return sorted(service.name for service in resumed)

    return engine.db.run(write)


def _change(engine: Engine, host: ServiceHost, action: str, text: str) -> Change:
    return Change(
        action=action,
        message=f"manager of host {host.name}: {text}",
        document=manager_document(engine.home, host),
    )


def stop_manager(
    engine: Engine,
    host: str = DEFAULT_HOST,
    *,
    with_services: bool = False,
    timeout_seconds: float = STOP_TIMEOUT_SECONDS,
) -> Change:
    """Stop the manager of a host; its services go on.

    Args:
        engine: The opened home.
        host: The name of the host.
        with_services: Stop every service first. The next `start_manager` brings them back.
        timeout_seconds: The limit for each of the steps.

    Raises:
        NotFoundError: There is no such host.
        TimedOutError: It did not stop in time.
    """
    with engine.db.view():
        found = find_host(host)
        identity = manager_identity(found)
        runs = is_managed(found)
    if not runs or identity is None:
        if with_services and _living_count(engine):  # only a manager can stop them
            pause_all_services(engine)
            ensure_manager(engine)
            return stop_manager(engine, with_services=True, timeout_seconds=timeout_seconds)
        with engine.db.view():
            return _change(engine, find_host(host), "unchanged", "is not running")
    if with_services:
        stop_all_services(engine, timeout_seconds=timeout_seconds)
    signal_process(identity, signal.SIGTERM)
    _wait_until_gone(identity, timeout_seconds)
    living = _living_count(engine, host)
    with engine.db.view():
        instances = "1 instance keeps" if living == 1 else f"{living} instances keep"
        text = f"{instances} running without it" if living else "no instances are running"
        return _change(engine, find_host(host), "stopped", text)


def _living_count(engine: Engine, host: str | None = None) -> int:
    """Count the instances that have not ended, of one host or of all."""
    with engine.db.view():
        return sum(
            i.state not in ENDED_STATES and host in (None, i.host.name)
            for i in ServiceInstance.lookup_all(is_current=True)
        )


def stop_all_services(engine: Engine, *, timeout_seconds: float) -> None:
    """Stop every service until the next start of a manager, and wait until all have ended."""
    pause_all_services(engine)
    with engine.db.view():
        found = [s for s in Service.lookup_all() if not s.is_removed]
        names = [service.name for service in found if service.target_count == 0]
    for name in names:
        wait_for_service(
            engine, name, timeout_seconds=timeout_seconds, on_progress=lambda _progress: None
        )


def pause_all_services(engine: Engine) -> None:
    """Stop every service until the next start of a manager.

    A service that a person stopped stays stopped then, and a job that has ended is not run again.
    """

    def write() -> None:
        for service in Service.lookup_all():
            end_one_offs(service)
            if service.target_count == 0:
                continue
            if describe_one(engine, service)["state"] == ServiceState.STOPPED:
                continue  # a job that has ended
            pause(service, resumes_with_manager=True)
            record_service_event(service, "stopped", "with the manager", actor=actor())

    engine.db.run(write)


def _wait_until_gone(identity: ProcessIdentity, timeout_seconds: float) -> None:
    deadline = time.monotonic() + timeout_seconds
    while is_alive(identity):
        if time.monotonic() > deadline:
            raise TimedOutError(f"the manager (pid {identity.pid}) has not stopped")
        time.sleep(0.005)


def restart_manager(engine: Engine, host: str = DEFAULT_HOST) -> Change:
    """Replace a manager by a new one with the same settings; no service is stopped."""
    with engine.db.view():
        found = find_host(host)
        settings = HostSettings(
            name=found.name,
            placement=found.placement,
            cores=found.cores,
            ram_gb=found.ram_gb,
            max_instances=found.max_instances,
        )
        options = ManagerOptions(
            host=settings,
            strategy=found.strategy,
            start_method=found.start_method,
            is_kept=found.is_kept,
        )
    stop_manager(engine, host)
    change = start_manager(engine, options)
    return Change(action="restarted", message=change.message, document=change.document)


def manager_status(engine: Engine) -> list[ManagerDocument]:
    """Return the managers of all hosts that there ever were."""
    with engine.db.view():
        hosts = sorted(known_hosts(), key=lambda h: h.name)
        return [manager_document(engine.home, host) for host in hosts]


def manager_log_lines(engine: Engine, host: str = DEFAULT_HOST, *, count: int = 100) -> list[str]:
    """Return the last lines that a background manager wrote."""
    try:
        text = manager_log(engine.home, host).read_text(errors="replace")
    except FileNotFoundError:
        return []
    return text.splitlines()[-count:]
