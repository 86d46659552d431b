"""The use case `why`: why a service is as it is, in one screen."""

from __future__ import annotations

import time

from odbctl.engine.api.documents import ServiceDocument, WhyDocument
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.logs import last_words
from odbctl.engine.api.lookups import find_service
from odbctl.engine.api.status import describe_one, list_events
from odbctl.engine.api.versions import VERSION
from odbctl.engine.managers.record import describe_exit
from odbctl.engine.model.core import Release, Service, ServiceInstance
from odbctl.engine.model.states import ENDED_STATES, ReleaseOutcome

EVENTS_SHOWN = 8


def why(engine: Engine, name: str) -> WhyDocument:
    """Say what is wanted, what is, how the last runs ended, and what comes next.

    Raises:
        NotFoundError: There is no such service.
    """
    with engine.db.view():
        service = find_service(name)
        document = describe_one(engine, service)
        lines = [_wanted_line(document), *_exit_lines(service), *_release_lines(service)]
    is_well = document["state"] in ("running", "stopped") and not document["reason"]
    return {
        "kind": "why",
        "version": VERSION,
        "service": document,
        "lines": lines,
        "log": [] if is_well and not document["crashes"] else last_words(engine, name, None),
        "events": list_events(engine, service=name, limit=EVENTS_SHOWN),
    }


def _wanted_line(document: ServiceDocument) -> str:
    counts = f"{document['desired_count']} wanted, {document['running_count']} running"
    text = f"{document['name']} is {document['state']}: {counts}"
    return f"{text}. {document['reason']}" if document["reason"] else text


def _exit_lines(service: Service) -> list[str]:
    """Say how the last instance that ended did."""
    ended = [i for i in ServiceInstance.lookup_all(service=service) if i.state in ENDED_STATES]
    if not ended:
        return []
    last = max(ended, key=lambda i: i.ended_at or 0.0)
    ago = max(0.0, time.time() - (last.ended_at or 0.0))
    ran = (last.ended_at or 0.0) - (last.running_at or last.ended_at or 0.0)
    text = f"last end: {last.name} {last.state.value} {ago:.0f} s ago after running {ran:.1f} s"
    return [f"{text} ({describe_exit(last)})"]


def _release_lines(service: Service) -> list[str]:
    releases = sorted(Release.lookup_all(service=service), key=lambda r: r.number)
    if not releases:
        return []
    newest = releases[-1]
    text = f"release {newest.number} of {newest.codebase.commit[:12]} is {newest.outcome.value}"
    if newest.outcome is ReleaseOutcome.FAILED and service.release is not None:
        text += f" ({newest.reason}); release {service.release.number} goes on"
    return [text]
