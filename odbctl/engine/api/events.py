"""Use cases of events: those that were, and those that come."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from odbctl.engine.api.describe import event_document
from odbctl.engine.api.documents import EventDocument
from odbctl.engine.api.engine import Engine
from odbctl.engine.model.core import Event
from odbctl.engine.model.states import EventLevel
from odbctl.errors import StoreError, UsageError

_RANKS = {EventLevel.INFO: 0, EventLevel.WARNING: 1, EventLevel.ERROR: 2}
# Among so many of the newest events those are looked for that the change log has forgotten.
_CATCH_UP = 5000


class EventFilter(NamedTuple):
    """Which events; None leaves out nothing. Times are seconds since the epoch."""

    service: str | None = None
    instance: str | None = None
    level: str | None = None
    reason: str | None = None
    since: float | None = None
    until: float | None = None
    grep: str | None = None

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            UsageError: There is no such level, or the pattern is none.
        """
        levels = [level.value for level in EventLevel]
        if self.level is not None and self.level not in levels:
            raise UsageError(f"no level {self.level!r}", hint=f"one of {', '.join(levels)}")
        try:
            re.compile(self.grep or "")
        except re.error as error:
            raise UsageError(f"{self.grep!r} is not a valid pattern: {error}") from error

    def takes(self, event: Event) -> bool:
        """Tell whether an event is wanted. Needs an open view."""
        if self.service is not None and event.service != self.service:
            return False
        if self.instance is not None and event.subject != f"instance/{self.instance}":
            return False
        if self.level is not None and _RANKS[event.level] < _RANKS[EventLevel(self.level)]:
            return False
        if self.reason is not None and event.reason != self.reason:
            return False
        if self.since is not None and event.at < self.since:
            return False
        if self.until is not None and event.at > self.until:
            return False
        return self.grep is None or re.search(self.grep, event.message) is not None


def find_events(engine: Engine, wanted: EventFilter, *, limit: int | None) -> list[EventDocument]:
    """Return the newest events that are wanted, oldest first; `limit` None is all of them.

    Raises:
        UsageError: The filter cannot be meant.
    """
    wanted.check()
    equal = {"service": wanted.service} if wanted.service else {}
    with engine.db.view():
        # At most what SQLite takes for a number.
        asked = 200 if limit is None else min(max(200, limit), 2**31)
        while True:
            events = Event.lookup_newest(asked, **equal)
            found = [event for event in events if wanted.takes(event)]
            is_old = bool(events) and wanted.since is not None and events[0].at < wanted.since
            is_enough = limit is not None and len(found) >= limit
            if len(events) < asked or is_enough or is_old:
                break
            asked *= 4
        return [event_document(event) for event in (found if limit is None else found[-limit:])]


def watch_events(engine: Engine, wanted: EventFilter) -> Iterator[EventDocument]:
    """Yield events as they come, after those since the filter's time; each once, for ever.

    Raises:
        UsageError: The filter cannot be meant.
    """
    wanted.check()
    return _watch(engine, wanted)


def _watch(engine: Engine, wanted: EventFilter) -> Iterator[EventDocument]:
    seen: deque[int] = deque(maxlen=_CATCH_UP)
    with engine, engine.db.changes(types=["core.Event"]) as changes:
        with engine.db.view() as view:
            told = [] if wanted.since is None else find_events(engine, wanted, limit=None)
            told_until = changes.since if wanted.since is None else view.seq
            seen.extend(event.oid for event in Event.lookup_newest(_CATCH_UP))
        yield from told
        while True:
            try:
                change = changes.next()
            except StoreError:  # the change log was pruned: nothing is lost, events stay
                yield from _missed(engine, wanted, seen)
                continue
            if change is None:
                return
            if change.kind == "insert" and change.commit > told_until:
                seen.append(change.oid)
                yield from _one(engine, wanted, change.oid)


def _one(engine: Engine, wanted: EventFilter, oid: int) -> list[EventDocument]:
    with engine.db.view():
        event = Event.from_oid(oid)
        return [event_document(event)] if event.exists() and wanted.takes(event) else []


def _missed(engine: Engine, wanted: EventFilter, seen: deque[int]) -> list[EventDocument]:
    known = set(seen)
    with engine.db.view():
        events = [event for event in Event.lookup_newest(_CATCH_UP) if event.oid not in known]
        seen.extend(event.oid for event in events)
        return [event_document(event) for event in events if wanted.takes(event)]
