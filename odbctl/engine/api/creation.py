"""The use case that creates a service."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from odbctl.engine.api.class_check import ClassQuestion, check_class, parse_class_spec
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import actor, find_codebase
from odbctl.engine.api.releases import add_release
from odbctl.engine.api.results import Change
from odbctl.engine.api.services import check_count
from odbctl.engine.api.status import describe_one
from odbctl.engine.codebases.names import validate_name
from odbctl.engine.model.core import Service
from odbctl.engine.model.events import record_service_event
from odbctl.engine.model.states import ANY_PLACEMENT, RestartPolicy
from odbctl.errors import AlreadyExistsError, UsageError


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
        return Change(
            action="created",
            message=f"service {name}: {class_spec}",
            document=describe_one(engine, service),
        )

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
    check_count(options.count)
    numbers = {
        "cores": options.cores or 0.0,
        "RAM": options.ram_gb or 0.0,
        "the stop grace": options.stop_grace_seconds,
    }
    for what, number in numbers.items():
        if not 0 <= number < float("inf"):
            raise UsageError(f"{what} cannot be {number:g}")
