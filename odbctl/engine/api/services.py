"""Use cases that change the desired state of a service.

How many instances are wanted (`desired_count`) and whether the service is stopped
(`is_paused`) are two facts: a start after a stop brings the same count back.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import actor, find_service
from odbctl.engine.api.results import Change
from odbctl.engine.model.core import Service
from odbctl.engine.model.events import record_service_event
from odbctl.engine.model.states import ENDED_STATES, CodebaseLock, InstanceState, RestartPolicy
from odbctl.errors import ConflictError, UsageError

MAX_COUNT = 10_000


def check_count(count: int) -> None:
    """Refuse a count that is out of range.

    Raises:
        UsageError: It is.
    """
    if not 0 <= count <= MAX_COUNT:
        raise UsageError(f"the desired count must be from 0 to {MAX_COUNT}, not {count}")


def _update(engine: Engine, name: str, work: Callable[[Service], tuple[str, str]]) -> Change:
    """Change one service in a transaction; `work` returns the action and a message.

    The service is described after the commit, when managers are at work already.
    """
    action, message = engine.db.run(lambda: work(find_service(name)))
    from odbctl.engine.api.status import service_status

    return Change(action=action, message=message, document=service_status(engine, name))


def start_service(engine: Engine, name: str, *, count: int | None = None) -> Change:
    """Start a service with the given count, or with the count it had, or with one instance.

    A back-off or throttling ends at once.
    """
    if count is not None:
        check_count(count)

    def work(service: Service) -> tuple[str, str]:
        wanted = count if count is not None else service.desired_count or 1
        is_trouble = service.failed_starts > 0 or _has_bad_slots(service)
        if wanted == service.desired_count and not service.is_paused and not is_trouble:
            return "unchanged", f"service {name} already has a desired count of {wanted}"
        _refuse_many_runs(service, wanted)
        unpause(service)
        service.desired_count = wanted
        _reset(service)
        record_service_event(service, "started", f"desired count {wanted}", actor=actor())
        return "started", f"service {name}: desired count {wanted}"

    return _update(engine, name, work)


def pause(service: Service, *, resumes_with_manager: bool = False) -> None:
    """Want no instance until the next start; the desired count stays.

    Args:
        service: The service. Needs an open transaction.
        resumes_with_manager: Whether the next start of a manager ends the pause.
    """
    service.is_paused = True
    service.resumes_with_manager = resumes_with_manager


def unpause(service: Service) -> None:
    """End a pause. A schedule that was off begins with its next date, without catching up."""
    if service.target_count == 0:
        service.run_at, service.next_run_at = 0.0, None
    service.is_paused = service.resumes_with_manager = False


def _refuse_many_runs(service: Service, count: int) -> None:
    if service.schedule is not None and count > 1:
        raise UsageError(f"service {service.name!r} is scheduled: its desired count must be 0 or 1")


def start_dependencies(engine: Engine, name: str) -> list[str]:
    """Start the stopped services that a service depends on; return their names."""
    from odbctl.engine.reconcile.dependencies import in_order

    def write() -> list[str]:
        find_service(name)
        depends_on = {s.name: list(s.depends_on) for s in Service.lookup_all()}
        started: list[str] = []
        for each in in_order(depends_on, name)[:-1]:
            service = Service.lookup_unique(name=each)
            if service is None or service.is_removed or service.target_count:
                continue
            unpause(service)
            service.desired_count = service.desired_count or 1
            _reset(service)
            record_service_event(service, "started", f"{name} depends on it", actor=actor())
            started.append(each)
        return started

    return engine.db.run(write)


def dependents(name: str) -> list[str]:
    """Return the started services that depend on a service. Needs an open view."""
    found = [s for s in Service.lookup_all() if name in s.depends_on and not s.is_removed]
    return sorted(s.name for s in found if s.target_count)


def run_service(engine: Engine, name: str) -> Change:
    """Request one run of a job; its schedule, and whether it is stopped, stay as they are.

    Returns:
        The service; its document has the name of the run's instance as `run`.

    Raises:
        ConflictError: The service runs, or another run is about to begin.
        UsageError: The service is not a job.
    """

    def work(service: Service) -> tuple[str, str]:
        if service.restart is RestartPolicy.ALWAYS:
            raise UsageError(
                f"service {name!r} is not a job: its restart policy is always",
                hint=f"odbctl service set {name} --restart never",
            )
        if service.requested_run is not None:
            raise ConflictError(
                f"run {service.requested_run!r} is about to start", hint=f"odbctl why {name}"
            )
        if any(i.state not in ENDED_STATES for i in service.current_instances()):
            raise ConflictError(
                f"service {name!r} is already running", hint=f"odbctl service status {name}"
            )
        run = service.requested_run = service.next_instance_name()
        record_service_event(service, "run", f"{run}, on request", actor=actor())
        runs.append(run)
        return "begun", f"service {name}: run {run}"

    runs: list[str] = []
    change = _update(engine, name, work)
    return change._replace(document={**change.document, "run": runs[-1]})


def end_one_offs(service: Service) -> bool:
    """Stop the runs that a person asked for, or cancel one that has not begun.

    Returns:
        Whether there was one. Needs an open transaction.
    """
    is_found, service.requested_run = service.requested_run is not None, None
    for instance in service.current_instances():
        if not instance.is_one_off or instance.state in ENDED_STATES:
            continue
        is_found = True
        if instance.state is not InstanceState.STOPPING:
            instance.state = InstanceState.STOPPING
            instance.stopping_at = time.time()
    return is_found


def _has_bad_slots(service: Service) -> bool:
    return any(i.state in ENDED_STATES for i in service.current_instances())


def _reset(service: Service) -> None:
    service.failed_starts = 0
    service.reset_at = time.time()


def scale_service(engine: Engine, name: str, number: int, *, is_relative: bool = False) -> Change:
    """Set the desired count of a service; a stopped service starts, unless the count is 0.

    Args:
        engine: The opened home.
        name: The service.
        number: The desired count, or with `is_relative` what to add to the present one.
        is_relative: Whether it is added.

    Raises:
        UsageError: The count is out of range, or above one for a singleton.
    """
    if not is_relative:
        check_count(number)

    def work(service: Service) -> tuple[str, str]:
        count = service.desired_count + number if is_relative else number
        if not 0 <= count <= MAX_COUNT:
            raise UsageError(
                f"service {name!r} has a desired count of {service.desired_count}, which cannot"
                f" change by {number:+d}",
                hint=f"a count is from 0 to {MAX_COUNT}",
            )
        if service.singleton and count > 1:
            raise UsageError(f"service {name!r} is a singleton: its desired count must be 0 or 1")
        _refuse_many_runs(service, count)
        has_ended_run = count == 0 and end_one_offs(service)
        is_same = count == service.desired_count and (count == 0 or not service.is_paused)
        if is_same and not has_ended_run:
            return "unchanged", f"service {name} already has a desired count of {count}"
        before = "stopped" if service.is_paused else f"{service.desired_count}"
        text = f"{before} -> {count}"
        unpause(service)
        service.desired_count = count
        record_service_event(service, "scaled", text, actor=actor())
        return "scaled", f"service {name}: {text}"

    return _update(engine, name, work)


def stop_service(engine: Engine, name: str) -> Change:
    """Stop a service; its desired count stays for the next start."""

    def work(service: Service) -> tuple[str, str]:
        has_ended_run = end_one_offs(service)
        if service.target_count == 0 and not service.resumes_with_manager:
            if not has_ended_run:
                return "unchanged", f"service {name} is already stopped"
            text = "the requested run"
        else:
            pause(service)
            text = f"the desired count stays {service.desired_count}"
        record_service_event(service, "stopped", text, actor=actor())
        notes.extend(f"service {each} depends on {name}" for each in dependents(name))
        return "stopped", f"service {name}: {text}"

    notes: list[str] = []
    change = _update(engine, name, work)
    from odbctl.engine.api.outdated import outdated_manager, outdated_note

    with engine.db.view():
        host = outdated_manager() if change.action == "stopped" else None
        if host is not None:
            notes.append(outdated_note(host))
    return change._replace(notes=tuple(dict.fromkeys(notes)))


def reset_service(engine: Engine, name: str) -> Change:
    """Forget failed starts and crashes, so that what waits is tried again at once."""

    def work(service: Service) -> tuple[str, str]:
        _reset(service)
        record_service_event(service, "reset", "back-off and throttling ended", actor=actor())
        return "reset", f"service {name}: failure counters reset"

    return _update(engine, name, work)


def set_lock(engine: Engine, name: str, lock: str) -> Change:
    """Lock, prepare or unlock the codebase of a service."""

    def work(service: Service) -> tuple[str, str]:
        wanted = CodebaseLock(lock)
        if service.lock is wanted:
            return "unchanged", f"service {name} is already {wanted}"
        service.lock = wanted
        record_service_event(service, wanted.value, "", actor=actor())
        return wanted.value, f"service {name}"

    return _update(engine, name, work)


def remove_service(engine: Engine, name: str) -> Change:
    """Stop a service and remove it once nothing of it lives; its events and logs stay."""
    from odbctl.engine.api.status import any_manager, describe_one

    def write() -> Change:
        service = find_service(name)
        before = describe_one(engine, service)
        if others := [s.name for s in Service.lookup_all() if name in s.depends_on]:
            raise ConflictError(
                f"{', '.join(sorted(others))} depends on service {name!r}",
                hint=f"odbctl service set {min(others)} --depends-on none",
            )
        service.desired_count = 0
        service.is_removed = True
        record_service_event(service, "removing", "", actor=actor())
        live = [i for i in service.current_instances() if i.state not in ENDED_STATES]
        if not live and not any_manager():
            from odbctl.engine.managers.apply import forget_service

            forget_service(service, actor=actor())
        return Change(action="removed", message=f"service {name}", document=before)

    return engine.db.run(write)
