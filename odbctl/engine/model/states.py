"""The closed sets of the core schema: states, policies, outcomes.

Pure values, used by every layer and process.
"""

from __future__ import annotations

from enum import StrEnum


class InstanceState(StrEnum):
    """Where a ServiceInstance is in its life; see `NEXT_STATES`."""

    BOOTING = "booting"  # wanted and placed, no process yet
    INITIALIZING = "initializing"  # a process lives, `initialize()` has not returned
    RUNNING = "running"  # `initialize()` returned, `do_work()` runs
    STOPPING = "stopping"  # asked to stop, the process may still live
    STOPPED = "stopped"  # ended as asked, or `do_work()` returned
    FAILED = "failed"  # ended before it was running
    CRASHED = "crashed"  # ended while running, by itself or by a signal
    LOST = "lost"  # ended unwatched: nobody knows how


ENDED_STATES = frozenset(
    {InstanceState.STOPPED, InstanceState.FAILED, InstanceState.CRASHED, InstanceState.LOST}
)
_ENDS = tuple(ENDED_STATES)

NEXT_STATES: dict[InstanceState, tuple[InstanceState, ...]] = {
    InstanceState.BOOTING: (
        InstanceState.INITIALIZING,
        InstanceState.RUNNING,
        InstanceState.STOPPING,
        *_ENDS,
    ),
    InstanceState.INITIALIZING: (InstanceState.RUNNING, InstanceState.STOPPING, *_ENDS),
    InstanceState.RUNNING: (InstanceState.STOPPING, *_ENDS),
    InstanceState.STOPPING: _ENDS,
    **dict.fromkeys(_ENDS, ()),
}


class RestartPolicy(StrEnum):
    """When an instance that ended by itself is replaced."""

    ALWAYS = "always"  # however it ended
    ON_FAILURE = "on-failure"  # unless it ended with code 0
    NEVER = "never"  # a job that runs once


class Overlap(StrEnum):
    """What becomes of a scheduled run that is due while the one before still runs."""

    SKIP = "skip"  # it is left out
    QUEUE = "queue"  # it begins when the one before has ended
    REPLACE = "replace"  # the one before is stopped


class CodebaseLock(StrEnum):
    """Whether a service lets its codebase, module or class be changed."""

    UNLOCKED = "unlocked"  # every change goes through
    PREPARED = "prepared"  # one change goes through, then it is locked
    LOCKED = "locked"  # changes are refused


class ReleaseOutcome(StrEnum):
    """What became of a release."""

    ROLLING = "rolling"  # its instances are being started
    ACTIVE = "active"  # the service runs it
    FAILED = "failed"  # it did not start; the one before stays
    SUPERSEDED = "superseded"  # a later one replaced it


class ReleaseAction(StrEnum):
    """What made a release."""

    CREATE = "create"  # the service was created
    DEPLOY = "deploy"  # another commit was deployed
    CONFIGURE = "configure"  # configuration or environment was changed
    RESTART = "restart"  # every instance was replaced
    ROLLBACK = "rollback"  # an earlier release was taken again


class ExitCause(StrEnum):
    """How a process ended."""

    STOP = "stop"  # as it was asked to
    EXIT = "exit"  # by itself, with an exit code
    SIGNAL = "signal"  # by a signal that odbctl did not send
    KILL = "kill"  # by odbctl: its grace was over, or a person had it killed
    UNHEALTHY = "unhealthy"  # by odbctl, for its liveness probe failed
    UNKNOWN = "unknown"  # nobody was there to see


class HostState(StrEnum):
    """Whether the manager of a host is at work."""

    UP = "up"  # its manager runs
    DOWN = "down"  # its manager ended or was stopped


class EventLevel(StrEnum):
    """How much an event matters."""

    INFO = "info"  # as planned
    WARNING = "warning"  # not as wanted; odbctl goes on trying
    ERROR = "error"  # not as wanted; somebody has to act


ANY_PLACEMENT = "Any"
DEFAULT_HOST_PLACEMENT = "Master"
