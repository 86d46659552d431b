"""The tables of the dashboard: columns, cells, what they are sorted and searched by. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from odbctl.tui.arrange import Resource, Value
from odbctl.tui.columns import (
    ALL_EVENT_COLUMNS,
    ALL_INSTANCE_COLUMNS,
    ATTENTION_COLUMNS,
    AWS_COLUMNS,
    CODEBASE_COLUMNS,
    DEPLOY_COLUMNS,
    HOST_COLUMNS,
    SERVICE_COLUMNS,
)
from odbctl.tui.paint import (
    DEPLOY_FAILED,
    NOTHING,
    Cell,
    Tone,
    event_cells,
    instance_cells,
    service_cells,
    state_cell,
)
from odbctl.tui.resource_cells import aws_cells, codebase_cells, deploy_cells, host_cells
from odbctl.tui.resource_rows import AwsRow, CodebaseRow, HostRow, ReleaseRow
from odbctl.tui.snapshot import (
    ILL_WORDS,
    DashboardSnapshot,
    EventRow,
    InstanceRow,
    ManagerState,
    ServiceRow,
)
from odbctl.tui.text import visible
from odbctl.tui.views import View

_CALM_SERVICES = frozenset({"running", "stopped", "starting", "stopping"})
_CALM_INSTANCES = frozenset({"running", "stopped", "booting", "initializing", "stopping"})


def service_values(row: ServiceRow) -> dict[str, Value]:
    """Return what services are sorted and filtered by; ages grow downwards."""
    return {
        "NAME": row.key,
        "STATUS": row.shown_state,
        "STATE": row.state,
        "READY": row.ready_count / row.desired_count if row.desired_count else None,
        "REF": row.ref,
        "CPU": row.cpu_percent,
        "RSS": row.rss_bytes,
        "RESTARTS": row.restarts,
        "AGE": -row.created_at,
        "CODEBASE": row.codebase,
        "PLACEMENT": row.placement,
        "DEPLOYED": None if row.deployed_at is None else -row.deployed_at,
        "CPU-TREND": row.cpu_percent,
        "REASON": row.full_reason,
    }


def is_service_fault(row: ServiceRow) -> bool:
    """Tell whether a service is not as wanted: now, in its last run or its last deploy."""
    if row.failed_run or row.failed_release:
        return True
    return row.state not in _CALM_SERVICES and not row.is_at_rest


def instance_values(row: InstanceRow) -> dict[str, Value]:
    """Return what instances are sorted and filtered by."""
    return {
        "ID": row.key,
        "SERVICE": row.service,
        "STATUS": row.state,
        "STATE": row.state,
        "HEALTH": row.health,
        "PID": row.pid,
        "CPU": row.cpu_percent,
        "RSS": row.rss_bytes,
        "RESTARTS": row.failures,
        "UP": None if row.running_at is None else -row.running_at,
        "RELEASE": row.release,
        "HOST": row.host,
        "LAST-EXIT": row.last_exit,
        "STARTED": row.started_at,
        "REASON": row.reason,
    }


def is_instance_fault(row: InstanceRow) -> bool:
    """Tell whether an instance is not as wanted."""
    return row.state not in _CALM_INSTANCES or row.health in ILL_WORDS


def host_values(row: HostRow) -> dict[str, Value]:
    """Return what hosts are sorted and filtered by."""
    return {
        "NAME": row.key,
        "STATE": row.state,
        "CORES": row.cores,
        "RAM": row.ram_gb,
        "INSTANCES": row.instance_count,
        "PLACEMENT": row.placement,
        "LOAD": row.load,
        "VERSION": row.version,
        "LAST-SEEN": None if row.last_seen_at is None else -row.last_seen_at,
    }


def codebase_values(row: CodebaseRow) -> dict[str, Value]:
    """Return what codebases are sorted and filtered by."""
    return {
        "NAME": row.name,
        "REF": ", ".join(row.refs),
        "SHA": row.commit,
        "STATE": row.state,
        "BEHIND": row.newer_count,
        "FETCHED": -row.added_at,
        "USED-BY": ", ".join(row.used_by),
        "REPO": row.repo,
        "SUBJECT": row.subject,
    }


def event_values(row: EventRow) -> dict[str, Value]:
    """Return what events are sorted and filtered by."""
    return {
        "TIME": row.at,
        "LEVEL": row.level,
        "OBJECT": row.subject,
        "REASON": row.reason,
        "MESSAGE": row.message,
        "ACTOR": row.actor,
    }


def deploy_values(row: ReleaseRow) -> dict[str, Value]:
    """Return what releases are sorted and filtered by."""
    took = None if row.finished_at is None else row.finished_at - row.created_at
    return {
        "REV": row.number,
        "SERVICE": row.service,
        "REF": row.short_ref,
        "STATUS": row.outcome,
        "AGE": -row.created_at,
        "DURATION": took,
        "BY": row.actor,
        "ACTION": row.action,
        "CHANGES": ", ".join(row.changes),
        "REASON": row.reason,
    }


def aws_values(row: AwsRow) -> dict[str, Value]:
    """Return what machines are sorted and filtered by."""
    return {
        "INSTANCE": row.key,
        "TYPE": row.type,
        "GROUP": row.group,
        "STATE": row.state,
        "AGE": -row.created_at,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionRow:
    """Something that is not as wanted; `service` is set if it is one."""

    key: str
    status: str
    reason: str
    service: str = ""


def attention_rows(snapshot: DashboardSnapshot) -> tuple[AttentionRow, ...]:
    """Return what somebody should look at, what is worst first."""
    rows: list[AttentionRow] = []
    if snapshot.manager is not ManagerState.RUNNING and snapshot.services:
        text = "no instances are started or replaced; u on a service, or: odbctl manager start"
        rows.append(AttentionRow(key="manager", status="no manager", reason=text))
    rows += [
        AttentionRow(key=f"host/{row.key}", status=row.state, reason="its manager is not running")
        for row in snapshot.hosts
        if row.state == "down" and row.instance_count
    ]
    faults = [
        AttentionRow(
            key=f"service/{row.key}",
            status=_fault_word(row),
            reason=row.full_reason,
            service=row.key,
        )
        for row in snapshot.services
        if is_service_fault(row)
    ]
    return (*rows, *sorted(faults, key=lambda row: (_rank(row.status), row.key)))


def _fault_word(row: ServiceRow) -> str:
    """Say in a word what is not as wanted; a failed deploy of a service that runs is a fault."""
    is_calm = row.shown_state in _CALM_SERVICES
    return DEPLOY_FAILED if row.failed_release and is_calm else row.shown_state


def _rank(status: str) -> int:
    return 0 if state_cell(status).tone is Tone.BAD else 1


def attention_cells(row: AttentionRow, now: float) -> dict[str, Cell]:
    """Return the cells of what needs attention; `now` is of no matter to it."""
    del now
    return {
        "OBJECT": Cell(visible(row.key), Tone.STRONG),
        "STATUS": state_cell(row.status),
        "REASON": Cell(visible(row.reason)) if row.reason else NOTHING,
    }


def attention_values(row: AttentionRow) -> dict[str, Value]:
    """Return what it is sorted and filtered by."""
    return {"OBJECT": row.key, "STATUS": row.status, "REASON": row.reason}


SERVICES: Resource[ServiceRow] = Resource(
    view=View.SERVICES,
    specs=SERVICE_COLUMNS,
    cells_of=service_cells,
    values_of=service_values,
    searched=("NAME", "STATUS", "REF", "REASON"),
    is_fault=is_service_fault,
)
INSTANCES: Resource[InstanceRow] = Resource(
    view=View.INSTANCES,
    specs=ALL_INSTANCE_COLUMNS,
    cells_of=instance_cells,
    values_of=instance_values,
    searched=("ID", "SERVICE", "STATUS", "HEALTH", "REASON"),
    is_fault=is_instance_fault,
)
HOSTS: Resource[HostRow] = Resource(
    view=View.HOSTS,
    specs=HOST_COLUMNS,
    cells_of=host_cells,
    values_of=host_values,
    searched=("NAME", "STATE", "PLACEMENT"),
    is_fault=lambda row: row.state == "down",
)
CODEBASES: Resource[CodebaseRow] = Resource(
    view=View.CODEBASES,
    specs=CODEBASE_COLUMNS,
    cells_of=codebase_cells,
    values_of=codebase_values,
    searched=("NAME", "REF", "SHA", "STATE", "USED-BY", "SUBJECT"),
    is_fault=lambda row: row.state != "ready",
)
EVENTS: Resource[EventRow] = Resource(
    view=View.EVENTS,
    specs=ALL_EVENT_COLUMNS,
    cells_of=event_cells,
    values_of=event_values,
    searched=("LEVEL", "OBJECT", "REASON", "MESSAGE"),
    is_fault=lambda row: row.level != "info",
)
AWS: Resource[AwsRow] = Resource(
    view=View.AWS,
    specs=AWS_COLUMNS,
    cells_of=aws_cells,
    values_of=aws_values,
    searched=("INSTANCE", "TYPE", "GROUP", "STATE"),
    is_fault=lambda row: row.state not in ("running", "stopped"),
)
DEPLOYS: Resource[ReleaseRow] = Resource(
    view=View.DEPLOYS,
    specs=DEPLOY_COLUMNS,
    cells_of=deploy_cells,
    values_of=deploy_values,
    searched=("SERVICE", "REF", "STATUS", "BY", "REASON"),
    is_fault=lambda row: row.outcome == "failed",
)
ATTENTION: Resource[AttentionRow] = Resource(
    view=View.OVERVIEW,
    specs=ATTENTION_COLUMNS,
    cells_of=attention_cells,
    values_of=attention_values,
    searched=("OBJECT", "STATUS", "REASON"),
    is_fault=lambda _row: True,
)
