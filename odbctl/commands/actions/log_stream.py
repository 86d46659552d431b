"""Logs of services and instances, as a stream of records."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from odbctl.commands.output.results import Document, Result, Stream
from odbctl.commands.session import session
from odbctl.errors import UsageError

if TYPE_CHECKING:
    from odbctl.engine.api.engine import Engine
    from odbctl.engine.api.logs import LogFilter, LogSelection

DEFAULT_LINES = 100


class LogWords(NamedTuple):
    """The options of the command line that select log records."""

    follow: bool = False
    lines: int | None = None
    since: str | None = None
    until: str | None = None
    grep: str | None = None
    level: str | None = None


def log_result(
    names: Sequence[str],
    words: LogWords,
    *,
    instance: str | None = None,
    previous: bool = False,
    everything: bool = False,
) -> Result:
    """Return the records that were asked for; wrong names are reported before the first one.

    Args:
        names: Services, patterns or instances; none means all services.
        words: Which records.
        instance: Only this instance, of the one service that is named.
        previous: The run before the current one.
        everything: All instances there ever were.
    """
    from odbctl.engine.api.logs import select_logs, select_many

    if instance is not None and len(names) != 1:
        raise UsageError("--instance needs one service", hint="odbctl logs INSTANCE")
    only, count = _wanted(words)
    engine = session().open_engine()
    try:
        if instance is not None:
            chosen = [select_logs(engine, names[0], instance=instance, previous=previous)]
        else:
            chosen = select_many(engine, names, previous=previous, everything=everything)
    except BaseException:
        engine.close()
        raise
    records = _records(engine, chosen, count, only, words.follow, not names)
    return Stream("log", records, "" if count == 0 else _nothing(chosen, only))


def _nothing(chosen: Sequence[LogSelection], only: LogFilter) -> str:
    """Return what is said to people where there is no record."""
    if not chosen:
        from odbctl.commands.actions.reads import NO_SERVICES

        return NO_SERVICES
    if only.is_searching or only.since is not None:
        return "no matching log records"
    return "no log records: odbctl service status"


def _wanted(words: LogWords) -> tuple[LogFilter, int | None]:
    from odbctl.engine.api.logs import make_filter
    from odbctl.engine.api.times import parse_since

    now = time.time()
    since = None if words.since is None else parse_since(words.since, now)
    until = None if words.until is None else parse_since(words.until, now)
    only = make_filter(since=since, until=until, grep=words.grep, level=words.level)
    count = words.lines
    if count is None and since is None:
        count = DEFAULT_LINES
    return only, count


def _records(
    engine: Engine,
    chosen: Sequence[LogSelection],
    count: int | None,
    only: LogFilter,
    follow: bool,
    finds_new_services: bool,
) -> Iterator[Document]:
    from odbctl.engine.api.logs import follow_logs, read_logs

    with engine:
        if follow:
            yield from follow_logs(
                engine,
                chosen,
                count=count or 0,
                only=only,
                finds_new_services=finds_new_services,
            )
        else:
            yield from read_logs(engine, chosen, count=count, only=only)
