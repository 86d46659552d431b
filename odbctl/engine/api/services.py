"""Use cases that change what is wanted of a service."""

from __future__ import annotations

import time
from collections.abc import Callable

from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import actor, find_service
from odbctl.engine.api.results import Change
from odbctl.engine.api.status import any_manager, describe_one
from odbctl.engine.managers.record import current_instances
from odbctl.engine.model.core import Service
from odbctl.engine.model.events import record_service_event
from odbctl.engine.model.states import ENDED_STATES, CodebaseLock
from odbctl.errors import UsageError

MAX_COUNT = 10_000


def check_count(count: int) -> None:
    """Refuse a count that is out of range.

    Raises:
        UsageError: It is.
    """
    if not 0 <= count <= MAX_COUNT:
        raise UsageError(f"the count must be from 0 to {MAX_COUNT}, not {count}")


def _change(engine: Engine, service: Service, action: str, message: str) -> Change:
    return Change(action=action, message=message, document=describe_one(engine, service))


def _update(engine: Engine, name: str, work: Callable[[Service], tuple[str, str]]) -> Change:
    """Change one service in a transaction; `work` returns what it did and a line about it."""

    def write() -> Change:
        service = find_service(name)
        action, message = work(service)
        return _change(engine, service, action, message)

    return engine.db.run(write)


def start_service(engine: Engine, name: str, *, count: int | None = None) -> Change:
    """Want a service to run: as many as given, as were wanted before, or one.

    A back-off or throttling ends at once.
    """
    if count is not None:
        check_count(count)

    def work(service: Service) -> tuple[str, str]:
        wanted = count if count is not None else service.desired_count or 1
        is_trouble = service.failed_starts > 0 or _has_bad_slots(service)
        if wanted == service.desired_count and not is_trouble:
            return "unchanged", f"service {name} is wanted {wanted} times already"
        service.desired_count = wanted
        _reset(service)
        record_service_event(service, "started", f"{wanted} wanted", actor=actor())
        return "started", f"service {name}: {wanted} wanted"

    return _update(engine, name, work)


def _has_bad_slots(service: Service) -> bool:
    return any(i.state in ENDED_STATES for i in current_instances(service))


def _reset(service: Service) -> None:
    service.failed_starts = 0
    service.reset_at = time.time()


def scale_service(engine: Engine, name: str, count: int) -> Change:
    """Want that many instances of a service.

    Raises:
        UsageError: The count is out of range, or above one for a singleton.
    """
    check_count(count)

    def work(service: Service) -> tuple[str, str]:
        if service.singleton and count > 1:
            raise UsageError(f"service {name!r} is a singleton: its count is 0 or 1")
        if count == service.desired_count:
            return "unchanged", f"service {name} is wanted {count} times already"
        text = f"{service.desired_count} -> {count}"
        service.desired_count = count
        record_service_event(service, "scaled", text, actor=actor())
        return "scaled", f"service {name}: {text}"

    return _update(engine, name, work)


def stop_service(engine: Engine, name: str) -> Change:
    """Want no instance of a service."""

    def work(service: Service) -> tuple[str, str]:
        if service.desired_count == 0:
            return "unchanged", f"service {name} is not wanted to run"
        service.desired_count = 0
        record_service_event(service, "stopped", "0 wanted", actor=actor())
        return "stopped", f"service {name}: 0 wanted"

    return _update(engine, name, work)


def reset_service(engine: Engine, name: str) -> Change:
    """Forget failed starts and crashes, so that what waits is tried again at once."""

    def work(service: Service) -> tuple[str, str]:
        _reset(service)
        record_service_event(service, "reset", "back-off and throttling end", actor=actor())
        return "reset", f"service {name}: counters are zero"

    return _update(engine, name, work)


def set_lock(engine: Engine, name: str, lock: str) -> Change:
    """Lock, prepare or unlock the codebase of a service."""

    def work(service: Service) -> tuple[str, str]:
        wanted = CodebaseLock(lock)
        if service.lock is wanted:
            return "unchanged", f"service {name} is {wanted} already"
        service.lock = wanted
        record_service_event(service, wanted.value, "", actor=actor())
        return wanted.value, f"service {name} is {wanted}"

    return _update(engine, name, work)


def remove_service(engine: Engine, name: str) -> Change:
    """Stop a service and remove it once nothing of it lives; its events and logs stay."""

    def write() -> Change:
        service = find_service(name)
        before = describe_one(engine, service)
        service.desired_count = 0
        service.is_removed = True
        record_service_event(service, "removing", "", actor=actor())
        live = [i for i in current_instances(service) if i.state not in ENDED_STATES]
        if not live and not any_manager():
            from odbctl.engine.managers.apply import forget_service

            forget_service(service, actor=actor())
        return Change(action="removed", message=f"service {name}", document=before)

    return engine.db.run(write)
