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
from odbctl.engine.codebases.names import LONGEST_NAME
from odbctl.engine.model.core import MANAGER_GENERATION, ServiceHost, ServiceInstance
from odbctl.engine.model.events import record_event
from odbctl.engine.model.states import DEFAULT_HOST_PLACEMENT, HostState
from odbctl.engine.worker.identity import ProcessIdentity, identify, is_at_work
from odbctl.errors import ConflictError, InvalidNameError, NotPermittedError, UsageError
from odbctl.paths import Home

DEFAULT_HOST = "local"
MOST_AMOUNT = 1_000_000


# How long the lock is waited for: that of a manager at work, and of one that is ending. A
# killed one holds it until the last of its threads has ended.
LOCK_SECONDS = 0.5
ENDING_SECONDS = 10.0
_ENDED = b'"ended"'


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """What a manager says of its host. Zero cores or RAM: as many as the machine has."""

    name: str = DEFAULT_HOST
    placement: str = DEFAULT_HOST_PLACEMENT
    cores: float = 0.0
    ram_gb: float = 0.0
    max_instances: int | None = None

    def __post_init__(self) -> None:
        """Refuse a name that no file can have, and amounts that no machine has.

        Raises:
            UsageError: A setting is wrong.
        """
        is_name = self.name.isprintable() and "/" not in self.name and self.name[:1] not in ".- "
        if not (self.name and is_name and len(self.name.encode()) <= LONGEST_NAME):
            raise InvalidNameError("host", self.name)
        for what, number in (("cores", self.cores), ("RAM in GB", self.ram_gb)):
            if not 0 <= number <= MOST_AMOUNT:
                raise UsageError(f"{what} must be from 0 to {MOST_AMOUNT:,}, not {number:g}")
        if self.max_instances is not None and not 0 <= self.max_instances <= MOST_AMOUNT:
            raise UsageError(
                f"--max-instances must be from 0 to {MOST_AMOUNT:,}, not {self.max_instances}"
            )


class HostLock:
    """One manager per host name: a lock that ends with its process.

    It stands beside the database, so that processes with other temporary folders, and so with
    another run directory, find the same lock.
    """

    def __init__(self, home: Home, host: str) -> None:
        self._path = host_lock_path(home, host)
        self._descriptor: int | None = None
        self._host = host

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            ConflictError: Another manager supervises this host, or has just been stopped.
            NotPermittedError: The home cannot be written.
        """
        descriptor = self._open()
        began_at = time.monotonic()
        was_held_at_work = False
        while not _is_locked(descriptor):
            is_at_work = _is_holder_at_work(descriptor)
            was_held_at_work = was_held_at_work or is_at_work
            wait_seconds = LOCK_SECONDS if is_at_work else ENDING_SECONDS
            if time.monotonic() > began_at + wait_seconds:
                os.close(descriptor)
                raise ConflictError(
                    f"a manager of host {self._host!r} is already running",
                    hint="odbctl manager status",
                )
            time.sleep(0.01)
        if was_held_at_work and _has_ended_in_order(descriptor):
            os.close(descriptor)
            raise ConflictError(
                f"the manager of host {self._host!r} was stopped while this one was waiting for it",
                hint="odbctl manager start",
            )
        _write_holder(descriptor)
        self._descriptor = descriptor

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise NotPermittedError(f"cannot lock {self._path}: {error.strerror}") from error

    def release(self) -> None:
        """Give the lock up, and say in its file that this manager ended in order."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, 0)
                os.pwrite(self._descriptor, _ENDED, 0)
            os.close(self._descriptor)
            self._descriptor = None


def host_lock_path(home: Home, host: str) -> str:
    """Return the path of the lock of a host's manager."""
    return f"{home.database}.manager-{host}.lock"


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_holder(descriptor: int) -> None:
    """Write into the lock's file which process holds it: this one."""
    os.ftruncate(descriptor, 0)
    with contextlib.suppress(OSError):  # no room: it counts as at work
        os.pwrite(descriptor, json.dumps(identify()).encode(), 0)


def _has_ended_in_order(descriptor: int) -> bool:
    return os.pread(descriptor, len(_ENDED), 0) == _ENDED


def _is_holder_at_work(descriptor: int) -> bool:
    """Tell whether the lock holder, as far as its file says, is not about to end."""
    try:
        boot_id, pid, start_ticks = json.loads(os.pread(descriptor, 1024, 0))
        return is_at_work(ProcessIdentity(boot_id, pid, start_ticks))
    except (ValueError, TypeError, OSError):
        return True  # it has only just got the lock, or had no room to say so


def record_host_up(
    settings: HostSettings,
    *,
    strategy: str,
    start_method: str | None,
    limits_held_by: str,
    is_kept: bool,
) -> int:
    """Write that this process supervises a host; return the host's id. Needs a transaction."""
    host = ServiceHost.lookup_unique(name=settings.name)
    if host is None:
        host = ServiceHost(name=settings.name)
    identity = identify()
    assert identity is not None  # this process lives
    host.hostname = socket.gethostname()
    _apply_settings(host, settings)
    host.state, host.is_removed = HostState.UP, False
    host.strategy, host.start_method = strategy, start_method
    host.version = odbctl.__version__
    host.limits_held_by = limits_held_by
    host.is_kept = is_kept
    host.problem = ""
    host.boot_id, host.manager_pid, host.manager_start_ticks = identity
    host.started_at = host.last_seen_at = time.time()
    host.generation, host.generation_at = MANAGER_GENERATION, host.started_at
    record_event(f"host/{settings.name}", "up", f"manager pid {identity.pid}", actor=settings.name)
    return host.oid


def _apply_settings(host: ServiceHost, settings: HostSettings) -> None:
    """Write what the manager was started with, and over it what `host set` has changed."""
    overrides = host.overrides
    host.placement = str(overrides.get("placement", settings.placement))
    host.cores = float(overrides.get("cores", settings.cores) or machine_cores())
    host.ram_gb = float(overrides.get("ram_gb", settings.ram_gb) or machine_ram_gb())
    limit = overrides.get("max_instances", settings.max_instances)
    host.max_instances = None if limit is None else int(limit)


def take_over_instances(host: ServiceHost, *, deleted: int | None = None) -> None:
    """Give a host the instances of hosts that were deleted. Needs a transaction.

    Args:
        host: The host.
        deleted: The object id of the one host that was deleted; by default all of them.
    """
    for instance in ServiceInstance.lookup_all(is_current=True):
        is_meant = deleted is None or instance.host.oid == deleted
        if is_meant and not instance.host.exists():
            instance.host = host


def record_host_down(host_id: int) -> None:
    """Write that a host's manager ends. Needs a transaction."""
    host = ServiceHost.from_oid(host_id)
    if not host.exists():
        return
    host.state = HostState.DOWN
    host.last_seen_at = time.time()
    record_event(f"host/{host.name}", "down", "its manager stopped", actor=host.name)


def machine_cores() -> float:
    """Return how many cores the machine has."""
    return float(os.cpu_count() or 1)


def machine_ram_gb() -> float:
    """Return the machine's memory in GB (2**30 bytes)."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
