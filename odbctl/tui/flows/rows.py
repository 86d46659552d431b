"""What the flows show: frozen rows, made from the engine's documents. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from odbctl.engine.api.documents import InstanceDocument
from odbctl.engine.api.plan_documents import DeployPlanDocument, PlanSideDocument, RefDocument
from odbctl.tui.snapshot import ENDED_INSTANCE_STATES, exit_text
from odbctl.tui.text import short_ref


class LogRow(NamedTuple):
    """One record of a log; `text` may have several lines."""

    at: float
    instance: str
    level: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefRow:
    """A branch, a tag, or what was typed (`kind` is then "typed" and `commit` empty)."""

    key: str
    kind: str
    commit: str = ""
    subject: str = ""
    changed_at: float | None = None
    is_deployed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitRow:
    """A commit of a plan; `sign` is + when it comes and - when it goes."""

    sign: str
    commit: str
    subject: str
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """What a deploy or a roll back would change."""

    service: str
    release: int
    to_release: int | None
    old: str
    new: str
    target: str
    new_commit: str
    old_subject: str
    new_subject: str
    relation: str
    commits: tuple[CommitRow, ...]
    hidden_count: int
    instances: tuple[tuple[str, str], ...]
    order: tuple[str, ...]
    keeps: tuple[str, ...]
    refusal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutRow:
    """One instance while a release is rolled out."""

    key: str
    state: str
    is_ready: bool
    is_new: bool
    release: int
    running_at: float | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutView:
    """How far a release has come; `outcome` is that of the release."""

    service: str
    release: int
    outcome: str
    reason: str
    wanted: int
    instances: tuple[RolloutRow, ...]
    logs: tuple[LogRow, ...] = ()
    settle_seconds: float = 0.0

    @property
    def ready_count(self) -> int:
        """How many of the new instances are ready."""
        return sum(row.is_ready for row in self.instances if row.is_new)

    @property
    def is_settling(self) -> bool:
        """Whether all new instances are ready and have to stay so for the settle time."""
        is_ready = self.ready_count >= self.wanted > 0
        return self.outcome == "rolling" and is_ready and self.settle_seconds > 0

    @property
    def old_count(self) -> int:
        """How many of the old ones still live."""
        return sum(
            not row.is_new and row.state not in ENDED_INSTANCE_STATES for row in self.instances
        )

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        if self.outcome == "rolling":
            return False
        return self.outcome != "active" or self.old_count == 0


def ref_rows(documents: Iterable[RefDocument]) -> tuple[RefRow, ...]:
    """Make the rows of a repository's refs, in their order."""
    return tuple(
        RefRow(
            key=d["name"],
            kind=d["type"],
            commit=d["commit"],
            subject=d["subject"],
            changed_at=d["changed_at"],
            is_deployed=d["is_deployed"],
        )
        for d in documents
    )


def plan_view(plan: DeployPlanDocument) -> PlanView:
    """Make the view of a plan."""
    commits = [
        CommitRow(sign=sign, commit=c["commit"], subject=c["subject"], author=c["author"])
        for sign, listed in (("+", plan["coming"]), ("-", plan["going"]))
        for c in listed
    ]
    return PlanView(
        service=plan["service"],
        release=plan["release"],
        to_release=plan["to_release"],
        old=_side_text(plan["old"]),
        new=_side_text(plan["new"]),
        target=plan["target"],
        new_commit=plan["new"]["commit"],
        old_subject=plan["old"]["subject"],
        new_subject=plan["new"]["subject"],
        relation=plan["relation"],
        commits=tuple(commits),
        hidden_count=plan["coming_count"] + plan["going_count"] - len(commits),
        instances=tuple((i["id"], i["state"]) for i in plan["instances"]),
        order=tuple(plan["order"]),
        keeps=tuple(plan["keeps"]),
        refusal=plan["refusal"] or "",
    )


def _side_text(side: PlanSideDocument) -> str:
    return short_ref(side["ref"], side["commit"])


def rollout_rows(documents: Iterable[InstanceDocument], release: int) -> tuple[RolloutRow, ...]:
    """Make the rows of the instances that matter to a rollout: new ones, then others."""
    rows = [
        RolloutRow(
            key=d["id"],
            state=d["state"],
            is_ready=d["ready"],
            is_new=d["release"] == release,
            release=d["release"],
            running_at=d["running_at"],
            note=d["reason"] or exit_text(d) or d["health"] or d["message"],
        )
        for d in documents
        if d["owner"] is None
    ]
    return tuple(sorted(rows, key=lambda row: (not row.is_new, -row.release)))
