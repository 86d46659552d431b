"""Use cases that change what is wanted of a service."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from odbctl.engine.api.class_check import ClassQuestion, check_class, parse_class_spec
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import actor, find_codebase, find_service
from odbctl.engine.api.releases import add_release
from odbctl.engine.api.results import Change
from odbctl.engine.api.status import any_manager, describe_one
from odbctl.engine.codebases.names import validate_name
from odbctl.engine.managers.apply import forget_service
from odbctl.engine.managers.record import current_instances
from odbctl.engine.model.core import Service
from odbctl.engine.model.events import record_service_event
from odbctl.engine.model.states import (
    ANY_PLACEMENT,
    ENDED_STATES,
    CodebaseLock,
    RestartPolicy,
)
from odbctl.errors import AlreadyExistsError, UsageError

MAX_COUNT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOptions:
    """The settings of a new service. Without cores or RAM, the class's own are reserved."""

    count: int = 0
    cores: float | None = None
    ram_gb: float | None = None
    singleton: bool = False
    placement: str = ANY_PLACEMENT
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    config_words: tuple[str, ...] = ()
    restart: str = RestartPolicy.ALWAYS
    stop_grace_seconds: float = 10.0


def create_service(
    engine: Engine, name: str, *, class_spec: str, codebase: str, options: ServiceOptions
) -> Change:
    """Create a service from a class of a codebase, after looking at that class.

    Raises:
        AlreadyExistsError: A service of that name exists.
        ServiceClassError: The class is missing, is no service or does not import.
        UsageError: A name, an option or the configuration is wrong.
    """
    validate_name("service", name)
    validate_name("placement group", options.placement)
    restart = _restart_policy(options.restart)
    _check_numbers(options)
    module, class_name = parse_class_spec(class_spec)
    question = ClassQuestion(
        module=module,
        class_name=class_name,
        config={},
        env=options.env,
        arguments=options.config_words,
    )
    with engine.db.view():
        _refuse_existing(name)
        source = find_codebase(codebase)
        facts = check_class(engine, source, question)

    def write() -> Change:
        _refuse_existing(name)
        service = Service(
            name=name,
            created_at=time.time(),
            desired_count=options.count,
            singleton=options.singleton,
            placement=options.placement,
            cores=facts.cores if options.cores is None else options.cores,
            ram_gb=facts.ram_gb if options.ram_gb is None else options.ram_gb,
            restart=restart,
            stop_grace_seconds=options.stop_grace_seconds,
        )
        add_release(
            service,
            codebase=source,
            question=question,
            config=facts.config,
            actor=actor(),
        )
        record_service_event(service, "created", f"{class_spec} of {codebase}", actor=actor())
        return _change(engine, service, "created", f"service {name}: {class_spec}")

    return engine.db.run(write)


def _refuse_existing(name: str) -> None:
    known = Service.lookup_unique(name=name)
    if known is not None:
        hint = "it is being removed; try again in a moment" if known.is_removed else None
        raise AlreadyExistsError("service", name, hint=hint or f"odbctl service deploy {name} REF")


def _restart_policy(text: str) -> RestartPolicy:
    try:
        return RestartPolicy(text)
    except ValueError as error:
        policies = ", ".join(policy.value for policy in RestartPolicy)
        raise UsageError(f"no restart policy {text!r}", hint=f"one of {policies}") from error


def _check_numbers(options: ServiceOptions) -> None:
    _check_count(options.count)
    numbers = {
        "cores": options.cores or 0.0,
        "RAM": options.ram_gb or 0.0,
        "the stop grace": options.stop_grace_seconds,
    }
    for what, number in numbers.items():
        if not 0 <= number < float("inf"):
            raise UsageError(f"{what} cannot be {number:g}")


def _check_count(count: int) -> None:
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
        _check_count(count)

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
    _check_count(count)

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

    def work(service: Service) -> tuple[str, str]:
        before = describe_one(engine, service)
        service.desired_count = 0
        service.is_removed = True
        record_service_event(service, "removing", "", actor=actor())
        live = [i for i in current_instances(service) if i.state not in ENDED_STATES]
        if not live and not any_manager():
            forget_service(service, actor=actor())
        removed.append(Change(action="removed", message=f"service {name}", document=before))
        return "removed", ""

    removed: list[Change] = []

    def write() -> None:
        removed.clear()
        work(find_service(name))

    engine.db.run(write)
    return removed[-1]
