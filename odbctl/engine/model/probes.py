"""Probes: how it is found out whether an instance is ready, and whether it is alive.

Pure values. A probe is run inside the worker, and asked for by the manager.
"""

from __future__ import annotations

from enum import StrEnum

from odbctl.light_typing import NamedTuple

# In a probe's target: the port that is PORT in the instance's environment.
OWN_PORT = "PORT"


class ProbeKind(StrEnum):
    """What a probe does."""

    HEALTH = "health"  # calls the service's own `health()`
    EXEC = "exec"  # runs a command in the instance's surroundings; well with exit code 0
    HTTP = "http"  # gets a page; well with a status from 200 to 399
    TCP = "tcp"  # connects to a port


class Probe(NamedTuple):
    """One probe of a service.

    `target` is a command line for `exec`, `HOST:PORT/PATH` for `http`, `HOST:PORT` for
    `tcp`, and empty for `health`. The word PORT instead of a number is the port that the
    instance has in its environment under that name. No answer within the time-out is a
    failure. As many failures in a row as the threshold make an instance unwell.
    """

    kind: ProbeKind
    target: str = ""
    period_seconds: float = 10.0
    timeout_seconds: float = 5.0
    failure_threshold: int = 3

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.target}" if self.target else self.kind.value
