"""What a plan is made of: frozen moves, carried out by the manager in order."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Boot:
    """Create an instance in a slot, on a host."""

    service: int
    slot: int
    release: int
    host: int
    failures: int = 0
    is_one_off: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """Ask an instance to stop."""

    instance: int
    reason: str


@dataclass(frozen=True, slots=True)
class Terminate:
    """Send the stop signal to the group of an instance, by default at half of its grace."""

    instance: int
    signal: str = "SIGTERM"


@dataclass(frozen=True, slots=True)
class Kill:
    """Send SIGKILL to the group of an instance whose grace is over."""

    instance: int


@dataclass(frozen=True, slots=True)
class Retire:
    """Look no longer at an ended instance."""

    instance: int


@dataclass(frozen=True, slots=True)
class Promote:
    """Make the candidate the release that the service runs."""

    service: int


@dataclass(frozen=True, slots=True)
class FailRollout:
    """Give the candidate up; the release that runs stays.

    `reason` is why, where the instance has not ended.
    """

    service: int
    instance: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ClearFailedStarts:
    """Forget failed starts, for an instance runs."""

    service: int


@dataclass(frozen=True, slots=True)
class ReportShortage:
    """Say how many instances cannot be placed, and which resource is short."""

    service: int
    count: int
    shortage: str | None


@dataclass(frozen=True, slots=True)
class SetNextRun:
    """Work out when the next scheduled run is due."""

    service: int


@dataclass(frozen=True, slots=True)
class BeginRun:
    """Begin a scheduled run that is due."""

    service: int


@dataclass(frozen=True, slots=True)
class SkipRun:
    """Leave out a scheduled run, for the one before it still runs."""

    service: int


@dataclass(frozen=True, slots=True)
class Forget:
    """Delete a removed service, of which nothing lives any more."""

    service: int


@dataclass(frozen=True, slots=True)
class RecordGone:
    """Record the end of an instance of a host without a manager, whose process is gone."""

    instance: int
    reason: str


@dataclass(frozen=True, slots=True)
class ReportHostDown:
    """Record that a host has lost its manager."""

    host: int


Action = (
    Boot
    | Stop
    | Terminate
    | Kill
    | Retire
    | Promote
    | FailRollout
    | ClearFailedStarts
    | ReportShortage
    | SetNextRun
    | BeginRun
    | SkipRun
    | Forget
    | RecordGone
    | ReportHostDown
)


@dataclass(frozen=True, slots=True)
class Plan:
    """The moves to make now, and when to look again (None: when something changes)."""

    actions: tuple[Action, ...] = ()
    wake_at: float | None = None
