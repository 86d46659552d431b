"""The use case `why`: why a service is as it is, in one screen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from odbctl.engine.api.cures import cure_of
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.events import EventFilter, find_events
from odbctl.engine.api.instance_listing import observed_state
from odbctl.engine.api.logs import last_words
from odbctl.engine.api.lookups import find_service
from odbctl.engine.api.release_changes import release_text
from odbctl.engine.api.status import describe_one, list_events
from odbctl.engine.api.versions import VERSION
from odbctl.engine.managers.record import describe_exit
from odbctl.engine.model.core import Release, Service, ServiceInstance
from odbctl.engine.model.states import ENDED_STATES, ReleaseOutcome
from odbctl.units import duration, exact_duration

if TYPE_CHECKING:
    from odbctl.engine.api.documents import ServiceDocument, WhyDocument

EVENTS_SHOWN = 8


def why(engine: Engine, name: str) -> WhyDocument:
    """Say what is wanted, what is, how the last runs ended, and what comes next.

    Args:
        engine: The opened home.
        name: A service, or an instance of one; also a service that was removed.

    Raises:
        NotFoundError: There is no such service.
    """
    with engine.db.view():
        instance = ServiceInstance.lookup_unique(name=name)
        if Service.lookup_unique(name=name) is None and instance is not None:
            return _why_instance(engine, instance)
        service = find_service(name)
        document = describe_one(engine, service)
        lines = [
            _wanted_line(document),
            *_release_lines(service),
            *_dependency_lines(document),
            *_exit_lines(service),
            *_health_lines(document),
            *_next_lines(document),
        ]
    is_well = document["state"] in ("running", "stopped", "waiting") and not document["crashes"]
    is_quiet = is_well and not (document["state"] == "stopped" and document["reason"])
    return {
        "kind": "why",
        "version": VERSION,
        "service": document,
        "lines": lines,
        "log": [] if is_quiet else last_words(engine, name, None),
        "events": list_events(engine, service=name, limit=EVENTS_SHOWN),
    }


def _why_instance(engine: Engine, instance: ServiceInstance) -> WhyDocument:
    """Say how one instance came, and came to be as it is."""
    service = instance.service
    document = describe_one(engine, service)
    state = observed_state(instance)
    lines = [f"{instance.name} is {state.value}, an instance of {instance.service_name}"]
    lines.append(
        f"it runs release {instance.release.number}"
        if state not in ENDED_STATES
        else f"it ran release {instance.release.number}"
    )
    if instance.failures:
        runs = "1 run" if instance.failures == 1 else f"{instance.failures} runs"
        lines.append(f"{runs} before it failed in a row")
    if instance.health:
        lines.append(f"its health: {instance.health}")
    if state in ENDED_STATES:
        lines.append(_end_text(instance))
    found = EventFilter(instance=instance.name)
    return {
        "kind": "why",
        "version": VERSION,
        "service": document,
        "lines": lines,
        "log": last_words(engine, instance.service_name, instance.name)
        if state in ENDED_STATES
        else [],
        "events": find_events(engine, found, limit=EVENTS_SHOWN),
    }


def _wanted_line(document: ServiceDocument) -> str:
    wanted = f"{document['desired_count']} desired"
    if document["paused"]:
        wanted += " once it is started"
    counts = f"{wanted}, {document['running_count']} running"
    if document["readiness"] is not None:
        counts += f", {document['ready_count']} ready"
    text = f"{document['name']} is {document['state']}: {counts}"
    return f"{text}. {document['reason']}" if document["reason"] else text


def _dependency_lines(document: ServiceDocument) -> list[str]:
    """Say what it waits for, and what to ask next."""
    if not document["waits_for"] or not document["target_count"]:
        return []
    first = document["waits_for"][0]
    return [
        f"it is waiting for {', '.join(document['waits_for'])}, not ready yet: odbctl why {first}"
    ]


def _exit_lines(service: Service) -> list[str]:
    """Say how the last instance that ended did, and what mends that where it is known."""
    ended = [i for i in ServiceInstance.lookup_all(service=service) if i.state in ENDED_STATES]
    if not ended:
        return []
    last = max(ended, key=lambda i: i.ended_at or 0.0)
    cure = cure_of(service, last)
    return [_end_text(last), *([cure] if cure else [])]


def _end_text(last: ServiceInstance) -> str:
    ago = max(0.0, time.time() - (last.ended_at or 0.0))
    ran = (last.ended_at or 0.0) - (last.running_at or last.ended_at or 0.0)
    text = (
        f"last exit: {last.name} {last.state.value} {duration(ago)} ago after running for"
        f" {exact_duration(round(ran, 1))}"
    )
    return f"{text} ({describe_exit(last)})"


def _health_lines(document: ServiceDocument) -> list[str]:
    """Say what the probes of those say that are not ready."""
    probe = document["readiness"]
    if probe is None:
        return []
    return [
        f"{i['id']} is not ready ({probe['probe']}): {i['health'] or 'it has not answered yet'}"
        for i in document["instances"]
        if i["state"] == "running" and not i["ready"]
    ][:3]


def _next_lines(document: ServiceDocument) -> list[str]:
    """Say what comes next, or what would mend it."""
    name = document["name"]
    if hosts := document["hosts_without_manager"]:
        return [f"to supervise it again: odbctl manager start --host {hosts[0]}"]
    match document["state"]:
        case "backoff" | "crash-loop":
            return [f"to retry at once: odbctl service start {name}"]
        case "unplaceable":
            return ["to see the capacity of the hosts: odbctl host list"]
        case "waiting" if document["next_run_at"] is not None and document["schedule"]:
            return [
                f"it runs on the schedule {document['schedule']!r}; "
                f"to run it now: odbctl service run {name}"
            ]
        case _:
            return []


def _release_lines(service: Service) -> list[str]:
    releases = sorted(Release.lookup_all(service=service), key=lambda r: r.number)
    if not releases:
        return []
    newest = releases[-1]
    head, colon, rest = release_text(newest).partition(":")
    text = f"{head} by {newest.actor} is {newest.outcome.value}{colon}{rest}"
    if newest.outcome is ReleaseOutcome.FAILED and service.release is not None:
        text += f" ({newest.reason}); release {service.release.number} keeps running"
    return [text]
