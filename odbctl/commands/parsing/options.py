"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from odbctl.errors import UsageError
from odbctl.units import exact_duration, parse_duration


def parse_seconds(value: object) -> float:
    """Read a duration that was typed, or a default, as seconds."""
    if isinstance(value, int | float):
        return float(value)
    try:
        return parse_duration(str(value))
    except UsageError as error:
        raise typer.BadParameter(f"{error.message}; {error.hint}") from error


def duration_option(*flags: str, text: str, default: float | None = None) -> Any:
    """Return an option that takes a duration such as `10`, `45s` or `1h30m`.

    Args:
        flags: Its names; by default the parameter's.
        text: Its help.
        default: The default in seconds, as the help shows it.
    """
    if default is not None:
        text = f"{text} ({exact_duration(default)})"
    return typer.Option(
        *flags, metavar="DURATION", help=text, parser=parse_seconds, show_default=False
    )


ServiceName = Annotated[str, typer.Argument(metavar="NAME", help="The service")]
# Commands that take patterns or --all check that there is a name themselves.
ServiceNames = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME...", help="Services, or a quoted pattern such as 'api-*'"),
]
AllServices = Annotated[bool, typer.Option("--all", "-a", help="All services")]
InstanceId = Annotated[str, typer.Argument(metavar="ID", help="The instance, such as hello-3")]
HostName = Annotated[str, typer.Argument(metavar="NAME", help="The host")]
CodebaseSpec = Annotated[
    str, typer.Argument(metavar="NAME[@REF]", help="The codebase; without REF its newest version")
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the change is complete")]
Timeout = Annotated[float | None, duration_option(text="Wait at most this long, such as 30s or 5m")]
# The same as engine.reconcile.snapshot.DEFAULT_SETTLE_SECONDS, which is not imported for --help.
DEFAULT_SETTLE_SECONDS = 3.0
Settle = Annotated[
    float,
    duration_option(
        "--settle", text="How long new instances have to stay ready before old ones stop"
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", "-n", help="Print what would be done, and change nothing")
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Keep printing new records")]
LineCount = Annotated[
    int | None,
    typer.Option("--tail", "--lines", "-n", metavar="N", help="Last N records (100)", min=0),
]
Since = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Newer than 10m, 2h30m, 1d or 2026-11-23T23:14"),
]
Until = Annotated[
    str | None, typer.Option(metavar="TIME", help="Older than this; same forms as --since")
]
Grep = Annotated[
    str | None, typer.Option("--grep", "-g", metavar="REGEX", help="Only records that match")
]
Level = Annotated[
    str | None, typer.Option(metavar="LEVEL", help="Only this level and above, such as warning")
]
OfInstance = Annotated[
    str | None, typer.Option("--instance", metavar="ID", help="Only this instance")
]
Previous = Annotated[
    bool, typer.Option("--previous", "-p", help="The previous run of each instance")
]
AllRuns = Annotated[bool, typer.Option("--all", "-a", help="All instances, including ended ones")]
EnvWords = Annotated[
    list[str] | None,
    typer.Option("--env", metavar="K=V", help="Set an environment variable; repeatable"),
]
EnvFile = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", help="Read environment variables from a file of K=V lines; - is stdin"
    ),
]
Unset = Annotated[
    list[str] | None,
    typer.Option("--unset", metavar="KEY", help="Remove a configuration value; repeatable"),
]
UnsetEnv = Annotated[
    list[str] | None,
    typer.Option("--unset-env", metavar="NAME", help="Remove an environment variable; repeatable"),
]
EVERYTHING_HELP = "Include ended instances"
Watch = Annotated[
    bool,
    typer.Option("--watch", "-w", help="Print again on every change"),
]
Everything = Annotated[bool, typer.Option("--all", "-a", help=EVERYTHING_HELP)]
HostOption = Annotated[
    str, typer.Option("--host", metavar="NAME", help="The host that the manager supervises")
]
EventService = Annotated[
    str | None, typer.Option("--service", metavar="NAME", help="Only this service")
]
EventLimit = Annotated[
    int, typer.Option("--tail", "--lines", "-n", metavar="N", help="Only the last N", min=1)
]
