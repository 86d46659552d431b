"""Settings as people type them, and what a change of them was: `memory limit: 200M -> 300M`.

`set` and `edit` of services, hooks and hosts report their changes with it, and record
them as events. Needs an open view.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from odbctl.engine.api.setting_texts import AUTO, NEVER, NONE
from odbctl.engine.model.core import Hook, Service, ServiceHost
from odbctl.engine.model.probes import Probe, ProbeKind
from odbctl.masking import mask_text, mask_words
from odbctl.units import exact_duration

Setting = bool | int | float | str | list[str]

_UNITS = ((2**40, "T"), (2**30, "G"), (2**20, "M"), (2**10, "K"))
_PROBE_NUMBERS = ("probe_period_seconds", "probe_timeout_seconds", "probe_failures")
_LONGEST_TEXT = 60


def option_name(field: str) -> str:
    """Return the key of a field of ServiceSettings: its option of `service set`."""
    return field.removesuffix("_seconds").replace("_", "-")


def setting_changes(before: Mapping[str, Setting], after: Mapping[str, Setting]) -> list[str]:
    """Return each setting that differs, with its old and its new value.

    Args:
        before: Settings by field or option.
        after: The same settings later; those that are missing are not compared.
    """
    return [
        f"{option_name(name).replace('-', ' ')}: {_text(name, before[name])}"
        f" -> {_text(name, value)}"
        for name, value in after.items()
        if value != before[name]
    ]


def _text(name: str, value: Setting) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:.10g}"
    text = value if isinstance(value, str) else ", ".join(value)
    if name == "command":
        text = shlex.join(mask_words(shlex.split(text))[0])
    text = mask_text(text) or NONE
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def comparable_settings(service: Service) -> dict[str, Setting]:
    """Return the settings of a service for `setting_changes`.

    The times of both probes count, not only those that are shown in an editor; without a
    probe they are the default times.
    """
    settings = current_settings(service)
    probes = [probe for probe in (service.readiness, service.liveness) if probe is not None]
    if probes:
        periods = dict.fromkeys(exact_duration(probe.period_seconds) for probe in probes)
        timeouts = dict.fromkeys(exact_duration(probe.timeout_seconds) for probe in probes)
        failures = dict.fromkeys(str(probe.failure_threshold) for probe in probes)
        for name, texts in zip(_PROBE_NUMBERS, (periods, timeouts, failures), strict=True):
            settings[name] = " and ".join(texts)
    else:
        settings["probe_failures"] = str(settings["probe_failures"])
    return settings


def current_settings(service: Service) -> dict[str, Setting]:
    """Return the settings of a service as people type them, by field of ServiceSettings."""
    probe = service.readiness or service.liveness or Probe(ProbeKind.HEALTH)
    move_after = service.move_after_seconds
    return {
        "singleton": service.singleton,
        "port": AUTO if service.wants_port else NONE,
        "placement": service.placement,
        "move_after": NEVER if move_after is None else exact_duration(move_after),
        "cores": service.cores,
        "ram_gb": service.ram_gb,
        "memory_limit": _size_text(service.memory_limit_bytes),
        "cpu_limit": service.cpu_limit or 0.0,
        "restart": service.restart.value,
        "stop_grace_seconds": exact_duration(service.stop_grace_seconds),
        "stop_signal": service.stop_signal,
        "readiness": _probe_text(service.readiness),
        "liveness": _probe_text(service.liveness),
        "probe_period_seconds": exact_duration(probe.period_seconds),
        "probe_timeout_seconds": exact_duration(probe.timeout_seconds),
        "probe_failures": probe.failure_threshold,
        "start_grace_seconds": exact_duration(service.start_grace_seconds),
        "on_unhealthy": "replace" if service.replaces_unhealthy else "report",
        "depends_on": list(service.depends_on),
        "schedule": service.schedule or NONE,
        "time_zone": service.time_zone,
        "overlap": service.overlap.value,
        "log_max_size": _size_text(service.log_segment_bytes),
        "log_quota": _size_text(service.log_quota_bytes),
    }


def _size_text(count: int | None) -> str:
    """Return a size without rounding: `512M`, or the number of bytes."""
    if not count:
        return NONE
    return next((f"{count // unit}{sign}" for unit, sign in _UNITS if not count % unit), str(count))


def _probe_text(probe: Probe | None) -> str:
    return NONE if probe is None else str(probe).replace(":127.0.0.1:", ":", 1)


def hook_settings(hook: Hook) -> dict[str, Setting]:
    """Return the settings of a hook as people type them, by option of `hook set`."""
    return {
        "command": shlex.join(hook.command),
        "url": hook.url,
        "service": hook.service,
        "reason": list(hook.reasons),
        "level": hook.level.value,
        "debounce": exact_duration(hook.debounce_seconds),
        "timeout": exact_duration(hook.timeout_seconds),
    }


def host_settings(host: ServiceHost) -> dict[str, Setting]:
    """Return the settings of a host as people type them, by option of `host set`."""
    limit = host.max_instances
    return {
        "placement": host.placement,
        "cores": host.cores,
        "ram-gb": host.ram_gb,
        "max-instances": NONE if limit is None else limit,
    }
