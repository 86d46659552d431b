"""What a rollout does, told before it begins. Every function needs an open view.

The order that is told here is the one that `reconcile.rollout` plans.
"""

from __future__ import annotations

from odbctl.engine.model.core import Service
from odbctl.engine.model.states import CodebaseLock, RestartPolicy
from odbctl.engine.reconcile.snapshot import DEFAULT_SETTLE_SECONDS
from odbctl.units import exact_duration


def order_texts(service: Service, living: int) -> list[str]:
    """Say in which order instances are replaced."""
    if service.target_count == 0:
        return ["the service is stopped: the new release runs at its next start"]
    if service.schedule is not None:
        return ["a run in progress is not interrupted; the next run uses the new release"]
    if service.restart is RestartPolicy.NEVER and living:
        return ["a run in progress is not interrupted; later runs use the new release"]
    if service.singleton:
        return [
            "singleton: the old instance stops first",
            "then the new one starts; if it fails, the old release starts again",
        ]
    each = (
        "1 new instance starts"
        if service.desired_count == 1
        else (f"{service.desired_count} new instances start")
    )
    ready = "ready" if service.readiness is not None else "running"
    lines = [
        f"{each} while the old ones keep running",
        f"when all of them have been {ready} for {exact_duration(DEFAULT_SETTLE_SECONDS)}, "
        f"the old ones stop within {exact_duration(service.stop_grace_seconds)}",
        "if one fails, the new ones stop and the old ones keep running",
    ]
    if service.readiness is not None:
        lines.insert(1, f"each has {exact_duration(service.start_grace_seconds)} to become ready")
    return lines


def kept_texts(service: Service) -> list[str]:
    """Say what a deploy leaves as it is."""
    release = service.candidate or service.release
    lines = [f"desired count {service.desired_count}"]
    if release is not None:
        lines += [f"class {release.class_spec}", "configuration and environment"]
    lines.append("logs, storage and events")
    return lines


def refusal_of(service: Service, *, changes_code: bool) -> str | None:
    """Say why a change of the codebase would be refused."""
    if changes_code and service.lock is CodebaseLock.LOCKED:
        return f"its codebase is locked: odbctl service prepare {service.name}"
    return None
