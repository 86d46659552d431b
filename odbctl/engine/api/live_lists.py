"""Lists beside the services, for screens that read them again after each change."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING

from odbctl.engine.api.describe import codebase_document, event_document
from odbctl.engine.api.engine import Engine
from odbctl.engine.model.core import Codebase, Event

if TYPE_CHECKING:
    from odbctl.engine.api.documents import CodebaseDocument, EventDocument
    from odbctl.engine.api.live import LiveServices


def codebases_in_use(engine: Engine, live: LiveServices) -> list[CodebaseDocument]:
    """Return all codebases, of each name the newest first, with the services that use them."""
    users: dict[int, set[str]] = defaultdict(set)
    for service in live.services.values():
        for oid in service.codebases:
            users[oid].add(service.name)
    with engine.db.view():
        found = sorted(Codebase.lookup_all(), key=lambda c: (c.name, -c.added_at))
        return [codebase_document(codebase, users[codebase.oid]) for codebase in found]


class NewestEvents:
    """The newest events of all services; of those that it knows none is read again."""

    def __init__(self, engine: Engine, *, limit: int) -> None:
        self._engine = engine
        self._last_oid = 0
        self._documents: deque[EventDocument] = deque(maxlen=limit)

    def read(self) -> list[EventDocument]:
        """Return them, oldest first."""
        with self._engine.db.view():
            for event in self._later():
                self._documents.append(event_document(event))
                self._last_oid = event.oid
        return list(self._documents)

    def _later(self) -> list[Event]:
        """Return the events after the last one, asking for few at first."""
        most = self._documents.maxlen or 1
        asked = 16 if self._last_oid else most
        while True:
            events = Event.lookup_newest(asked)
            later = [event for event in events if event.oid > self._last_oid]
            if len(later) < asked or asked >= most:
                return later[-most:]
            asked = min(4 * asked, most)
