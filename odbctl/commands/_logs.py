"""Logs of services and instances, as a stream of records."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from odbctl.commands._results import Document, Result, Stream
from odbctl.commands._session import session

if TYPE_CHECKING:
    from odbctl.engine.api.engine import Engine
    from odbctl.engine.api.logs import LogSelection

DEFAULT_LINES = 100


def log_result(
    service: str,
    *,
    follow: bool = False,
    lines: int | None = None,
    since: str | None = None,
    instance: str | None = None,
    previous: bool = False,
) -> Result:
    """Return the records that were asked for; the choice is checked before the first one."""
    from odbctl.engine.api.logs import select_logs
    from odbctl.engine.api.times import parse_since

    since_at = None if since is None else parse_since(since, time.time())
    count = lines if lines is not None else (None if since is not None else DEFAULT_LINES)
    engine = session().open_engine()
    try:
        selection = select_logs(engine, service, instance=instance, previous=previous)
    except BaseException:
        engine.close()
        raise
    return Stream("log", _records(engine, selection, count, since_at, follow=follow))


def _records(
    engine: Engine,
    selection: LogSelection,
    count: int | None,
    since_at: float | None,
    *,
    follow: bool,
) -> Iterator[Document]:
    from odbctl.engine.api.logs import follow_logs, read_logs

    with engine:
        if follow:
            yield from follow_logs(engine, selection, count=count or 0, since=since_at)
        else:
            yield from read_logs(engine, selection, count=count, since=since_at)
