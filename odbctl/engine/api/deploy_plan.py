"""Use cases that look before a deploy: the refs there are, and what one would change.

Nothing is written to the database, nothing is checked out and nothing is imported.
Of a repository on another host, its mirror in the cache is made current.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from odbctl.engine.api.engine import Engine
from odbctl.engine.api.instance_listing import instance_document
from odbctl.engine.api.lookups import find_named_codebase, find_service
from odbctl.engine.api.plan_texts import kept_texts, order_texts, refusal_of
from odbctl.engine.api.release_choice import default_target, latest_release, ran_release
from odbctl.engine.api.versions import VERSION
from odbctl.engine.model.core import Codebase, Service
from odbctl.engine.model.states import ENDED_STATES

if TYPE_CHECKING:
    from odbctl.engine.api.documents import InstanceDocument
    from odbctl.engine.api.plan_documents import (
        CommitDocument,
        DeployPlanDocument,
        PlanSideDocument,
        RefDocument,
    )
    from odbctl.engine.codebases.history import CommitInfo, Comparison
    from odbctl.engine.codebases.mirror import Mirror

COMMITS_SHOWN = 50
Talk = Callable[[str], None]


class _Side(NamedTuple):
    """A commit of a repository, as one side of a comparison."""

    name: str
    ref: str
    commit: str
    location: str
    subject: str
    source_root: str | None
    python: str | None

    def runs_like(self, other: _Side) -> bool:
        """Whether both are the same code, run in the same way."""
        return (
            self.name == other.name
            and self.location == other.location
            and self.commit == other.commit
            and self.source_root == other.source_root
            and self.python == other.python
        )


def list_service_refs(
    engine: Engine,
    name: str,
    *,
    is_fresh: bool = False,
    progress: Talk | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> list[RefDocument]:
    """Return branches and tags of the repository that a service is deployed from.

    Args:
        engine: The opened home.
        name: The service.
        is_fresh: Ask a repository on another host; else what was fetched last is told.
        progress: Is told each step that takes time.
        should_stop: Ends git early, with CodebaseError, when it says so.

    Returns:
        The newest first.

    Raises:
        CodebaseError: The repository is not there or out of reach.
        NotFoundError: There is no such service.
    """
    from odbctl.engine.codebases import history

    with engine.db.view():
        latest = latest_release(find_service(name))
        side = _side(latest.codebase, latest.asked_ref)
    with _stoppable(should_stop):
        mirror = _mirror(engine, side)
        refs = history.list_refs(mirror, is_fresh=is_fresh, progress=progress)
    return [
        {
            "kind": "ref",
            "version": VERSION,
            "name": ref.name,
            "type": ref.kind.value,
            "commit": ref.commit,
            "subject": ref.subject,
            "changed_at": ref.changed_at,
            "is_deployed": ref.commit == side.commit,
        }
        for ref in refs
    ]


def plan_deploy(
    engine: Engine,
    name: str,
    ref: str,
    *,
    progress: Talk | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> DeployPlanDocument:
    """Say what deploying a ref to a service would change; nothing is changed.

    Args:
        engine: The opened home.
        name: The service.
        ref: A git ref of its repository, or NAME@REF of an added codebase.
        progress: Is told each step that takes time.
        should_stop: Ends git early, with CodebaseError, when it says so.

    Raises:
        CodebaseError: The repository is not there or out of reach.
        NotFoundError: There is no such service or ref.
        UsageError: That cannot be a ref.
    """
    from odbctl.engine.codebases import history

    with engine.db.view():
        latest = latest_release(find_service(name))
        old = _side(latest.codebase, latest.asked_ref)
        added = find_named_codebase(ref)
        new = _side(added, ref.partition("@")[2]) if added is not None else None
    with _stoppable(should_stop):
        if new is None:
            found = history.find_commit(_mirror(engine, old), ref, progress=progress)
            new = old._replace(ref=ref, commit=found.commit, subject=found.subject)
        comparison = _compare(engine, old, new)
    with engine.db.view():
        service = find_service(name)
        return _document(engine, service, old, new, comparison, target=ref, to_release=None)


def plan_rollback(
    engine: Engine,
    name: str,
    *,
    number: int | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> DeployPlanDocument:
    """Say what rolling a service back would change; nothing is changed.

    Args:
        engine: The opened home.
        name: The service.
        number: Which release; by default the one that ran before the current one.
        should_stop: Ends git early, with CodebaseError, when it says so.

    Raises:
        ConflictError: There is none that ran, or the one named never did.
        NotFoundError: There is no such service or release.
    """
    with engine.db.view():
        service = find_service(name)
        target = default_target(service) if number is None else ran_release(service, number)
        latest = latest_release(service)
        old = _side(latest.codebase, latest.asked_ref)
        new = _side(target.codebase, target.asked_ref)
        to_release = target.number
    with _stoppable(should_stop):
        comparison = _compare(engine, old, new)
    with engine.db.view():
        service = find_service(name)
        return _document(
            engine, service, old, new, comparison, target=new.ref, to_release=to_release
        )


def _stoppable(should_stop: Callable[[], bool] | None) -> contextlib.AbstractContextManager[None]:
    from odbctl.engine.codebases.git_command import stoppable

    return stoppable(should_stop) if should_stop is not None else contextlib.nullcontext()


def _mirror(engine: Engine, side: _Side) -> Mirror:
    from odbctl.engine.codebases.mirror import Mirror

    return Mirror(engine.home, side.location)


def _side(codebase: Codebase, ref: str) -> _Side:
    return _Side(
        name=codebase.name,
        ref=ref,
        commit=codebase.commit,
        location=codebase.location,
        subject=codebase.subject,
        source_root=codebase.source_root,
        python=codebase.python,
    )


def _compare(engine: Engine, old: _Side, new: _Side) -> Comparison:
    from odbctl.engine.codebases.history import Comparison, Relation, compare

    if old.location != new.location:
        return Comparison(relation=Relation.UNKNOWN)
    return compare(_mirror(engine, new), old.commit, new.commit, limit=COMMITS_SHOWN)


def _document(
    engine: Engine,
    service: Service,
    old: _Side,
    new: _Side,
    comparison: Comparison,
    *,
    target: str,
    to_release: int | None,
) -> DeployPlanDocument:
    live = [i for i in service.current_instances() if i.state not in ENDED_STATES]
    instances = sorted((instance_document(engine.home, i) for i in live), key=_place)
    return {
        "kind": "deploy_plan",
        "version": VERSION,
        "service": service.name,
        "target": target,
        "to_release": to_release,
        "release": service.release_count + 1,
        "old": _side_document(old),
        "new": _side_document(new),
        "relation": comparison.relation.value,
        "coming": [_commit_document(commit) for commit in comparison.coming],
        "coming_count": comparison.coming_count,
        "going": [_commit_document(commit) for commit in comparison.going],
        "going_count": comparison.going_count,
        "instances": instances,
        "order": _order(service, new, len(instances), to_release),
        "keeps": kept_texts(service),
        "refusal": refusal_of(service, changes_code=_changes_code(service, new)),
    }


def _changes_code(service: Service, new: _Side) -> bool:
    latest = latest_release(service)
    return not _side(latest.codebase, latest.asked_ref).runs_like(new)


def _order(service: Service, new: _Side, living: int, to_release: int | None) -> list[str]:
    if to_release is None and not _changes_code(service, new):
        number = latest_release(service).number
        return [f"release {number} has this commit already: nothing changes"]
    return order_texts(service, living)


def _place(instance: InstanceDocument) -> tuple[int, float]:
    return instance["slot"], instance["created_at"]


def _side_document(side: _Side) -> PlanSideDocument:
    return {
        "codebase": side.name,
        "ref": side.ref,
        "commit": side.commit,
        "subject": side.subject,
    }


def _commit_document(commit: CommitInfo) -> CommitDocument:
    return {
        "commit": commit.commit,
        "subject": commit.subject,
        "author": commit.author,
        "committed_at": commit.committed_at,
    }
