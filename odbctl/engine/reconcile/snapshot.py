"""What the reconciler sees: frozen facts, read in one view of the database.

Named tuples, for they are quick to import and to make. Made by the manager (to
plan) and by the use cases (to describe). Ids are object ids; times are seconds
since the epoch.
"""

from __future__ import annotations

from odbctl.engine.model.probes import Probe
from odbctl.engine.model.states import ENDED_STATES, InstanceState, Overlap, RestartPolicy
from odbctl.light_typing import NamedTuple

# Of each wanted slot, in a row.
MAX_FAILED_STARTS = 5
# How long the instances of a new release have to stay ready before the old ones stop.
DEFAULT_SETTLE_SECONDS = 3.0


class InstanceSnapshot(NamedTuple):
    """One current instance: live, or ended and not yet replaced."""

    id: int
    slot: int
    release: int
    host: int
    state: InstanceState
    created_at: float
    owner: int | None = None
    is_one_off: bool = False
    failures: int = 0
    running_at: float | None = None
    stopping_at: float | None = None
    ended_at: float | None = None
    exit_code: int | None = None
    is_terminated: bool = False
    # Whether its process is gone; looked up only for hosts without a manager.
    is_gone: bool = False
    # Whether a person stopped or killed this very instance; killed: without any grace.
    is_ended_by_person: bool = False
    is_killed: bool = False
    # What the readiness probe says; None where there is none, or it has not said anything.
    readiness: bool | None = None
    ready_at: float | None = None
    unhealthy_at: float | None = None

    @property
    def is_ended(self) -> bool:
        """Whether its process is gone."""
        return self.state in ENDED_STATES

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to stop and lives."""
        return self.state is InstanceState.STOPPING

    @property
    def is_wanted(self) -> bool:
        """Whether it lives and was not asked to stop."""
        return not self.is_ended and not self.is_stopping

    @property
    def is_running(self) -> bool:
        """Whether it has initialized, and works."""
        return self.state is InstanceState.RUNNING


class ServiceSnapshot(NamedTuple):
    """One service and its current instances."""

    id: int
    name: str
    desired_count: int
    release: int | None
    candidate: int | None = None
    # How long the candidate's instances have to stay ready before it is promoted.
    settle_seconds: float = 0.0
    is_paused: bool = False
    resumes_with_manager: bool = False
    singleton: bool = False
    restart: RestartPolicy = RestartPolicy.ALWAYS
    placement: str = "Any"
    move_after_seconds: float | None = 60.0
    cores: float = 0.0
    ram_gb: float = 0.0
    stop_grace_seconds: float = 10.0
    stop_signal: str = "SIGTERM"
    readiness: Probe | None = None
    liveness: Probe | None = None
    start_grace_seconds: float = 30.0
    replaces_unhealthy: bool = True
    depends_on: tuple[str, ...] = ()
    # Those of them that are not ready.
    waits_for: tuple[str, ...] = ()
    is_scheduled: bool = False
    overlap: Overlap = Overlap.SKIP
    run_at: float = 0.0
    next_run_at: float | None = None
    has_requested_run: bool = False
    failed_starts: int = 0
    reset_at: float = 0.0
    is_removed: bool = False
    unplaceable_count: int = 0
    shortage: str | None = None
    instances: tuple[InstanceSnapshot, ...] = ()

    @property
    def target_count(self) -> int:
        """The number of instances to aim at: none when paused or removed, one of a singleton."""
        if self.is_paused or self.is_removed or self.release is None:
            return 0
        return max(0, min(self.desired_count, 1) if self.singleton else self.desired_count)

    def is_ready(self, instance: InstanceSnapshot) -> bool:
        """Tell whether one of its instances is ready: it runs, and its probe says so."""
        has_said = self.readiness is None or instance.readiness is True
        return instance.is_running and has_said

    def ready_since(self, instance: InstanceSnapshot) -> float:
        """Return since when an instance that is ready has been: it runs, and its probe passes."""
        running_at = instance.running_at or 0.0
        if self.readiness is None:
            return running_at
        return max(running_at, instance.ready_at or 0.0)

    @property
    def is_throttled(self) -> bool:
        """Whether too many starts failed in a row, in every slot, to try without a reset."""
        return self.failed_starts >= MAX_FAILED_STARTS * max(1, self.target_count)


class HostSnapshot(NamedTuple):
    """One host: what it offers. Zero cores or RAM mean that it sets no limit."""

    id: int
    name: str
    placement: str
    is_up: bool = True
    is_draining: bool = False
    cores: float = 0.0
    ram_gb: float = 0.0
    max_instances: int | None = None
    # Whether the database says that it has a manager, and since when it has none.
    is_recorded_up: bool = False
    absent_since: float = 0.0
    is_on_this_machine: bool = True
    # Whether its record was deleted: no manager will come back to it.
    is_deleted: bool = False


class WorldSnapshot(NamedTuple):
    """Everything that one plan is made from."""

    services: tuple[ServiceSnapshot, ...] = ()
    hosts: tuple[HostSnapshot, ...] = ()
    # The host whose manager plans, and whether it plans for all hosts.
    own_host: int = 0
    is_leader: bool = True
    # Since when the planning manager has looked.
    observer_since: float = 0.0

    @property
    def supervised_hosts(self) -> frozenset[int]:
        """The hosts whose instances the planning manager stops: of the leader, absent ones too."""
        absent = [h.id for h in self.hosts if not h.is_up and h.is_on_this_machine]
        return frozenset({self.own_host, *(absent if self.is_leader else ())})
