"""How a service is supervised: settings that need no new release.

One set of them serves both creating a service and changing one; None leaves a setting
as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import actor, find_service
from odbctl.engine.api.results import Change
from odbctl.engine.api.setting_changes import comparable_settings, setting_changes
from odbctl.engine.api.setting_texts import AUTO, NEVER, NONE, parse_probe, parse_signal
from odbctl.engine.api.status import describe_one
from odbctl.engine.codebases.names import validate_name
from odbctl.engine.model.core import Service
from odbctl.engine.model.events import record_service_event
from odbctl.engine.model.probes import Probe
from odbctl.engine.model.states import Overlap, RestartPolicy
from odbctl.engine.reconcile.dependencies import find_cycle
from odbctl.errors import ConflictError, NotFoundError, UsageError
from odbctl.units import exact_duration, parse_duration, parse_size, size

# As large as what is written at once in a flood.
_LEAST_SEGMENT_BYTES = 65_536
# More cores, GB or seconds than anybody has.
_LARGEST = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """What is to be set; texts are as people write them ("512M", "http:8080/ready")."""

    singleton: bool | None = None
    port: str | None = None
    placement: str | None = None
    move_after: str | None = None
    cores: float | None = None
    ram_gb: float | None = None
    restart: str | None = None
    stop_grace_seconds: float | None = None
    stop_signal: str | None = None
    readiness: str | None = None
    liveness: str | None = None
    probe_period_seconds: float | None = None
    probe_timeout_seconds: float | None = None
    probe_failures: int | None = None
    start_grace_seconds: float | None = None
    on_unhealthy: str | None = None
    memory_limit: str | None = None
    cpu_limit: float | None = None
    depends_on: Sequence[str] | None = None
    schedule: str | None = None
    time_zone: str | None = None
    overlap: str | None = None
    log_max_size: str | None = None
    log_quota: str | None = None


def set_service(engine: Engine, name: str, settings: ServiceSettings) -> Change:
    """Change how a service is supervised; what runs goes on.

    Raises:
        NotFoundError: There is no such service.
        UsageError: A setting is wrong.
        ConflictError: The services would wait for each other.
    """

    def write() -> Change:
        service = find_service(name)
        changed = apply_settings(service, settings)
        if not changed:
            text = f"service {name} already has these settings"
            return Change(action="unchanged", message=text, document=describe_one(engine, service))
        record_service_event(service, "set", "; ".join(changed), actor=actor())
        return Change(
            action="set",
            message=f"service {name}: {'; '.join(changed)}",
            document=describe_one(engine, service),
        )

    return engine.db.run(write)


def apply_settings(service: Service, settings: ServiceSettings) -> list[str]:
    """Write settings; return what changed, as texts for people. Needs an open transaction."""
    before = comparable_settings(service)
    _apply_identity(service, settings)
    _apply_numbers(service, settings)
    _apply_probes(service, settings)
    if settings.stop_signal is not None:
        service.stop_signal = parse_signal(settings.stop_signal)
    if settings.on_unhealthy is not None:
        service.replaces_unhealthy = (
            _choice("action for unhealthy instances", settings.on_unhealthy, ("replace", "report"))
            == "replace"
        )
    if settings.memory_limit is not None:
        service.memory_limit_bytes = parse_size(settings.memory_limit)
    if settings.log_max_size is not None:
        log_bytes = parse_size(settings.log_max_size) or 0
        if log_bytes < _LEAST_SEGMENT_BYTES:
            raise UsageError(f"the log size must be at least {size(_LEAST_SEGMENT_BYTES)}")
        service.log_segment_bytes = log_bytes
    if settings.log_quota is not None:
        service.log_quota_bytes = parse_size(settings.log_quota) or 0
    _apply_placement(service, settings)
    if settings.restart is not None:
        policies = tuple(policy.value for policy in RestartPolicy)
        service.restart = RestartPolicy(_choice("restart policy", settings.restart, policies))
    if settings.depends_on is not None:
        service.depends_on = _dependencies(service.name, settings.depends_on)
    _apply_schedule(service, settings)
    after = comparable_settings(service)
    if service.readiness is None and service.liveness is None:
        after = {name: value for name, value in after.items() if not name.startswith("probe_")}
    return setting_changes(before, after)


def _apply_identity(service: Service, settings: ServiceSettings) -> None:
    """Set whether instances may run beside each other, and whether each gets a port."""
    if settings.singleton and service.desired_count > 1:
        raise ConflictError(
            f"service {service.name!r} wants {service.desired_count} instances, "
            "and a singleton has one",
            hint=f"odbctl service scale {service.name} 1",
        )
    if settings.singleton is not None:
        service.singleton = settings.singleton
    if settings.port is not None:
        service.wants_port = _choice("port", settings.port, (AUTO, NONE)) == AUTO


def _apply_placement(service: Service, settings: ServiceSettings) -> None:
    if settings.placement is not None:
        validate_name("placement group", settings.placement)
        service.placement = settings.placement
    if settings.move_after is not None:
        never = settings.move_after == NEVER
        service.move_after_seconds = None if never else parse_duration(settings.move_after)


def _apply_numbers(service: Service, settings: ServiceSettings) -> None:
    numbers = {
        "cores": settings.cores,
        "ram_gb": settings.ram_gb,
        "stop_grace_seconds": settings.stop_grace_seconds,
        "start_grace_seconds": settings.start_grace_seconds,
    }
    for name, number in numbers.items():
        if number is None:
            continue
        if not 0 <= number <= _LARGEST:
            raise UsageError(
                f"{name.replace('_', ' ')} must be from 0 to {_LARGEST:,}, not {number:g}"
            )
        setattr(service, name, number)
    if settings.cpu_limit is not None:
        if not 0 <= settings.cpu_limit <= _LARGEST:
            raise UsageError(
                f"the CPU limit must be from 0 to {_LARGEST:,}, not {settings.cpu_limit:g}"
            )
        service.cpu_limit = settings.cpu_limit or None


def _apply_probes(service: Service, settings: ServiceSettings) -> None:
    for name, text in (("readiness", settings.readiness), ("liveness", settings.liveness)):
        old: Probe | None = getattr(service, name)
        probe = old if text is None else parse_probe(text)
        if probe is not None:
            like = old or probe
            probe = probe._replace(
                period_seconds=_positive(settings.probe_period_seconds, like.period_seconds),
                timeout_seconds=_positive(settings.probe_timeout_seconds, like.timeout_seconds),
                failure_threshold=max(1, settings.probe_failures or like.failure_threshold),
            )
        if probe != old:
            setattr(service, name, probe)


def _positive(given: float | None, default: float) -> float:
    if given is not None and not 0.05 <= given <= 86_400:
        raise UsageError(f"probe times must be from 50ms to 1d, not {exact_duration(given)}")
    return default if given is None else given


def _apply_schedule(service: Service, settings: ServiceSettings) -> None:
    from odbctl.engine.managers.schedule import find_zone, next_run_at

    if settings.time_zone is not None:
        find_zone(settings.time_zone)
        service.time_zone = settings.time_zone
    if settings.overlap is not None:
        ways = tuple(way.value for way in Overlap)
        service.overlap = Overlap(_choice("overlap policy", settings.overlap, ways))
    if settings.schedule == NONE:
        service.schedule = service.next_run_at = None
    elif settings.schedule is not None:
        next_run_at(settings.schedule, service.time_zone, after=service.created_at)
        service.schedule = settings.schedule
    if settings.schedule is not None or settings.time_zone is not None:
        service.next_run_at = None  # the manager works it out
    if service.schedule is None:
        return
    if service.restart is RestartPolicy.ALWAYS:
        raise UsageError(
            "a scheduled service needs the restart policy never or on-failure",
            hint="--restart never or on-failure",
        )
    if service.desired_count > 1:
        raise UsageError("a scheduled service has a desired count of at most 1")


def _choice(what: str, text: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise UsageError(f"no {what} {text!r}", hint=f"one of {', '.join(choices)}")
    return text


def _dependencies(name: str, wanted: Sequence[str]) -> list[str]:
    """Check the names of services that one is to depend on.

    Raises:
        NotFoundError: There is none of that name.
        ConflictError: They would wait for each other.
    """
    names = [each for each in dict.fromkeys(wanted) if each != NONE]
    services = {s.name: list(s.depends_on) for s in Service.lookup_all() if not s.is_removed}
    for each in names:
        if each not in services:
            raise NotFoundError("service", each)
    services[name] = names
    if cycle := find_cycle(services, name):
        raise ConflictError(
            f"services would depend on each other: {' -> '.join(cycle)}",
            hint="remove one of them from --depends-on",
        )
    return names
