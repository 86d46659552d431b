"""The host that a manager supervises: its settings, its lock and its record."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from dataclasses import dataclass

import odbctl
from odbctl.engine.model.core import ServiceHost
from odbctl.engine.model.events import record_event
from odbctl.engine.model.states import DEFAULT_HOST_PLACEMENT, HostState
from odbctl.engine.worker.identity import ProcessIdentity, identify, is_at_work
from odbctl.errors import ConflictError
from odbctl.paths import Home

DEFAULT_HOST = "local"


# How long the lock is waited for: that of a manager at work, and of one that is ending. A
# killed one holds it until the last of its threads has ended.
LOCK_SECONDS = 0.5
ENDING_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """What a manager says of its host. Zero cores or RAM: as many as the machine has."""

    name: str = DEFAULT_HOST
    placement: str = DEFAULT_HOST_PLACEMENT
    cores: float = 0.0
    ram_gb: float = 0.0
    max_instances: int | None = None


class HostLock:
    """One manager per host name: a lock that ends with its process."""

    def __init__(self, home: Home, host: str) -> None:
        self._path = home.run / f"manager-{host}.lock"
        self._descriptor: int | None = None
        self._host = host

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            ConflictError: Another manager supervises this host.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        began_at = time.monotonic()
        while not _is_locked(descriptor):
            wait_seconds = LOCK_SECONDS if _is_holder_at_work(descriptor) else ENDING_SECONDS
            if time.monotonic() > began_at + wait_seconds:
                os.close(descriptor)
                raise ConflictError(
                    f"a manager of host {self._host!r} runs already", hint="odbctl manager status"
                )
            time.sleep(0.01)
        _write_holder(descriptor)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock up."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_holder(descriptor: int) -> None:
    """Write into the lock's file who has it: this process."""
    os.ftruncate(descriptor, 0)
    with contextlib.suppress(OSError):  # no room: it counts as at work
        os.pwrite(descriptor, json.dumps(identify()).encode(), 0)


def _is_holder_at_work(descriptor: int) -> bool:
    """Tell whether who has the lock, as far as its file tells, is not about to end."""
    try:
        boot_id, pid, start_ticks = json.loads(os.pread(descriptor, 1024, 0))
    except (ValueError, TypeError):
        return True  # it has only just got it, or had no room to say so
    return is_at_work(ProcessIdentity(boot_id, pid, start_ticks))


def record_host_up(
    settings: HostSettings,
    *,
    strategy: str,
    start_method: str | None,
    limits_held_by: str,
    is_kept: bool,
) -> int:
    """Write that this process supervises a host; return the host's id. Needs a transaction."""
    host = ServiceHost.lookup_unique(name=settings.name) or ServiceHost(name=settings.name)
    identity = identify()
    assert identity is not None  # this process lives
    host.placement = settings.placement
    host.hostname = socket.gethostname()
    host.cores = settings.cores or float(os.cpu_count() or 1)
    host.ram_gb = settings.ram_gb or machine_ram_gb()
    host.max_instances = settings.max_instances
    host.state = HostState.UP
    host.strategy, host.start_method = strategy, start_method
    host.version = odbctl.__version__
    host.limits_held_by = limits_held_by
    host.is_kept = is_kept
    host.boot_id, host.manager_pid, host.manager_start_ticks = identity
    host.started_at = host.last_seen_at = time.time()
    record_event(f"host/{settings.name}", "up", f"manager pid {identity.pid}", actor=settings.name)
    return host.oid


def record_host_down(host_id: int) -> None:
    """Write that a host's manager ends. Needs a transaction."""
    host = ServiceHost.from_oid(host_id)
    host.state = HostState.DOWN
    host.last_seen_at = time.time()
    record_event(f"host/{host.name}", "down", "its manager stopped", actor=host.name)


def machine_ram_gb() -> float:
    """Return the machine's memory in GB (2**30 bytes)."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
