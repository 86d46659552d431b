"""What the dashboard shows: frozen rows, made from the engine's documents. Pure.

The reader thread makes one `DashboardSnapshot` per change; screens compare,
filter and draw it. Times are seconds since the epoch, None when not yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from odbctl.engine.api.documents import (
    EventDocument,
    InstanceDocument,
    ManagerDocument,
    ServiceDocument,
)
from odbctl.tui.resource_rows import AwsRow, CodebaseRow, HostRow, MachineLoad, ReleaseRow
from odbctl.tui.views import View

DEGRADED_STATES = frozenset({"degraded", "backoff", "waiting"})
RUN_FAILED = "run failed"
FAILED_STATES = frozenset({"crash-loop", "throttled", "unplaceable", RUN_FAILED})
# What probes say of an instance that does not do its work.
ILL_WORDS = frozenset({"unhealthy", "not ready"})
ENDED_INSTANCE_STATES = frozenset({"stopped", "failed", "crashed", "lost"})


class ManagerState(StrEnum):
    """Whether somebody acts on what is wanted."""

    RUNNING = "running"  # at least one manager lives
    STOPPED = "stopped"  # there was one
    ABSENT = "absent"  # this home never had one


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceRow:
    """One run of a service; `last_exit` is its own, or the one before it in its slot."""

    key: str
    state: str
    is_current: bool
    pid: int | None
    release: int
    running_at: float | None
    ended_at: float | None
    last_exit: str
    reason: str
    service: str = ""
    host: str = ""
    health: str = ""
    cpu_percent: float | None = None
    rss_bytes: int | None = None
    failures: int = 0
    started_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRow:
    """One service; CPU and RSS are those of all its instances."""

    key: str
    state: str
    reason: str
    ready_count: int
    desired_count: int
    is_singleton: bool
    ref: str
    restarts: int
    created_at: float
    instance_count: int
    codebase: str = ""
    placement: str = ""
    deployed_at: float | None = None
    cpu_percent: float | None = None
    rss_bytes: int | None = None
    # The newest last, in percent of a core.
    cpu_history: tuple[float, ...] = ()
    is_scheduled: bool = False
    is_paused: bool = False
    # Why the last run of a job or a schedule failed, and why the newest release did.
    failed_run: str = ""
    failed_release: str = ""
    # The ids of its current instances that have not ended.
    instances: tuple[str, ...] = ()

    @property
    def is_wanted(self) -> bool:
        """Whether instances of it are wanted: it was started, and not stopped since."""
        return self.desired_count > 0 and not self.is_paused

    @property
    def is_at_rest(self) -> bool:
        """Whether it waits as it is meant to, for its next run."""
        return self.is_scheduled and self.state == "waiting" and not self.failed_run

    @property
    def shown_state(self) -> str:
        """The state, or that the last run failed: a schedule that waits may hide that."""
        return RUN_FAILED if self.failed_run else self.state

    @property
    def full_reason(self) -> str:
        """Everything that is not as wanted, the last failure first."""
        # The reason of a service at rest is that of its last run.
        reason = "" if self.failed_run.endswith(f": {self.reason}") else self.reason
        return "; ".join(filter(None, (self.failed_run, self.failed_release, reason)))


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """An event, `count` times in a row; `at` is the last of them."""

    key: str
    at: float
    level: str
    subject: str
    reason: str
    message: str
    count: int = 1
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What is read of the selected service only; events are the newest first."""

    service: str
    instances: tuple[InstanceRow, ...] = ()
    events: tuple[EventRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardSnapshot:
    """Everything on the screen, as of one moment.

    Services are always there, for the header counts them; of the other
    resources only those are that `view` shows. Two that say the same are equal.
    """

    home: str
    manager: ManagerState
    services: tuple[ServiceRow, ...]
    detail: Detail | None = None
    view: View = View.SERVICES
    host: str = ""
    instances: tuple[InstanceRow, ...] = ()
    hosts: tuple[HostRow, ...] = ()
    codebases: tuple[CodebaseRow, ...] = ()
    events: tuple[EventRow, ...] = ()
    deploys: tuple[ReleaseRow, ...] = ()
    aws: tuple[AwsRow, ...] = ()
    machine: MachineLoad | None = None
    read_at: float = field(default=0.0, compare=False)

    def service(self, name: str | None) -> ServiceRow | None:
        """Return the service of that name, if there is one."""
        return next((row for row in self.services if row.key == name), None)

    def count(self, states: Iterable[str]) -> int:
        """Return how many services are in one of the states."""
        wanted = frozenset(states)
        return sum(row.shown_state in wanted and not row.is_at_rest for row in self.services)


def manager_state(documents: Sequence[ManagerDocument]) -> ManagerState:
    """Say whether any of the managers lives."""
    if any(document["state"] == "running" for document in documents):
        return ManagerState.RUNNING
    return ManagerState.STOPPED if documents else ManagerState.ABSENT


def instance_rows(
    documents: Iterable[InstanceDocument],
    *,
    current: Iterable[str],
    health: Mapping[str, str] | None = None,
) -> tuple[InstanceRow, ...]:
    """Make the rows of a service's instances, the current ones first, then the newest.

    Args:
        documents: All of its instances, the oldest first.
        current: The ids of those that supervision looks at.
        health: What probes say of the current ones, in a word, by id.
    """
    current_ids = frozenset(current)
    exits: dict[int, str] = {}
    rows: list[InstanceRow] = []
    for document in documents:
        if document["exit"] is not None:
            exits[document["slot"]] = exit_text(document)
        word = (health or {}).get(document["id"], "")
        row = _instance_row(document, is_current=document["id"] in current_ids, health=word)
        rows.append(row if row.last_exit else _with_exit(row, exits.get(document["slot"], "")))
    past = [row for row in reversed(rows) if not row.is_current]
    return (*(row for row in rows if row.is_current), *past)


def _with_exit(row: InstanceRow, last_exit: str) -> InstanceRow:
    return replace(row, last_exit=last_exit) if last_exit else row


def health_words(service: ServiceDocument) -> dict[str, str]:
    """Say in a word what the probes say of each current instance of a service, by id."""
    return {
        instance["id"]: _health_word(service, instance)
        for instance in service["instances"]
        if instance["state"] not in ENDED_INSTANCE_STATES
    }


def _health_word(service: ServiceDocument, instance: InstanceDocument) -> str:
    if service["readiness"] is None:
        return "" if service["liveness"] is None else "healthy"
    if instance["ready"]:
        return "ready"
    return "not ready" if instance["health"] else "unknown"


def _instance_row(document: InstanceDocument, *, is_current: bool, health: str) -> InstanceRow:
    is_ill = health in ILL_WORDS
    return InstanceRow(
        key=document["id"],
        state=document["state"],
        is_current=is_current,
        pid=document["pid"],
        release=document["release"],
        running_at=document["running_at"],
        ended_at=document["ended_at"],
        last_exit=exit_text(document),
        reason=document["reason"] or (document["health"] if is_ill else "") or document["message"],
        service=document["service"],
        host=document["host"],
        health=health,
        cpu_percent=document["cpu_percent"],
        rss_bytes=document["rss_bytes"],
        failures=document["failures"],
        started_at=document["started_at"],
    )


def exit_text(document: InstanceDocument) -> str:
    """Say how an instance ended, never guessing; empty while it lives."""
    ended = document["exit"]
    if ended is None:
        return ""
    if ended["signal"] is not None:
        return f"signal {ended['signal']}"
    if ended["code"] is not None:
        return f"code {ended['code']}"
    return "unknown"


def event_rows(documents: Sequence[EventDocument]) -> tuple[EventRow, ...]:
    """Make rows of events, the newest first, repeats in a row as one.

    A row is known by the first of its repeats, so that it stays the same row when more come.
    """
    runs: list[list[EventDocument]] = []
    for document in documents:
        if runs and _says(runs[-1][0]) == _says(document):
            runs[-1].append(document)
        else:
            runs.append([document])
    taken = Counter[str]()
    rows: list[EventRow] = []
    for run in runs:
        key = f"{run[0]['at']}/{run[0]['object']}/{run[0]['reason']}"
        taken[key] += 1
        number = f"/{taken[key]}" if taken[key] > 1 else ""
        rows.append(_event_row(run[-1], key=f"{key}{number}", count=len(run)))
    return tuple(reversed(rows))


def _event_row(document: EventDocument, *, key: str, count: int) -> EventRow:
    return EventRow(
        key=key,
        at=document["at"],
        level=document["level"],
        subject=document["object"],
        reason=document["reason"],
        message=document["message"],
        count=count,
        actor=document["actor"],
    )


def _says(document: EventDocument) -> tuple[str, str, str, str]:
    return (document["level"], document["object"], document["reason"], document["message"])
