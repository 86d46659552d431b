"""Waiting for a service with progress, a time limit and a Ctrl-C that undoes nothing."""

from __future__ import annotations

from odbctl.commands.output.failures import InterruptedWaitError
from odbctl.commands.output.progress import ProgressLine
from odbctl.commands.output.results import Document, Done, as_list
from odbctl.commands.output.table import field_of
from odbctl.commands.session import session
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from odbctl.commands.session import Terminal
    from odbctl.engine.api.engine import Engine
    from odbctl.engine.api.results import Change


def done(change: Change) -> Done:
    """Return a change as a command's result."""
    return Done(change.action, change.message, change.document, change.notes)


def supervise(engine: Engine) -> None:
    """Start a manager in the background when none runs, and say so."""
    from odbctl.engine.api.status import any_manager

    with engine.db.view():
        if any_manager():
            return  # what starts one is long to import
    from odbctl.engine.api.managers import ensure_manager

    settings = session().settings
    ensure_manager(
        engine,
        strategy=settings["manager_strategy"],
        start_method=settings["start_method"] or None,
        is_kept=True,
        on_start=session().say,
    )


def has_live_instances(document: Document) -> bool:
    """Tell whether an instance of a service document has not ended."""
    return any(field_of({"i": i}, "i.ended_at") is None for i in as_list(document.get("instances")))


def rolled_out(
    engine: Engine, change: Change, *, wait: bool, timeout: float | None, follows_release: bool
) -> Done:
    """Bring a change of a service about: have a manager, and wait until it is so.

    Args:
        engine: The opened home.
        change: What was written; its document is the service.
        wait: False returns at once.
        timeout: Seconds; None is the setting's.
        follows_release: Whether the newest release has to succeed; when the change made none
            and none is being rolled out, there is nothing to wait for.
    """
    if follows_release and change.action == "unchanged" and not change.document["candidate"]:
        return done(change)
    name = str(change.document["name"])
    if change.document["target_count"] or has_live_instances(change.document):
        supervise(engine)
    if not wait:
        return done(change)
    release = change.document.get("candidate") or change.document.get("release")
    final = wait_for(
        engine,
        name,
        timeout=timeout,
        release=release if follows_release else None,
        crashes=None if follows_release else change.document["crashes"],
    )
    subject = f"{change.message};" if follows_release else f"service {name}:"
    message = f"{subject} {state_text(final.document)}"
    return Done(change.action, message, final.document, change.notes)


def state_text(document: Document) -> str:
    """Return the state of a service after a change was carried out, as `2/2 running`."""
    if not document["target_count"]:
        return "stopped"
    what = "running" if document["readiness"] is None else "ready"
    return _of_job(document) or f"{document['ready_count']}/{document['target_count']} {what}"


def _of_job(document: Document) -> str | None:
    """Return the state of a job that is scheduled or has completed; None for other services."""
    if document["schedule"] and document["target_count"]:
        return f"scheduled: {document['reason'] or document['state']}"
    is_job = document["target_count"] and document["state"] == "stopped"
    return "the run completed" if is_job else None


def wait_for(
    engine: Engine,
    name: str,
    *,
    timeout: float | None,
    release: object = None,
    crashes: int | None = None,
) -> Change:
    """Wait until a service is as wanted.

    Raises:
        InterruptedWaitError: Ctrl-C; the work goes on in the background.
    """
    from odbctl.engine.api.waiting import wait_for_service

    with told(name) as progress:
        return wait_for_service(
            engine,
            name,
            timeout_seconds=limit_of(timeout),
            on_progress=progress,
            release=release if isinstance(release, int) else None,
            crashes=crashes,
        )


def wait_until_removed(engine: Engine, name: str, *, timeout: float | None) -> None:
    """Wait until a removed service is gone.

    Raises:
        InterruptedWaitError: Ctrl-C; the removal goes on.
    """
    from odbctl.engine.api.waiting import wait_for_removal

    with told(name) as progress:
        wait_for_removal(engine, name, timeout_seconds=limit_of(timeout), on_progress=progress)


def limit_of(timeout: float | None) -> float | None:
    """Return the time limit of a wait: the option, or the setting."""
    return session().settings.timeout_seconds if timeout is None else timeout


def told(name: str) -> ProgressLine:
    """Show progress; say what goes on when Ctrl-C ends the wait."""
    return _Told(session().err, name)


class _Told(ProgressLine):
    """A class, because `contextlib` takes half a millisecond of a stop."""

    def __init__(self, terminal: Terminal, name: str) -> None:
        super().__init__(terminal, name)
        self._service = name

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, traceback)
        if isinstance(error, KeyboardInterrupt):
            raise InterruptedWaitError(
                f"interrupted; the change of service {self._service!r} continues in the background",
                hint=f"odbctl service status {self._service}",
            ) from None
