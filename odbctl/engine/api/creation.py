"""The use case that creates a service."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from odbctl.engine.api.class_check import ClassQuestion, check_class, parse_class_spec
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import actor, find_codebase
from odbctl.engine.api.releases import ReleaseCause, add_release
from odbctl.engine.api.results import Change
from odbctl.engine.api.services import check_count
from odbctl.engine.api.settings import ServiceSettings, apply_settings
from odbctl.engine.api.status import describe_one
from odbctl.engine.codebases.names import validate_name
from odbctl.engine.model.core import Service
from odbctl.engine.model.events import record_service_event
from odbctl.engine.model.probes import Probe, ProbeKind
from odbctl.engine.model.states import ReleaseAction, RestartPolicy
from odbctl.errors import AlreadyExistsError


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOptions:
    """What a new service is. Without cores or RAM, the class's own are reserved.

    A class with a `health()` of its own is ready when that says so, unless the settings
    name another probe.
    """

    count: int = 0
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    config_words: tuple[str, ...] = ()
    settings: ServiceSettings = field(default_factory=ServiceSettings)


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
    check_count(options.count)
    settings = options.settings
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
            cores=facts.cores,
            ram_gb=facts.ram_gb,
            readiness=Probe(ProbeKind.HEALTH) if facts.has_health else None,
            # A job that is scheduled, or nobody said otherwise.
            restart=RestartPolicy.NEVER if settings.schedule else RestartPolicy.ALWAYS,
        )
        apply_settings(service, settings)
        add_release(
            service,
            codebase=source,
            question=replace(question, config=facts.config),
            cause=ReleaseCause(
                action=ReleaseAction.CREATE, ref=codebase.partition("@")[2] or source.last_ref
            ),
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
        hint = (
            "it is being removed; retry when `odbctl ps` no longer lists it"
            if known.is_removed
            else None
        )
        raise AlreadyExistsError("service", name, hint=hint or f"odbctl service deploy {name} REF")
