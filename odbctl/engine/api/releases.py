"""Use cases that give a service a new release: deploy, configure, restart."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict, TypeVar

from odbctl.engine.api.class_check import ClassQuestion, check_class
from odbctl.engine.api.codebases import Talk, store_codebase
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import actor, find_named_codebase, find_service, near
from odbctl.engine.api.release_changes import (
    answer_text,
    current_texts,
    release_changes,
    release_text,
)
from odbctl.engine.api.release_choice import (
    default_target,
    latest_release,
    ran_release,
    require_codebase,
)
from odbctl.engine.api.results import Change
from odbctl.engine.api.status import describe_one
from odbctl.engine.model.core import Codebase, Release, Service
from odbctl.engine.model.events import record_service_event
from odbctl.engine.model.states import CodebaseLock, ReleaseAction, ReleaseOutcome
from odbctl.engine.reconcile.snapshot import DEFAULT_SETTLE_SECONDS
from odbctl.errors import CodebaseLockedError, ConflictError, NotFoundError, UsageError
from odbctl.units import exact_duration

Value = TypeVar("Value")

_MAX_SETTLE_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseCause:
    """Why a release is made: what was done, the ref as it was typed, and how to roll it out."""

    action: ReleaseAction
    ref: str
    rolled_back_to: int | None = None
    settle_seconds: float = 0.0


def add_release(
    service: Service, *, codebase: Codebase, question: ClassQuestion, cause: ReleaseCause
) -> Release:
    """Give a service a new release. Needs an open transaction.

    A service that has no desired instance takes it at once; otherwise it is a
    candidate, which managers roll out and promote after its settle time.
    """
    service.release_count += 1
    old = service.candidate or service.release
    changes = release_changes(old, codebase=codebase, question=question) if old else []
    release = Release(
        service=service,
        number=service.release_count,
        codebase=codebase,
        module=question.module,
        class_name=question.class_name,
        created_at=time.time(),
        actor=actor(),
        config=dict(question.config),
        env=dict(question.env),
        settle_seconds=cause.settle_seconds,
        ref=cause.ref,
        action=cause.action,
        rolled_back_to=cause.rolled_back_to,
        changes=changes,
    )
    if service.candidate is not None:
        if service.candidate.exists():
            service.candidate.outcome = ReleaseOutcome.SUPERSEDED
            service.candidate.finished_at = time.time()
        service.candidate = None
    if service.release is None or service.target_count == 0:
        _take_at_once(service, release)
    else:
        service.candidate = release
    return release


def _take_at_once(service: Service, release: Release) -> None:
    if service.release is not None and service.release.exists():
        service.release.outcome = ReleaseOutcome.SUPERSEDED
    service.release = release
    release.outcome = ReleaseOutcome.ACTIVE
    release.finished_at = time.time()


def deploy_service(
    engine: Engine,
    name: str,
    ref: str,
    *,
    expected_commit: str | None = None,
    force: bool = False,
    settle_seconds: float = DEFAULT_SETTLE_SECONDS,
    progress: Talk | None = None,
) -> Change:
    """Roll a service out to another commit of its codebase's repository.

    Repository, source root and interpreter stay those of the newest release, unless
    NAME@REF names a codebase with others. The class is imported in a separate process
    first: a commit in which it does not import changes nothing.

    Args:
        engine: The opened home.
        name: The service.
        ref: A git ref of the repository, or NAME@REF of an added codebase.
        expected_commit: What the ref meant when somebody agreed to it, as a full hash.
        force: Make a release even when the newest one has the same code.
        settle_seconds: How long new instances have to stay ready before the old ones stop.
        progress: Called with each step that takes time.

    Returns:
        "deployed", or "unchanged" when the newest release has this code already.

    Raises:
        CodebaseLockedError: The service refuses a change.
        ConflictError: The ref means another commit by now.
        ServiceClassError: The commit's class does not import.
    """
    _check_settle(settle_seconds)
    with engine.db.view():
        service = find_service(name)
        _refuse_locked(service)
        old = latest_release(service)
        question = _question(old)
        source = old.codebase
        codebase = find_named_codebase(ref)
        if codebase is None:
            require_codebase(old)
        settings = _StoredSettings(
            repo=source.location,
            name=source.name,
            source_root=source.source_root,
            python=source.python,
        )
        typed = ref if codebase is None else ref.partition("@")[2]
    notes: tuple[str, ...] = ()
    if codebase is None:
        stored = store_codebase(engine, ref, progress=progress, **settings)
        codebase, notes = Codebase.from_oid(stored.oid), stored.change.notes
    with engine.db.view():
        _refuse_removed(codebase, ref)
        if expected_commit is not None and codebase.commit != expected_commit:
            raise ConflictError(
                f"{ref} has moved from commit {expected_commit[:12]} to {codebase.commit[:12]}",
                hint="check the plan again, then deploy",
            )
        service = find_service(name)
        if not force and latest_release(service).codebase == codebase:
            return _runs_already(engine, service)._replace(notes=notes)
        check_class(engine, codebase, question)
    cause = ReleaseCause(action=ReleaseAction.DEPLOY, ref=typed, settle_seconds=settle_seconds)
    change = _release(engine, name, codebase=codebase, question=question, cause=cause)
    return change._replace(notes=notes)


def _runs_already(engine: Engine, service: Service) -> Change:
    """Report that the newest release has the code that was asked for."""
    release = latest_release(service)
    verb = "is being rolled out" if service.candidate is not None else "has this code"
    return Change(
        action="unchanged",
        message=f"service {service.name}: {answer_text(release)}; it {verb} already, "
        "and --force deploys it again",
        document=describe_one(engine, service),
    )


class _StoredSettings(TypedDict):
    """What a service's next commit takes over from the codebase of its newest release."""

    repo: str
    name: str
    source_root: str | None
    python: str | None


def _refuse_removed(codebase: Codebase, ref: str) -> None:
    if not codebase.exists():
        raise ConflictError(f"the codebase of {ref!r} has been removed", hint="deploy it again")


def _question(release: Release) -> ClassQuestion:
    return ClassQuestion(
        module=release.module,
        class_name=release.class_name,
        config=release.config,
        env=release.env,
    )


_DONE = {
    ReleaseAction.CREATE: "created",
    ReleaseAction.DEPLOY: "deployed",
    ReleaseAction.CONFIGURE: "configured",
    ReleaseAction.RESTART: "restarted",
    ReleaseAction.ROLLBACK: "rolled back",
}


def _refuse_locked(service: Service) -> None:
    if service.lock is CodebaseLock.LOCKED:
        raise CodebaseLockedError(service.name)


def _check_settle(seconds: float) -> None:
    if not 0 <= seconds <= _MAX_SETTLE_SECONDS:
        raise UsageError(f"the settle time must be from 0s to 1d, not {exact_duration(seconds)}")


def _release(
    engine: Engine, name: str, *, codebase: Codebase, question: ClassQuestion, cause: ReleaseCause
) -> Change:
    def write() -> Change:
        service = find_service(name)
        old = latest_release(service)
        changes_code = old.codebase != codebase
        if changes_code:
            _refuse_locked(service)
            if service.lock is CodebaseLock.PREPARED:
                service.lock = CodebaseLock.LOCKED
        release = add_release(service, codebase=codebase, question=question, cause=cause)
        record_service_event(service, "deploying", release_text(release), actor=actor())
        back = f" to release {cause.rolled_back_to}" if cause.rolled_back_to is not None else ""
        return Change(
            action=_DONE[cause.action],
            message=f"service {name}{back}: {answer_text(release)}",
            document=describe_one(engine, service),
        )

    return engine.db.run(write)


def configure_service(
    engine: Engine,
    name: str,
    *,
    words: Sequence[str] = (),
    arguments: Sequence[str] | None = None,
    env: Mapping[str, str] | None = None,
    unset: Sequence[str] = (),
    unset_env: Sequence[str] = (),
    settle_seconds: float = DEFAULT_SETTLE_SECONDS,
) -> Change:
    """Give a service a new configuration, rolled out as a release.

    Args:
        engine: The opened home.
        name: The service.
        words: `key=value` words, parsed by the types of the class's Config.
        arguments: Words for the class's own `configure_from_commandline`.
        env: Environment variables to set, besides those it has.
        unset: Configuration values to remove; the class's defaults apply again.
        unset_env: Environment variables to remove.
        settle_seconds: How long new instances have to stay ready before the old ones stop.

    Returns:
        "configured", or "unchanged" when `words` and `env` are what the service has.

    Raises:
        NotFoundError: A value or variable to remove is not set.
        UsageError: Nothing was asked for, or the class does not take it.
    """
    _check_settle(settle_seconds)
    with engine.db.view():
        service = find_service(name)
        old = latest_release(service)
        question = _question(old)
        if not (words or env or unset or unset_env) and arguments is None:
            raise _nothing_to_configure(name, old)
        question = replace(
            question,
            config=_without(question.config, unset, "configuration value"),
            env=_without(question.env, unset_env, "variable") | dict(env or {}),
        )
        asked = replace(
            question,
            arguments=tuple(words) if arguments is None else tuple(arguments),
            service_id=None if arguments is None else service.oid,
        )
        require_codebase(old)
        facts = check_class(engine, old.codebase, asked)
        codebase = old.codebase
        is_same = facts.config == old.config and question.env == old.env
        if is_same and arguments is None:
            return Change(
                action="unchanged",
                message=f"service {name}: {answer_text(old)}; it already has this configuration",
                document=describe_one(engine, service),
            )
        cause = ReleaseCause(
            action=ReleaseAction.CONFIGURE, ref=old.asked_ref, settle_seconds=settle_seconds
        )
    question = replace(question, config=facts.config)
    return _release(engine, name, codebase=codebase, question=question, cause=cause)


def _without(values: Mapping[str, Value], names: Sequence[str], kind: str) -> dict[str, Value]:
    """Return values without those of some names."""
    for name in names:
        if name not in values:
            raise NotFoundError(kind, name, near=near(name, values))
    return {name: value for name, value in values.items() if name not in names}


def _nothing_to_configure(name: str, release: Release) -> UsageError:
    """Return the error of a `configure` without values: what there is, and how to change it."""
    current = ", ".join(current_texts(release)) or "the defaults of its class"
    key = next(iter(release.config), "KEY")
    return UsageError(
        f"nothing to configure: no value was given; service {name!r} has {current}",
        hint=f"odbctl service configure {name} {key}=VALUE, or --env NAME=VALUE",
    )


def restart_service(engine: Engine, name: str, *, settle_seconds: float = 0.0) -> Change:
    """Replace every instance: a new release of the same commit, rolled out like a deploy.

    Args:
        engine: The opened home.
        name: The service.
        settle_seconds: How long new instances have to stay ready before the old ones stop. None
            by default: the same code has run before.

    Raises:
        ConflictError: No instance is wanted.
    """
    _check_settle(settle_seconds)
    with engine.db.view():
        service = find_service(name)
        if service.target_count == 0:
            raise ConflictError(f"service {name!r} is stopped", hint=f"odbctl service start {name}")
        old = latest_release(service)
        require_codebase(old)
        codebase, question = old.codebase, _question(old)
        cause = ReleaseCause(
            action=ReleaseAction.RESTART, ref=old.asked_ref, settle_seconds=settle_seconds
        )
    return _release(engine, name, codebase=codebase, question=question, cause=cause)


def rollback_service(
    engine: Engine,
    name: str,
    *,
    number: int | None = None,
    settle_seconds: float = DEFAULT_SETTLE_SECONDS,
) -> Change:
    """Roll a service back to an earlier release that ran, as a new release.

    Args:
        engine: The opened home.
        name: The service.
        number: Which release; by default the one that ran before the current one.
        settle_seconds: How long new instances have to stay ready before the old ones stop.

    Raises:
        NotFoundError: There is no such release.
        ConflictError: There is none that ran, or the one named never did.
    """
    _check_settle(settle_seconds)
    with engine.db.view():
        service = find_service(name)
        target = default_target(service) if number is None else ran_release(service, number)
        codebase, question = target.codebase, _question(target)
        cause = ReleaseCause(
            action=ReleaseAction.ROLLBACK,
            ref=target.asked_ref,
            rolled_back_to=target.number,
            settle_seconds=settle_seconds,
        )
        check_class(engine, codebase, question)
    return _release(engine, name, codebase=codebase, question=question, cause=cause)


def latest_outcome(engine: Engine, name: str) -> tuple[int, ReleaseOutcome, str | None]:
    """Return number, outcome and reason of a service's newest release.

    Raises:
        NotFoundError: There is no such service.
    """
    with engine.db.view():
        service = find_service(name)
        releases = Release.lookup_all(service=service)
        newest = max(releases, key=lambda r: r.number, default=None)
        if newest is None:
            raise NotFoundError("release of service", name)
        return newest.number, newest.outcome, newest.reason
