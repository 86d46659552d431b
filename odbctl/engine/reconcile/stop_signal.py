"""When the stop signal follows a request to stop. Pure."""

from __future__ import annotations

# The part of the grace after which SIGTERM follows the request to stop.
TERMINATE_AFTER = 0.5
DEFAULT_STOP_SIGNAL = "SIGTERM"


def signal_delay(stop_signal: str, stop_grace_seconds: float) -> float:
    """Return how many seconds after the request to stop the stop signal is sent."""
    if stop_signal != DEFAULT_STOP_SIGNAL:
        return 0.0
    return stop_grace_seconds * TERMINATE_AFTER
