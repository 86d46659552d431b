"""Reading the detail of a service or an instance: a function of an engine, and its seam.

`read_detail` may be called by any thread that has an engine, in one view. Only what
the question's tab shows is read.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from odbctl.engine.api.documents import EventDocument, InstanceDocument, ServiceDocument
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.events import EventFilter, find_events
from odbctl.engine.api.figures import instance_figures
from odbctl.engine.api.instance_listing import list_instances, show_instance
from odbctl.engine.api.live import newest_failed_release
from odbctl.engine.api.live_views import FailedRelease
from odbctl.engine.api.lookups import find_service
from odbctl.engine.api.status import list_releases, service_status
from odbctl.engine.api.why import why
from odbctl.errors import NotFoundError
from odbctl.paths import Home
from odbctl.tui.detail_facts import instance_groups, service_groups
from odbctl.tui.detail_rows import (
    DetailFacts,
    Metrics,
    Presence,
    Question,
    Series,
    Tab,
    config_facts,
    event_marks,
)
from odbctl.tui.home_source import HomeSource
from odbctl.tui.live_rows import failed_release_text
from odbctl.tui.plot_canvas import Point
from odbctl.tui.resource_rows import newest_first, release_rows
from odbctl.tui.snapshot import (
    event_rows,
    health_words,
    instance_rows,
)
from odbctl.tui.source import WokenSource
from odbctl.tui.text import short_ref

# More lines in one graph nobody tells apart; the newest are shown.
MOST_SERIES = 40


class DetailSource(WokenSource, Protocol):
    """An opened home."""

    def read(self, question: Question) -> DetailFacts:
        """Answer a question as of now."""
        ...


class DetailBackend(Protocol):
    """Where details come from."""

    def open(self) -> DetailSource:
        """Open a source for the calling thread."""
        ...


class EngineDetails:
    """The details of a real home."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def open(self) -> DetailSource:
        """Open the home's database for the calling thread."""
        return EngineDetailSource(self._home)


class EngineDetailSource(HomeSource):
    """A real home, which the change signal wakes."""

    def __init__(self, home: Home, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(home)
        self._clock = clock

    def read(self, question: Question) -> DetailFacts:
        """Read what the question's tab shows."""
        return read_detail(self._engine, question, now=self._clock())


def read_detail(engine: Engine, question: Question, *, now: float) -> DetailFacts:
    """Answer a question about a service or an instance; one that is gone is said to be."""
    with engine.db.view():
        try:
            failed = newest_failed_release(find_service(question.service))
            service = service_status(engine, question.service)
            instance = show_instance(engine, question.instance) if question.instance else None
        except NotFoundError:
            return _gone(engine, question)
        facts = DetailFacts(question=question, presence=Presence.HERE)
        facts = (
            _of_service(facts, service, failed)
            if instance is None
            else _of_instance(facts, instance)
        )
        return _tab_facts(engine, facts, service, instance, now)


def _of_service(
    facts: DetailFacts, service: ServiceDocument, failed: FailedRelease | None
) -> DetailFacts:
    codebase = service["codebase"]
    reasons = (failed_release_text(failed), service["reason"])
    return replace(
        facts,
        state=service["state"],
        counts=f"{service['ready_count']}/{service['desired_count']} ready",
        ref=short_ref(codebase["ref"], codebase["commit"]) if codebase else "",
        reason="; ".join(filter(None, reasons)),
    )


def _of_instance(facts: DetailFacts, instance: InstanceDocument) -> DetailFacts:
    return replace(
        facts,
        state=instance["state"],
        counts=f"of {instance['service']}, slot {instance['slot']}",
        ref=short_ref(f"release {instance['release']}", instance["commit"]),
        reason=instance["reason"] or instance["message"],
    )


def _tab_facts(
    engine: Engine,
    facts: DetailFacts,
    service: ServiceDocument,
    instance: InstanceDocument | None,
    now: float,
) -> DetailFacts:
    question = facts.question
    match question.tab:
        case Tab.SUMMARY:
            return _summary(engine, facts, service, instance)
        case Tab.LOGS:
            return facts  # the viewer reads for itself
        case Tab.EVENTS:
            return replace(facts, events=event_rows(_events(engine, question)))
        case Tab.METRICS:
            return _metrics(engine, facts, service, now)
        case Tab.CONFIG:
            return replace(
                facts,
                config=config_facts(service["config"]),
                env_names=tuple(service["env_names"]),
            )
        case Tab.RELEASES:
            rows = release_rows(list_releases(engine, service["name"]))
            return replace(facts, releases=newest_first(rows))


def _summary(
    engine: Engine,
    facts: DetailFacts,
    service: ServiceDocument,
    instance: InstanceDocument | None,
) -> DetailFacts:
    name = facts.question.instance or service["name"]
    lines = tuple(why(engine, name)["lines"])
    if instance is not None:
        return replace(facts, why=lines, groups=instance_groups(instance))
    everything = list_instances(engine, service=service["name"], everything=True)
    return replace(
        facts,
        why=lines,
        groups=service_groups(service),
        instances=instance_rows(
            everything,
            current=[i["id"] for i in service["instances"]],
            health=health_words(service),
        ),
    )


def _events(engine: Engine, question: Question) -> list[EventDocument]:
    wanted = EventFilter(service=question.service, instance=question.instance)
    return find_events(engine, wanted, limit=question.event_count)


def _metrics(
    engine: Engine, facts: DetailFacts, service: ServiceDocument, now: float
) -> DetailFacts:
    question = facts.question
    # In whole steps, so that what has not changed reads the same.
    until = math.ceil(now / question.range.grain_seconds) * question.range.grain_seconds
    since = until - question.range.seconds
    names = [question.instance] if question.instance else _instances_since(engine, question, since)
    marks = find_events(
        engine,
        EventFilter(service=question.service, instance=question.instance, since=since),
        limit=question.event_count,
    )
    limit = service["cpu_limit"]
    metrics = Metrics(
        since=since,
        until=until,
        series=with_points(tuple(_series(engine, name, since) for name in names)),
        cpu_limit=None if limit is None else limit * 100,
        memory_limit=service["memory_limit_bytes"],
        wanted=max(service["desired_count"], 1),
    )
    return replace(facts, metrics=metrics, marks=event_marks(marks))


def with_points(series: tuple[Series, ...]) -> tuple[Series, ...]:
    """Leave out instances that ended before they were measured, unless there are no others."""
    return tuple(each for each in series if each.cpu) or series


def _instances_since(engine: Engine, question: Question, since: float) -> list[str]:
    """Return the ids of the instances that lived since a time, the newest first."""
    found = list_instances(engine, service=question.service, everything=True)
    lived = [i for i in found if i["ended_at"] is None or i["ended_at"] >= since]
    return [i["id"] for i in reversed(lived)][:MOST_SERIES]


def _series(engine: Engine, name: str, since: float) -> Series:
    figures = instance_figures(engine, name, since=since)
    return Series(
        instance=name,
        cpu=tuple(Point(f["at"], f["cpu_percent"]) for f in figures),
        rss=tuple(Point(f["at"], float(f["rss_bytes"])) for f in figures),
    )


def _gone(engine: Engine, question: Question) -> DetailFacts:
    """Say what is left of a service or instance that is not there."""
    events = _events(engine, question)
    presence = Presence.REMOVED if events else Presence.UNKNOWN
    return DetailFacts(question=question, presence=presence, events=event_rows(events))
