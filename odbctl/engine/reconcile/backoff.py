"""Back-off of restarts: the first is immediate, then exponential with jitter.

Pure. The jitter is drawn from the instance's id, so that a plan made twice is
the same plan, and a hundred slots that crash together do not come back
together.
"""

from __future__ import annotations

from odbctl.engine.reconcile.snapshot import InstanceSnapshot, ServiceSnapshot

BASE_DELAY_SECONDS = 1.0
MAX_DELAY_SECONDS = 60.0
JITTER = 0.25  # a delay is lengthened by up to this part of itself
STABLE_SECONDS = 30.0  # a run that long wipes out the failures before it
CRASH_LOOP_FAILURES = 4
CLOCK_TOLERANCE_SECONDS = 1.0


def without_future_reset(service: ServiceSnapshot, *, now: float) -> ServiceSnapshot:
    """Leave out a reset that lies in the future, for the clock was set back after it.

    Kept, it would excuse every end until the clock is there again: restarts
    without back-off, and finished jobs run over and over.
    """
    if service.reset_at <= now + CLOCK_TOLERANCE_SECONDS:
        return service
    return service._replace(reset_at=0.0)


def failures_after(instance: InstanceSnapshot, *, reset_at: float) -> int:
    """Count the bad ends in a row of a slot, this ended instance's included.

    A run of `STABLE_SECONDS` starts the count anew, and so does a reset; what
    ended before `reset_at` does not count. A `do_work` that returns early
    counts too, or its restarts would be a storm.
    """
    ended_at = instance.ended_at or 0.0
    if ended_at < reset_at or instance.stopping_at is not None:
        return 0
    begins_anew = was_stable(instance) or instance.created_at < reset_at
    return 1 if begins_anew else instance.failures + 1


def was_stable(instance: InstanceSnapshot) -> bool:
    """Tell whether an ended instance had run for long enough."""
    if instance.running_at is None or instance.ended_at is None:
        return False
    return instance.ended_at - instance.running_at >= STABLE_SECONDS


def delay_seconds(failures: int, *, seed: int) -> float:
    """Return how long to wait after so many bad ends in a row: 0, 1, 2, 4 … 60 (+25 %)."""
    if failures <= 1:
        return 0.0
    exponent = min(failures - 2, 16)
    delay = min(BASE_DELAY_SECONDS * 2.0**exponent, MAX_DELAY_SECONDS)
    from zlib import crc32  # only what has crashed needs it

    share = crc32(f"{seed}:{failures}".encode()) / 0xFFFFFFFF
    return delay * (1.0 + JITTER * share)


def next_try_at(instance: InstanceSnapshot, *, reset_at: float, now: float) -> float:
    """Return when the slot of an ended instance may be filled again.

    An end that lies in the future means that the clock was set back: the
    slot may be filled at once, rather than never.
    """
    ended_at = instance.ended_at or 0.0
    if ended_at > now + CLOCK_TOLERANCE_SECONDS:
        return now
    failures = failures_after(instance, reset_at=reset_at)
    return ended_at + delay_seconds(failures, seed=instance.id)
