"""The JSON documents: what the engine says of its objects.

Lists are arrays of these. Times are seconds since the epoch (None: not yet).
Fields may be added, never renamed or dropped; then `version` stays 1.
"""

from __future__ import annotations

from typing import Any, TypedDict


class CodebaseRefDocument(TypedDict):
    """The codebase that something runs."""

    name: str
    ref: str
    commit: str


class ExitDocument(TypedDict):
    """How a process ended: `code` or `signal`, or neither when nobody saw it."""

    code: int | None
    signal: int | None
    cause: str | None


class ProbeDocument(TypedDict):
    """One probe of a service; `probe` is as `--readiness` takes it."""

    probe: str
    period_seconds: float
    timeout_seconds: float
    failure_threshold: int


class InstanceDocument(TypedDict):
    """One ServiceInstance."""

    kind: str
    version: int
    id: str
    service: str
    host: str
    state: str
    ready: bool
    slot: int
    owner: str | None
    one_off: bool
    pid: int | None
    port: int | None
    commit: str
    release: int
    created_at: float
    started_at: float | None
    running_at: float | None
    stopping_at: float | None
    ended_at: float | None
    exit: ExitDocument | None
    stopped_by: str | None
    reason: str | None
    message: str
    health: str
    failures: int
    restarts: int
    cpu_percent: float | None
    rss_bytes: int | None
    open_files: int | None
    threads: int | None
    log: str


ServiceDocument = TypedDict(
    "ServiceDocument",
    {
        "kind": str,
        "version": int,
        "name": str,
        "state": str,
        "reason": str,
        "desired_count": int,
        "paused": bool,
        "target_count": int,
        "running_count": int,
        "ready_count": int,
        "hosts_without_manager": list[str],
        "codebase": CodebaseRefDocument | None,
        "class": str,
        "singleton": bool,
        "port": str,
        "placement": str,
        "move_after_seconds": float | None,
        "cores": float,
        "ram_gb": float,
        "memory_limit_bytes": int | None,
        "memory_held_by": str | None,
        "cpu_limit": float | None,
        "cpu_held_by": str | None,
        "restart": str,
        "stop_grace_seconds": float,
        "stop_signal": str,
        "readiness": ProbeDocument | None,
        "liveness": ProbeDocument | None,
        "start_grace_seconds": float,
        "on_unhealthy": str,
        "depends_on": list[str],
        "waits_for": list[str],
        "schedule": str | None,
        "time_zone": str,
        "overlap": str,
        "next_run_at": float | None,
        "log_max_bytes": int,
        "log_quota_bytes": int,
        "restarts": int,
        "crashes": int,
        "failed_starts": int,
        "release": int | None,
        "candidate": int | None,
        "lock": str,
        "config": dict[str, Any],
        "env_names": list[str],
        "created_at": float,
        "instances": list[InstanceDocument],
    },
)


class CodebaseDocument(TypedDict):
    """One Codebase."""

    kind: str
    version: int
    name: str
    repo: str
    ref: str
    refs: list[str]
    commit: str
    subject: str
    added_at: float
    path: str
    source_root: str | None
    state: str
    environment: str
    used_by: list[str]


ServiceClassDocument = TypedDict(
    "ServiceClassDocument",
    {"kind": str, "version": int, "class": str, "path": str, "line": int, "doc": str},
)

ReleaseDocument = TypedDict(
    "ReleaseDocument",
    {
        "kind": str,
        "version": int,
        "service": str,
        "number": int,
        "outcome": str,
        "action": str | None,
        "rolled_back_to": int | None,
        "ref": str,
        "changes": list[str],
        "reason": str | None,
        "codebase": CodebaseRefDocument,
        "class": str,
        "created_at": float,
        "finished_at": float | None,
        "actor": str,
        "settle_seconds": float,
    },
)


class HostDocument(TypedDict):
    """One ServiceHost."""

    kind: str
    version: int
    name: str
    placement: str
    state: str
    cores: float
    cores_reserved: float
    ram_gb: float
    ram_gb_reserved: float
    instances: int
    max_instances: int | None
    last_seen_at: float | None
    reason: str


class ManagerDocument(TypedDict):
    """The manager of one host."""

    kind: str
    version: int
    host: str
    strategy: str
    state: str
    pid: int | None
    started_at: float | None
    odbctl_version: str
    log: str
    # What keeps it from its work; empty when nothing does.
    problem: str


class EventDocument(TypedDict):
    """One Event."""

    kind: str
    version: int
    at: float
    level: str
    object: str
    service: str | None
    reason: str
    message: str
    actor: str
    release: int | None


class FiguresDocument(TypedDict):
    """What one instance used; CPU in percent of a core, on average since the point before."""

    kind: str
    version: int
    instance: str
    at: float
    cpu_percent: float
    rss_bytes: int
    open_files: int
    threads: int


class HookDocument(TypedDict):
    """One Hook; of its headers only the names are shown."""

    kind: str
    version: int
    name: str
    command: list[str]
    url: str
    header_names: list[str]
    service: str
    reasons: list[str]
    level: str
    debounce_seconds: float
    timeout_seconds: float
    enabled: bool


class LogDocument(TypedDict):
    """One record of a log; `text` has several lines for a traceback.

    Of a line that was a JSON object, `fields` has what is neither its level nor its message.
    """

    kind: str
    version: int
    at: float
    service: str
    instance: str
    stream: str
    level: str
    text: str
    fields: dict[str, object]


class CheckDocument(TypedDict):
    """One check of `doctor`; `hint` says how to mend it."""

    kind: str
    version: int
    name: str
    ok: bool
    message: str
    hint: str


class WhyDocument(TypedDict):
    """Why a service is as it is."""

    kind: str
    version: int
    service: ServiceDocument
    lines: list[str]
    log: list[LogDocument]
    events: list[EventDocument]
