"""The facts of the summary: how a service is set, how an instance came and went. Pure."""

from __future__ import annotations

from odbctl.engine.api.documents import InstanceDocument, ProbeDocument, ServiceDocument
from odbctl.tui.detail_rows import Fact, FactGroup
from odbctl.tui.paint import Tone
from odbctl.tui.plot_axis import date
from odbctl.tui.snapshot import exit_text
from odbctl.tui.text import counted, percent
from odbctl.units import exact_duration, size

NONE = "-"
# What `held_by` of the engine says where no host can enforce a limit.
BY_NOTHING = "nothing"


def service_groups(service: ServiceDocument) -> tuple[FactGroup, ...]:
    """Return how a service is set, in groups."""
    return (
        FactGroup(title="runs", facts=_runs(service)),
        FactGroup(title="limits", facts=_limits(service)),
        FactGroup(title="probes", facts=_probes(service)),
        FactGroup(title="counters", facts=_counters(service)),
    )


def _runs(service: ServiceDocument) -> tuple[Fact, ...]:
    release = str(service["release"]) if service["release"] else NONE
    if service["candidate"]:
        release += f", {service['candidate']} is being rolled out"
    wanted = counted(service["desired_count"], "instance")
    count = "1 instance, never two" if service["singleton"] else wanted
    if service["paused"]:
        count += ", but stopped"
    lock = service["lock"]
    schedule = service["schedule"] or NONE
    if service["schedule"]:
        zone = service["time_zone"] or "local time"
        schedule += f" ({zone}, {service['overlap']} when late)"
    if service["next_run_at"] is not None:
        schedule += f", next {date(service['next_run_at'])}"
    return (
        Fact(name="class", value=service["class"]),
        Fact(name="codebase", value=_codebase(service)),
        Fact(name="release", value=release),
        Fact(name="desired", value=count),
        Fact(name="lock", value=lock, tone=Tone.PLAIN if lock == "unlocked" else Tone.WARN),
        Fact(name="placement", value=service["placement"]),
        Fact(name="depends on", value=", ".join(service["depends_on"]) or NONE),
        Fact(
            name="waits for",
            value=", ".join(service["waits_for"]) or NONE,
            tone=Tone.WARN if service["waits_for"] else Tone.PLAIN,
        ),
        Fact(name="schedule", value=schedule),
    )


def _codebase(service: ServiceDocument) -> str:
    codebase = service["codebase"]
    return f"{codebase['name']}@{codebase['ref']} {codebase['commit'][:12]}" if codebase else NONE


def _limits(service: ServiceDocument) -> tuple[Fact, ...]:
    memory, cpu = service["memory_limit_bytes"], service["cpu_limit"]
    memory_text = NONE if memory is None else _held(size(memory), service["memory_held_by"])
    cpu_text = NONE if cpu is None else _held(counted_cores(cpu), service["cpu_held_by"])
    return (
        Fact(name="reserves", value=f"{counted_cores(service['cores'])}, {service['ram_gb']:g} GB"),
        Fact(name="memory limit", value=memory_text),
        Fact(name="cpu limit", value=cpu_text),
        Fact(name="log max size", value=size(service["log_max_bytes"])),
        Fact(name="log quota", value=size(service["log_quota_bytes"])),
    )


def counted_cores(cores: float) -> str:
    """Return `1 core`, `0.5 cores`."""
    return "1 core" if cores == 1 else f"{cores:g} cores"


def _held(limit: str, by: str | None) -> str:
    """Say what enforces a limit; on no host there may be anything that does."""
    return f"{limit}, not enforced" if by in (None, BY_NOTHING) else f"{limit}, enforced by {by}"


def _probes(service: ServiceDocument) -> tuple[Fact, ...]:
    return (
        Fact(name="readiness", value=_probe(service["readiness"])),
        Fact(name="liveness", value=_probe(service["liveness"])),
        Fact(name="on unhealthy", value=service["on_unhealthy"]),
        Fact(name="start grace", value=exact_duration(service["start_grace_seconds"])),
        Fact(
            name="stop grace",
            value=f"{exact_duration(service['stop_grace_seconds'])} after "
            f"{service['stop_signal'] or 'the request'}",
        ),
    )


def _probe(probe: ProbeDocument | None) -> str:
    if probe is None:
        return NONE
    failures = counted(probe["failure_threshold"], "failure")
    period = exact_duration(probe["period_seconds"])
    return f"{probe['probe']} every {period}, fails after {failures} in a row"


def _counters(service: ServiceDocument) -> tuple[Fact, ...]:
    return (
        Fact(name="restart", value=service["restart"]),
        _counter("restarts", service["restarts"]),
        _counter("crashes", service["crashes"]),
        _counter("failed starts", service["failed_starts"]),
        Fact(name="created", value=date(service["created_at"])),
    )


def _counter(name: str, count: int) -> Fact:
    return Fact(name=name, value=str(count), tone=Tone.WARN if count else Tone.PLAIN)


def instance_groups(instance: InstanceDocument) -> tuple[FactGroup, ...]:
    """Return how an instance came, what it uses, and how it ended."""
    return (
        FactGroup(title="runs", facts=_life(instance)),
        FactGroup(title="uses", facts=_usage(instance)),
    )


def _life(instance: InstanceDocument) -> tuple[Fact, ...]:
    ended = exit_text(instance)
    cause = instance["exit"]["cause"] if instance["exit"] else None
    is_bad = ended not in ("", "code 0") and cause != "stop"
    return (
        Fact(name="host", value=instance["host"]),
        Fact(name="pid", value=str(instance["pid"] or NONE)),
        Fact(name="owner", value=instance["owner"] or NONE),
        Fact(name="health", value=instance["health"] or NONE),
        Fact(name="started", value=_at(instance["started_at"])),
        Fact(name="running", value=_at(instance["running_at"])),
        Fact(name="stopping", value=_at(instance["stopping_at"])),
        Fact(name="ended", value=_at(instance["ended_at"])),
        Fact(
            name="exit",
            value=f"{ended} ({cause})" if ended else NONE,
            tone=Tone.WARN if is_bad else Tone.PLAIN,
        ),
        Fact(name="restarts", value=f"{instance['failures']} in a row before this one"),
        Fact(name="log", value=instance["log"]),
    )


def _usage(instance: InstanceDocument) -> tuple[Fact, ...]:
    cpu, rss = instance["cpu_percent"], instance["rss_bytes"]
    files, threads = instance["open_files"], instance["threads"]
    return (
        Fact(name="CPU", value=NONE if cpu is None else percent(cpu)),
        Fact(name="memory", value=NONE if rss is None else size(rss)),
        Fact(name="open files", value=NONE if files is None else str(files)),
        Fact(name="threads", value=NONE if threads is None else str(threads)),
    )


def _at(at: float | None) -> str:
    return NONE if at is None else date(at)
