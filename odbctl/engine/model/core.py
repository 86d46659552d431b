"""The core schema: the engine's own state, as objects of the object database.

Every process that takes part reads and writes these: the command line, the
dashboard, managers and workers. Times are seconds since the epoch (UTC).
"""

from __future__ import annotations

from odbctl.engine.model.probes import Probe
from odbctl.engine.model.states import (
    ANY_PLACEMENT,
    DEFAULT_HOST_PLACEMENT,
    CodebaseLock,
    EventLevel,
    ExitCause,
    HostState,
    InstanceState,
    Overlap,
    ReleaseAction,
    ReleaseOutcome,
    RestartPolicy,
)
from odbctl.engine.odb import DbObject, Index, Indexed, Schema, Secret, Unique

ConfigValue = str | int | float | bool | None

# What managers understand of what commands write. Counts up when commands write something
# that earlier managers ignore; 1: paused services and requested runs.
MANAGER_GENERATION = 1

# The name that an object has after its deletion, for those who still refer to it.
DELETED = "(deleted)"

core = Schema("core")


@core.define
class Codebase(DbObject):
    """A commit that a git ref resolved to, checked out once.

    Nothing of it changes but the refs, which are added to.
    """

    name: Indexed[str]
    location: str
    # The ref that the commit was first added under.
    ref: str
    commit: Indexed[str]
    tree: str
    added_at: float
    subject: str = ""
    source_root: str | None = None
    python: str | None = None
    # Every ref that the commit was added under, and when it last was. Empty in homes of
    # earlier versions until the commit is added again.
    ref_added_at: dict[str, float] = {}

    @property
    def refs(self) -> list[str]:
        """Every ref that the commit was added under, the first one first."""
        return list(self._ref_times())

    @property
    def last_ref(self) -> str:
        """The ref that the commit was added under last."""
        times = self._ref_times()
        return max(times, key=lambda ref: times[ref])

    @property
    def last_added_at(self) -> float:
        """When the commit was last added, under any ref."""
        return max(self._ref_times().values())

    def added_under_at(self, ref: str) -> float:
        """Return when the commit was last added under one of its refs."""
        return self._ref_times()[ref]

    def add_ref(self, ref: str, *, at: float) -> None:
        """Keep a ref that the commit was added under. Needs an open transaction."""
        self.ref_added_at = {**self._ref_times(), ref: at}

    def _ref_times(self) -> dict[str, float]:
        return {self.ref: self.added_at} | dict(self.ref_added_at)


@core.define
class Service(DbObject):
    """What is wanted: a number of instances of a ServiceBase subclass of a codebase."""

    name: Unique[str]
    created_at: float
    desired_count: int = 0
    # While paused no instance is wanted; the desired count stays for the next start.
    is_paused: bool = False
    # Paused together with the manager: the next `manager start` ends the pause.
    resumes_with_manager: bool = False
    singleton: bool = False
    # Whether each instance gets a free port of its own, as PORT in its environment.
    wants_port: bool = False
    placement: str = ANY_PLACEMENT
    # How long a host may be without a manager before the instances there move; None: never.
    move_after_seconds: float | None = 60.0
    cores: float = 0.0
    ram_gb: float = 0.0
    restart: RestartPolicy = RestartPolicy.ALWAYS
    stop_grace_seconds: float = 10.0
    stop_signal: str = "SIGTERM"
    # Whether an instance is ready for work, and whether it is alive at all.
    readiness: Probe | None = None
    liveness: Probe | None = None
    start_grace_seconds: float = 30.0
    replaces_unhealthy: bool = True
    # What the kernel holds each instance to.
    memory_limit_bytes: int | None = None
    cpu_limit: float | None = None
    # Names of the services that have to be ready before an instance is started.
    depends_on: list[str] = []
    # A cron expression, its time zone ("" is the machine's); the run that is under way
    # began at `run_at`, the next one is due at `next_run_at`.
    schedule: str | None = None
    time_zone: str = ""
    overlap: Overlap = Overlap.SKIP
    run_at: float = 0.0
    next_run_at: float | None = None
    # The name of the instance of a run that a person asked for and that has not begun.
    requested_run: str | None = None
    log_segment_bytes: int = 10 * 2**20
    log_quota_bytes: int = 100 * 2**20
    lock: CodebaseLock = CodebaseLock.UNLOCKED
    is_removed: bool = False
    # The release that runs, and the one that is being rolled out beside it.
    release: Release | None = None
    candidate: Release | None = None
    release_count: int = 0
    instance_count: int = 0
    # Failed starts in a row; failures before `reset_at` no longer count.
    failed_starts: int = 0
    reset_at: float = 0.0
    restarts: int = 0
    crashes: int = 0
    unplaceable_count: int = 0
    shortage: str | None = None

    @property
    def target_count(self) -> int:
        """The number of instances to aim at now: none while the service is paused."""
        if self.is_paused or self.is_removed:
            return 0
        return min(self.desired_count, 1) if self.singleton else self.desired_count

    def current_instances(self) -> tuple[ServiceInstance, ...]:
        """Return the instances that supervision looks at. Needs an open view."""
        return ServiceInstance.lookup_all(service=self, is_current=True)

    def next_instance_name(self) -> str:
        """Count an instance and return its name. Needs an open transaction.

        Names are left out that instances of an earlier, deleted service of this name have.
        """
        while True:
            self.instance_count += 1
            name = f"{self.name}-{self.instance_count}"
            if ServiceInstance.lookup_unique(name=name) is None:
                return name


@core.define
class Release(DbObject):
    """One deployment of a service: what runs, since when, by whom, how it went."""

    service: Indexed[Service]
    number: int
    codebase: Indexed[Codebase]
    module: str
    class_name: str
    created_at: float
    actor: str
    config: dict[str, ConfigValue] = {}
    env: Secret[dict[str, str]] = {}
    # How long each new instance has to stay ready before the old ones stop.
    settle_seconds: float = 0.0
    outcome: ReleaseOutcome = ReleaseOutcome.ROLLING
    finished_at: float | None = None
    reason: str | None = None
    # The ref as it was typed, and what made the release. Releases of earlier versions have
    # neither.
    ref: str = ""
    action: ReleaseAction | None = None
    rolled_back_to: int | None = None
    # What differs from the release before, as texts without secrets.
    changes: list[str] = []
    # Name and commit of its codebase, once that was removed.
    removed_codebase: str = ""
    removed_commit: str = ""

    @property
    def asked_ref(self) -> str:
        """The ref that was asked for; it stays when the commit gets further refs."""
        return self.ref or (self.codebase.ref if self.codebase.exists() else "")

    @property
    def commit(self) -> str:
        """The commit that it runs or ran; empty if nobody kept it when it was removed."""
        return self.codebase.commit if self.codebase.exists() else self.removed_commit

    @property
    def codebase_name(self) -> str:
        """The name of its codebase, also of one that was removed."""
        return self.codebase.name if self.codebase.exists() else self.removed_codebase

    def keep_codebase(self) -> None:
        """Keep what the record says of the codebase, which is about to be removed."""
        self.ref = self.asked_ref
        self.removed_codebase, self.removed_commit = self.codebase_name, self.commit

    @property
    def class_spec(self) -> str:
        """The class as `module:Class`."""
        return f"{self.module}:{self.class_name}"


@core.define
class ServiceHost(DbObject):
    """A place where instances run, supervised by one manager."""

    name: Unique[str]
    placement: str = DEFAULT_HOST_PLACEMENT
    hostname: str = ""
    cores: float = 0.0
    ram_gb: float = 0.0
    max_instances: int | None = None
    # What `host set` has changed, by field; it wins over the options of the manager.
    overrides: dict[str, ConfigValue] = {}
    state: HostState = HostState.DOWN
    is_draining: bool = False
    # Kept for the instances that ran there, until a manager of that name starts again.
    is_removed: bool = False
    strategy: str = ""
    start_method: str | None = None
    version: str = ""
    is_kept: bool = False
    # What holds an instance to its memory limit here.
    limits_held_by: str = ""
    boot_id: str = ""
    manager_pid: int | None = None
    manager_start_ticks: int | None = None
    started_at: float | None = None
    last_seen_at: float | None = None
    # What keeps its manager from its work; empty when nothing does.
    problem: str = ""
    # The last commit whose events hooks were called for, by this host's manager.
    hooks_seen: int | None = None
    # The MANAGER_GENERATION of the manager that started at `generation_at`. Earlier versions
    # write neither, but do write `started_at`.
    generation: int = 0
    generation_at: float | None = None

    @property
    def is_outdated(self) -> bool:
        """Whether its manager runs an odbctl that ignores some of what this one writes."""
        is_known = self.generation_at is not None and self.generation_at == self.started_at
        return not is_known or self.generation < MANAGER_GENERATION


@core.define
class ServiceInstance(DbObject):
    """One run of a service on a host; kept after it ended.

    `is_current` holds from its creation until it has ended and needs no
    successor any more: what supervision looks at.
    """

    name: Unique[str]
    service: Indexed[Service]
    release: Release
    host: ServiceHost
    slot: int
    created_at: float
    owner: Indexed[ServiceInstance | None] = None
    is_current: Indexed[bool] = True
    # A run that a person asked for: it has no slot to fill and is not tried again.
    is_one_off: bool = False
    state: InstanceState = InstanceState.BOOTING
    # Runs of this slot that ended badly in a row before this one.
    failures: int = 0
    boot_id: str = ""
    pid: int | None = None
    start_ticks: int | None = None
    # The free port that it was given.
    port: int | None = None
    # The name of the system's error that it failed by, as EADDRINUSE; empty for any other end.
    error_name: str = ""
    started_at: float | None = None
    running_at: float | None = None
    stopping_at: float | None = None
    ended_at: float | None = None
    exit_code: int | None = None
    exit_signal: int | None = None
    exit_cause: ExitCause | None = None
    # The person who asked this instance to stop, or killed it.
    stopped_by: str = ""
    killed_by: str = ""
    # What its readiness probe says (None before its first answer), and since when it is ready.
    is_ready: bool | None = None
    ready_at: float | None = None
    # When its liveness probe gave it up.
    unhealthy_at: float | None = None
    health: str = ""
    reason: str | None = None
    traceback: str | None = None
    message: str = ""
    # A child's own class (`module:Class`) and configuration; else the release's.
    child_class: str | None = None
    child_config: dict[str, ConfigValue] = {}
    # Ended instances are many: what is current of a service must not be found among them.
    current_of_service = Index("service", "is_current")

    @property
    def service_name(self) -> str:
        """The name of its service, also of one that was deleted."""
        name = self.service.name
        return self.name.rpartition("-")[0] if name == DELETED else name


@core.define
class Hook(DbObject):
    """What is called when an event of a kind has happened: a command, or a URL."""

    name: Unique[str]
    created_at: float
    command: list[str] = []
    url: str = ""
    headers: Secret[dict[str, str]] = {}
    # Patterns of names and reasons (fnmatch); empty means all.
    service: str = ""
    reasons: list[str] = []
    level: EventLevel = EventLevel.INFO
    debounce_seconds: float = 10.0
    timeout_seconds: float = 10.0
    is_enabled: bool = True
    # The last commit before it was there: what happened until then is not for it.
    added_after: int = 0


@core.define
class Event(DbObject):
    """A transition and its reason; kept after the objects it speaks of are gone."""

    at: float
    level: EventLevel
    service: Indexed[str | None]
    subject: str
    reason: str
    message: str
    actor: str
    release: int | None = None


# What is deleted in a transaction is deleted without what refers to it. A deleted service wants
# nothing, a deleted host has no manager, and a deleted release or codebase runs nothing.
_NEVER = 0.0
core.read_deleted(Codebase, name=DELETED, location="", ref="", commit="", tree="", added_at=_NEVER)
core.read_deleted(Service, name=DELETED, created_at=_NEVER, is_removed=True)
core.read_deleted(
    Release,
    service=Service.from_oid(0),
    number=0,
    codebase=Codebase.from_oid(0),
    module="",
    class_name="",
    created_at=_NEVER,
    actor="",
    outcome=ReleaseOutcome.FAILED,
    reason="it was deleted",
)
core.read_deleted(ServiceHost, name=DELETED, placement="", is_removed=True)
core.read_deleted(
    ServiceInstance,
    name=DELETED,
    service=Service.from_oid(0),
    release=Release.from_oid(0),
    host=ServiceHost.from_oid(0),
    slot=0,
    created_at=_NEVER,
    is_current=False,
    state=InstanceState.LOST,
    ended_at=_NEVER,
)
core.read_deleted(Hook, name=DELETED, created_at=_NEVER, is_enabled=False)
