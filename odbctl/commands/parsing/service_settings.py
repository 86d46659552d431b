"""The options that say how a service is supervised, shared by `create` and `set`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from odbctl.commands.output.results import Result
from odbctl.commands.parsing.options import duration_option

if TYPE_CHECKING:
    from odbctl.engine.api.settings import ServiceSettings


def _text(flag: str, metavar: str, text: str) -> Any:
    return Annotated[str | None, typer.Option(flag, metavar=metavar, help=text)]


def _number(flag: str, metavar: str, text: str) -> Any:
    return Annotated[float | None, typer.Option(flag, metavar=metavar, help=text, min=0.0)]


def _duration(flag: str, text: str) -> Any:
    return Annotated[float | None, duration_option(flag, text=text)]


# By field of ServiceSettings.
_OPTIONS: dict[str, Any] = {
    "singleton": Annotated[
        bool | None,
        typer.Option(
            "--singleton/--no-singleton", help="Never run two instances, not even during a deploy"
        ),
    ],
    "port": _text(
        "--port", "WHAT", "auto (a free port for each instance, in its variable PORT) or none"
    ),
    "placement": _text("--placement", "GROUP", "Only on hosts of this placement group"),
    "move_after": _text(
        "--move-after",
        "TIME",
        "Move instances from a host that has had no manager for this long; or never",
    ),
    "cores": _number("--cores", "X", "Cores that each instance reserves"),
    "ram_gb": _number("--ram-gb", "Y", "RAM that each instance reserves"),
    "memory_limit": _text(
        "--memory-limit",
        "SIZE",
        "Memory limit of each instance, enforced by the kernel, such as 512M",
    ),
    "cpu_limit": _number("--cpu-limit", "X", "CPU limit of each instance, in cores; 0: no limit"),
    "restart": _text("--restart", "POLICY", "always, on-failure or never"),
    "stop_grace_seconds": _duration(
        "--stop-grace", "Time that an instance has to stop before it is killed"
    ),
    "stop_signal": _text("--stop-signal", "SIGNAL", "Signal that is sent to stop an instance"),
    "readiness": _text(
        "--readiness", "PROBE", "Ready when: health, tcp:8080, http:PORT/ready, exec:CMD, none"
    ),
    "liveness": _text("--liveness", "PROBE", "Alive while: the same forms as for readiness"),
    "probe_period_seconds": _duration("--probe-period", "Time between two probes"),
    "probe_timeout_seconds": _duration("--probe-timeout", "Time limit of a probe"),
    "probe_failures": Annotated[
        int | None,
        typer.Option(
            "--probe-failures",
            metavar="N",
            help="Failed probes in a row that count as a failure",
            min=1,
        ),
    ],
    "start_grace_seconds": _duration(
        "--start-grace", "Time to become ready; liveness is not checked before"
    ),
    "on_unhealthy": _text("--on-unhealthy", "WHAT", "When liveness fails: replace or report"),
    "depends_on": Annotated[
        list[str] | None,
        typer.Option("--depends-on", metavar="NAME", help="Wait for this service; repeatable"),
    ],
    "schedule": _text(
        "--schedule", "CRON", 'When the service runs, such as "*/5 * * * *" or @daily; or none'
    ),
    "time_zone": _text("--time-zone", "ZONE", "Time zone of the schedule, such as Europe/Berlin"),
    "overlap": _text(
        "--overlap",
        "WHAT",
        "When a run is due and the previous one is still running: skip, queue or replace",
    ),
    "log_max_size": _text("--log-max-size", "SIZE", "Rotate log files at this size (10M)"),
    "log_quota": _text(
        "--log-quota", "SIZE", "Total size limit of the log files of the service (100M)"
    ),
}


def setting_helps() -> dict[str, str]:
    """Return what each option means, by field of ServiceSettings."""
    helps = {name: str(hint.__metadata__[0].help) for name, hint in _OPTIONS.items()}
    return {name: text.removesuffix("; repeatable") for name, text in helps.items()}


def with_settings(work: Callable[..., Result]) -> Callable[..., Result]:
    """Give a command these options; it gets them as `settings`."""

    @wraps(work)
    def run(**given: Any) -> Result:
        chosen = {name: given.pop(name) for name in _OPTIONS}
        return work(**given, settings=_settings(chosen))

    signature = inspect.signature(work, eval_str=False)
    own = [p for p in signature.parameters.values() if p.name != "settings"]
    hints = inspect.get_annotations(work, eval_str=True)
    own = [p.replace(annotation=hints[p.name]) for p in own]
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in _OPTIONS.items()
    ]
    own = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
    visible = cast("Any", run)
    visible.__signature__ = signature.replace(parameters=[*own, *options])
    return run


def _settings(chosen: dict[str, Any]) -> ServiceSettings:
    from odbctl.engine.api.settings import ServiceSettings

    return ServiceSettings(**chosen)
