"""Rows of what is no service: hosts, codebases, deploys, machines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from odbctl.engine.api.documents import (
    CodebaseDocument,
    HostDocument,
    ManagerDocument,
    ReleaseDocument,
)
from odbctl.tui.text import short_ref


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRow:
    """Where instances run; `load` only of this machine, while its manager lives."""

    key: str
    state: str
    cores: float
    cores_reserved: float
    ram_gb: float
    ram_gb_reserved: float
    instance_count: int
    max_instances: int | None
    placement: str
    load: float | None
    version: str
    last_seen_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodebaseRow:
    """A commit that was added; `newer_count` are versions of the same ref added later."""

    key: str
    name: str
    refs: tuple[str, ...]
    commit: str
    state: str
    newer_count: int
    repo: str
    added_at: float
    used_by: tuple[str, ...]
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRow:
    """One release of a service."""

    key: str
    number: int
    service: str
    ref: str
    commit: str
    outcome: str
    reason: str
    class_spec: str
    created_at: float
    finished_at: float | None
    actor: str
    action: str = ""
    changes: tuple[str, ...] = ()

    @property
    def short_ref(self) -> str:
        """The ref with what it resolved to."""
        return short_ref(self.ref, self.commit)


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsRow:
    """A machine in the cloud."""

    key: str
    state: str
    type: str
    group: str
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineLoad:
    """What this machine did of late, the newest last, in percent of all that it has."""

    cpu_percents: tuple[float, ...]
    ram_percents: tuple[float, ...]
    ram_bytes: int


def host_rows(
    documents: Sequence[HostDocument], managers: Sequence[ManagerDocument], load: float | None
) -> tuple[HostRow, ...]:
    """Make the rows of hosts; `load` is this machine's."""
    versions = {manager["host"]: manager["odbctl_version"] for manager in managers}
    return tuple(
        HostRow(
            key=d["name"],
            state=d["state"],
            cores=d["cores"],
            cores_reserved=d["cores_reserved"],
            ram_gb=d["ram_gb"],
            ram_gb_reserved=d["ram_gb_reserved"],
            instance_count=d["instances"],
            max_instances=d["max_instances"],
            placement=d["placement"],
            load=load if d["state"] != "down" else None,
            version=versions.get(d["name"], ""),
            last_seen_at=d["last_seen_at"],
        )
        for d in documents
    )


def codebase_rows(documents: Sequence[CodebaseDocument]) -> tuple[CodebaseRow, ...]:
    """Make the rows of codebases, of each name and ref the newest first."""
    newer: dict[tuple[str, str], int] = {}
    rows: list[CodebaseRow] = []
    for d in documents:
        place = (d["name"], d["ref"])
        count = newer.setdefault(place, 0)
        newer[place] += 1
        rows.append(_codebase_row(d, count))
    return tuple(rows)


def _codebase_row(d: CodebaseDocument, newer_count: int) -> CodebaseRow:
    return CodebaseRow(
        # Two settings of the same commit are two codebases.
        key=f"{d['name']}@{d['commit'][:12]}/{d['added_at']}",
        name=d["name"],
        refs=tuple(d["refs"]),
        commit=d["commit"],
        state=d["state"],
        newer_count=newer_count,
        repo=d["repo"],
        added_at=d["added_at"],
        used_by=tuple(d["used_by"]),
        subject=d["subject"],
    )


def release_rows(documents: Iterable[ReleaseDocument]) -> tuple[ReleaseRow, ...]:
    """Make the rows of releases, in their order."""
    return tuple(
        ReleaseRow(
            key=f"{d['service']}/{d['number']}",
            number=d["number"],
            service=d["service"],
            ref=d["codebase"]["ref"],
            commit=d["codebase"]["commit"],
            outcome=d["outcome"],
            reason=d["reason"] or "",
            class_spec=d["class"],
            created_at=d["created_at"],
            finished_at=d["finished_at"],
            actor=d["actor"],
            action=_action_text(d),
            changes=tuple(d["changes"]),
        )
        for d in documents
    )


def _action_text(d: ReleaseDocument) -> str:
    target = d["rolled_back_to"]
    return (d["action"] or "") + (f" to {target}" if target is not None else "")


def newest_first(rows: Iterable[ReleaseRow]) -> tuple[ReleaseRow, ...]:
    """Return the releases of one service, the newest first."""
    return tuple(sorted(rows, key=lambda row: -row.number))
