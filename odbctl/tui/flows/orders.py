"""What a person may order: a verb and targets that are fixed when it is chosen. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from odbctl.errors import OdbctlError, PartlyDoneError


class OrderVerb(StrEnum):
    """What can be done to objects; the value is the word for it on buttons and in talk."""

    START = "start"  # want services to run
    STOP = "stop"  # want no instance of services
    RESTART = "restart"  # replace every instance of services
    SCALE = "scale"  # want so many instances of a service
    RUN = "run now"  # begin a run of a job
    RESET = "reset"  # forget failed starts: back-off and throttling ended
    LOCK = "lock"  # refuse changes of the codebase
    PREPARE = "prepare"  # let one change of the codebase through
    UNLOCK = "unlock"  # let every change through
    REMOVE = "remove"  # stop and forget a service; logs and events stay
    STOP_INSTANCE = "stop instance"  # it is replaced while its service wants it
    KILL_INSTANCE = "kill"  # SIGKILL to instances and their process groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A verb and the names or ids that it is about."""

    verb: OrderVerb
    targets: tuple[str, ...]
    count: int = 0


def is_about_instances(verb: OrderVerb) -> bool:
    """Tell whether a verb's targets are instances; else they are services."""
    return verb in (OrderVerb.STOP_INSTANCE, OrderVerb.KILL_INSTANCE)


_STEPS = {
    OrderVerb.START: "starting",
    OrderVerb.STOP: "stopping",
    OrderVerb.RESTART: "restarting",
    OrderVerb.SCALE: "scaling",
    OrderVerb.RUN: "starting a run of",
    OrderVerb.RESET: "resetting",
    OrderVerb.LOCK: "locking",
    OrderVerb.PREPARE: "preparing",
    OrderVerb.UNLOCK: "unlocking",
    OrderVerb.REMOVE: "removing",
    OrderVerb.STOP_INSTANCE: "stopping",
    OrderVerb.KILL_INSTANCE: "killing",
}
NAMES_SHOWN = 5


def step_text(order: Order) -> str:
    """Say what is being done."""
    return f"{_STEPS[order.verb]} {names_text(order.targets)}"


def names_text(names: tuple[str, ...]) -> str:
    """Name the first few, and say how many more there are."""
    more = len(names) - NAMES_SHOWN
    return ", ".join([*names[:NAMES_SHOWN], *([f"{more} more"] if more > 0 else [])])


def outcome_text(lines: Sequence[str], errors: Sequence[OdbctlError]) -> str:
    """Return a line about what was done to the targets, or raise what went wrong.

    Args:
        lines: What was done to each target that took it.
        errors: Why the others did not.

    Raises:
        PartlyDoneError: Some took it, some did not.
        OdbctlError: None took it.
    """
    if errors and lines:
        done = f"{len(lines)} of {len(lines) + len(errors)} done"
        raise PartlyDoneError(f"{done}; {errors[0]}", hint=errors[0].hint)
    if len(errors) > 1:
        more = f"{errors[0]} (and {len(errors) - 1} more)"
        raise OdbctlError(more, hint=errors[0].hint) from errors[0]
    if errors:
        raise errors[0]
    return lines[0] if len(lines) == 1 else f"{len(lines)} done: {lines[0]} ..."
