"""The documents of what a deploy would change. As all documents: fields are only added."""

from __future__ import annotations

from typing import TypedDict

from odbctl.engine.api.documents import InstanceDocument


class RefDocument(TypedDict):
    """A branch or tag of a repository; `type` is branch, remote-branch or tag."""

    kind: str
    version: int
    name: str
    type: str
    commit: str
    subject: str
    changed_at: float | None
    is_deployed: bool


class CommitDocument(TypedDict):
    """One commit."""

    commit: str
    subject: str
    author: str
    committed_at: float


class PlanSideDocument(TypedDict):
    """What runs, or what is to run."""

    codebase: str
    ref: str
    commit: str
    subject: str


class DeployPlanDocument(TypedDict):
    """What a deploy or a roll back would change.

    `target` is what was asked for, as `service deploy` takes it: a git ref or NAME@REF.
    `relation` is how the new commit stands to the old one: same, ahead, behind, diverged or
    unknown. Commits are the newest first and may be fewer than counted. `refusal` says why
    it would be refused.
    """

    kind: str
    version: int
    service: str
    target: str
    to_release: int | None
    release: int
    old: PlanSideDocument
    new: PlanSideDocument
    relation: str
    coming: list[CommitDocument]
    coming_count: int
    going: list[CommitDocument]
    going_count: int
    instances: list[InstanceDocument]
    order: list[str]
    keeps: list[str]
    refusal: str | None
