"""What the detail of a service or an instance shows: frozen rows. Pure.

Of the environment only names come here: values never leave the engine. Values of the
configuration whose name says that they are secret are masked here, before any screen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from odbctl.engine.api.documents import EventDocument
from odbctl.tui.paint import Tone
from odbctl.tui.plot import Mark
from odbctl.tui.plot_canvas import Point
from odbctl.tui.resource_rows import ReleaseRow
from odbctl.tui.snapshot import EventRow, InstanceRow

MASK = "••••••"
_SECRET = re.compile(r"pass(word|wd|phrase)?|secret|token|key|credential|auth|dsn", re.IGNORECASE)
_SECRET_IN_URL = re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]*(?=@)")


class Presence(StrEnum):
    """Whether what is shown is there."""

    HERE = "here"  # it is
    REMOVED = "removed"  # it was; its events and logs are left
    UNKNOWN = "unknown"  # nothing is known of it


class Tab(StrEnum):
    """The tabs, in their order."""

    SUMMARY = "summary"  # why it is as it is, its instances, how it is set
    LOGS = "logs"  # what it wrote
    EVENTS = "events"  # what happened to it
    METRICS = "metrics"  # what it uses
    CONFIG = "config"  # its configuration, and the names of its environment
    RELEASES = "releases"  # what it ran


class Range(StrEnum):
    """How far back metrics go."""

    HOUR = "1 h"  # a point each 10 s
    DAY = "1 day"  # a point a minute
    WEEK = "7 days"  # a point each 10 min

    @property
    def seconds(self) -> float:
        """How long that is."""
        return {Range.HOUR: 3_600.0, Range.DAY: 86_400.0, Range.WEEK: 604_800.0}[self]

    @property
    def grain_seconds(self) -> float:
        """How far apart the points are that are kept of it."""
        return {Range.HOUR: 10.0, Range.DAY: 60.0, Range.WEEK: 600.0}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked about: a service, or one instance of it."""

    service: str
    instance: str | None = None
    tab: Tab = Tab.SUMMARY
    range: Range = Range.HOUR
    event_count: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A named value of the summary."""

    name: str
    value: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class FactGroup:
    """Facts that belong together."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What one instance used."""

    instance: str
    cpu: tuple[Point, ...]
    rss: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """What the instances used between two times, and what they may."""

    since: float
    until: float
    series: tuple[Series, ...]
    cpu_limit: float | None = None
    memory_limit: float | None = None
    wanted: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailFacts:
    """All that a question is answered with; what its tab does not show is left empty."""

    question: Question
    presence: Presence
    state: str = ""
    counts: str = ""
    ref: str = ""
    reason: str = ""
    why: tuple[str, ...] = ()
    groups: tuple[FactGroup, ...] = ()
    instances: tuple[InstanceRow, ...] = ()
    events: tuple[EventRow, ...] = ()
    metrics: Metrics | None = None
    marks: tuple[Mark, ...] = ()
    config: tuple[Fact, ...] = ()
    env_names: tuple[str, ...] = ()
    releases: tuple[ReleaseRow, ...] = ()


def config_facts(config: Mapping[str, object]) -> tuple[Fact, ...]:
    """Return a configuration with its secrets masked."""
    return tuple(
        Fact(name=name, value=MASK, tone=Tone.MUTED)
        if _SECRET.search(name) and value not in (None, "")
        else Fact(name=name, value=masked_url(_text(value)))
        for name, value in sorted(config.items())
    )


def _text(value: object) -> str:
    import json

    return json.dumps(value, ensure_ascii=False, default=str)


def masked_url(text: str) -> str:
    """Return a text without the user and password of an address."""
    return _SECRET_IN_URL.sub(MASK, text)


# What is drawn below graphs, by the reason of an event.
_MARKS = {
    "crashed": ("C", Tone.BAD),
    "failed": ("C", Tone.BAD),
    "lost": ("C", Tone.BAD),
    "unhealthy": ("C", Tone.BAD),
    "deploying": ("D", Tone.BUSY),
    "deployed": ("D", Tone.GOOD),
    "deploy-failed": ("D", Tone.BAD),
    "restarting": ("R", Tone.WARN),
    "started": ("S", Tone.GOOD),
    "stopped": ("S", Tone.MUTED),
}
MARKS_LEGEND = "C crash   D deploy   R restart   S start, stop"


def event_marks(events: Iterable[EventDocument]) -> tuple[Mark, ...]:
    """Return the events that graphs show, as marks."""
    return tuple(
        Mark(event["at"], *_MARKS[event["reason"]]) for event in events if event["reason"] in _MARKS
    )


def summed(series: Iterable[tuple[Point, ...]], step_seconds: float) -> tuple[Point, ...]:
    """Return what several series come to at each time, in steps of so many seconds.

    Within a step a series counts with its mean; where it has no point, not at all.
    """
    total: dict[int, float] = {}
    for points in series:
        own: dict[int, list[float]] = {}
        for point in points:
            own.setdefault(int(point.at // step_seconds), []).append(point.value)
        for step, values in own.items():
            total[step] = total.get(step, 0.0) + sum(values) / len(values)
    return tuple(Point((step + 0.5) * step_seconds, total[step]) for step in sorted(total))
