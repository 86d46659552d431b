"""Use cases of logs: which files, their last lines, their next lines."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import find_instance, find_service, is_pattern, match_services
from odbctl.engine.api.versions import VERSION
from odbctl.engine.model.core import Service, ServiceInstance
from odbctl.engine.model.states import ENDED_STATES
from odbctl.engine.telemetry.follow import LogFollower
from odbctl.engine.telemetry.log_files import LogFiles, instances_in
from odbctl.engine.telemetry.log_reader import LogLine, read_lines, tail
from odbctl.engine.telemetry.log_records import (
    RANKS,
    is_found,
    level_name,
    rank_of,
    understand,
)
from odbctl.engine.telemetry.log_search import search_lines
from odbctl.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from odbctl.engine.api.documents import LogDocument

LAST_WORDS = 10


class LogSelection(NamedTuple):
    """Whose logs: of a service the current instances', of named ones, or of all there ever were.

    `instances` is None for all.
    """

    service: str
    instances: tuple[str, ...] | None
    is_whole_service: bool


class LogFilter(NamedTuple):
    """Which records: None leaves out nothing. Times are seconds since the epoch."""

    since: float | None = None
    until: float | None = None
    pattern: re.Pattern[str] | None = None
    level: str | None = None

    @property
    def is_searching(self) -> bool:
        """Whether records are left out for anything but their age."""
        return bool(self.pattern or self.level or self.until)

    def documents(self, lines: Iterable[LogLine]) -> Iterator[LogDocument]:
        """Yield the records that are wanted, described."""
        for line in lines:
            if self.until is not None and line.at > self.until:
                continue
            if self.pattern is not None and not is_found(self.pattern, line):
                continue
            document = log_document(line)
            if self.level is None or rank_of(document["level"]) >= rank_of(self.level):
                yield document


def make_filter(
    *,
    since: float | None = None,
    until: float | None = None,
    grep: str | None = None,
    level: str | None = None,
) -> LogFilter:
    """Make a filter from what people type.

    Raises:
        UsageError: The pattern or the level is none.
    """
    pattern = None
    if grep is not None:
        try:
            pattern = re.compile(grep)
        except re.error as error:
            raise UsageError(
                f"{grep!r} is not a valid pattern: {error}",
                hint="write a Python regular expression",
            ) from error
    word = level_name(level) if level is not None else None
    if word is not None and word not in RANKS:
        raise UsageError(f"no level {level!r}", hint=f"one of {', '.join(RANKS)}".lower())
    return LogFilter(since=since, until=until, pattern=pattern, level=word)


def select_logs(
    engine: Engine,
    service: str,
    *,
    instance: str | None = None,
    previous: bool = False,
    everything: bool = False,
) -> LogSelection:
    """Choose the logs of a service.

    Args:
        engine: The opened home.
        service: The service; with `everything` also one that was removed.
        instance: One instance's id, current or ended.
        previous: The run before the current one of each slot (or of `instance`'s).
        everything: All instances there ever were.

    Raises:
        NotFoundError: There is no such service or instance, or no previous run.
    """
    if everything and instance is None and not previous:
        _find_with_logs(engine, service)
        return LogSelection(service=service, instances=None, is_whole_service=True)
    with engine.db.view():
        found = find_service(service)
        chosen: tuple[ServiceInstance, ...]
        if instance is not None:
            chosen = (_of_service(found, find_instance(instance)),)
        else:
            chosen = _current_or_last(found)
        if previous:
            chosen = tuple(p for i in chosen if (p := _previous(i)) is not None)
            if not chosen:
                raise NotFoundError("previous run of service", service)
        names = tuple(i.name for i in chosen)
    whole = instance is None and not previous
    return LogSelection(service=service, instances=names, is_whole_service=whole)


def select_many(
    engine: Engine,
    names: Sequence[str] = (),
    *,
    previous: bool = False,
    everything: bool = False,
) -> list[LogSelection]:
    """Choose the logs of several services, or of all.

    Args:
        engine: The opened home.
        names: Services, patterns of services (`api-*`) or instances; none means all services.
        previous: The run before the current one of each slot.
        everything: All instances there ever were.

    Raises:
        NotFoundError: There is no such service or instance, or none has a previous run.
    """
    with engine.db.view():
        chosen = _chosen(names)
    found: list[LogSelection] = []
    missing: NotFoundError | None = None
    for service, instance in chosen:
        try:
            found.append(
                select_logs(
                    engine, service, instance=instance, previous=previous, everything=everything
                )
            )
        except NotFoundError as error:
            if not previous or len(chosen) == 1:
                raise
            missing = error
    if missing is not None and not found:
        raise missing
    return found


def _chosen(names: Sequence[str]) -> list[tuple[str, str | None]]:
    """Return the service of each name, and its instance where the name is one's."""
    chosen: dict[tuple[str, str | None], None] = {}
    for name in names or ("*",):
        for found in match_services(name):
            is_instance = not is_pattern(name) and Service.lookup_unique(name=found) is None
            instance = ServiceInstance.lookup_unique(name=found) if is_instance else None
            key = (found, None) if instance is None else (instance.service_name, found)
            chosen[key] = None
    return list(chosen)


def _find_with_logs(engine: Engine, service: str) -> None:
    """Refuse a service that is neither there nor has left logs."""
    with engine.db.view():
        if Service.lookup_unique(name=service) is None and not instances_in(
            engine.home.logs, service
        ):
            find_service(service)


def _of_service(service: Service, instance: ServiceInstance) -> ServiceInstance:
    if instance.service != service:
        raise NotFoundError(f"instance of service {service.name}", instance.name)
    return instance


def _current_or_last(service: Service) -> tuple[ServiceInstance, ...]:
    """Return the instances that live; when none does, the last of each slot.

    Children have no slot; those of the last ones' time go with them.
    """
    current = ServiceInstance.lookup_all(service=service, is_current=True)
    if any(i.state not in ENDED_STATES for i in current):
        return current
    last: dict[int, ServiceInstance] = {}
    children: list[ServiceInstance] = []
    for instance in ServiceInstance.lookup_all(service=service):
        if instance.owner is None and instance.slot >= 0:
            last[instance.slot] = instance
        else:
            children.append(instance)
    since = min((i.created_at for i in last.values()), default=0.0)
    return (*last.values(), *(c for c in children if c.created_at >= since))


def _previous(instance: ServiceInstance) -> ServiceInstance | None:
    before = [
        other
        for other in ServiceInstance.lookup_all(service=instance.service)
        if other.slot == instance.slot and other.created_at < instance.created_at
    ]
    return before[-1] if before else None


def read_logs(
    engine: Engine,
    selection: LogSelection | Sequence[LogSelection],
    *,
    count: int | None,
    since: float | None = None,
    only: LogFilter | None = None,
) -> Iterator[LogDocument]:
    """Yield the records of one or more selections, oldest first, merged by time.

    Args:
        engine: The opened home.
        selection: Whose logs.
        count: At most this many, the newest; None for all.
        since: Only what was written at or after that time.
        only: Which records; by default all.
    """
    wanted = only or LogFilter(since=since)
    files = [f for chosen in _selections(selection) for f in _files(engine, chosen)]
    if count is not None and wanted.since is None and not wanted.is_searching:
        yield from (log_document(line) for line in tail(files, count))
        return
    found = _filtered(files, wanted)
    if count is None:
        yield from found
    else:
        yield from deque(found, maxlen=count)


def _selections(selection: LogSelection | Sequence[LogSelection]) -> Sequence[LogSelection]:
    return [selection] if isinstance(selection, LogSelection) else selection


def _filtered(files: list[LogFiles], wanted: LogFilter) -> Iterator[LogDocument]:
    if wanted.pattern is not None:
        lines = search_lines(files, wanted.pattern, since=wanted.since)
    else:
        lines = read_lines(files, since=wanted.since)
    if wanted.until is not None:
        until = wanted.until
        lines = takewhile(lambda line: line.at <= until, lines)
    return wanted.documents(lines)


def _files(engine: Engine, selection: LogSelection) -> list[LogFiles]:
    if selection.instances is None:
        return instances_in(engine.home.logs, selection.service)
    return [LogFiles.of(engine.home.logs, selection.service, name) for name in selection.instances]


def follow_logs(
    engine: Engine,
    selection: LogSelection | Sequence[LogSelection],
    *,
    count: int = 0,
    only: LogFilter | None = None,
    finds_new_services: bool = False,
) -> Iterator[LogDocument]:
    """Yield the last records, then new ones as they are written, without end.

    Of a whole service also the records of its new instances.

    Args:
        engine: The opened home.
        selection: Whose logs.
        count: How many existing records come first; all since `only.since` when it is set.
        only: Which records; by default all.
        finds_new_services: Also follow services that are created later.
    """
    wanted = only or LogFilter()
    services = _followed(_selections(selection))
    with LogFollower(engine.home.logs, services, finds_new_services=finds_new_services) as follower:
        first = follower.start(count=count, since=wanted.since)
        yield from wanted.documents(first)
        while wanted.until is None or time.time() <= wanted.until:
            yield from wanted.documents(follower.read())
            follower.wait(1.0)


def _followed(selections: Iterable[LogSelection]) -> dict[str, set[str] | None]:
    """Return the instances to follow by service; None follows them all."""
    services: dict[str, set[str] | None] = {}
    for chosen in selections:
        names = None if chosen.is_whole_service else set(chosen.instances or ())
        known = services.setdefault(chosen.service, names)
        services[chosen.service] = None if known is None or names is None else known | names
    return services


def log_document(line: LogLine) -> LogDocument:
    """Describe a record of a log; one that was a JSON object has its own level and message."""
    understood = understand(line)
    return {
        "kind": "log",
        "version": VERSION,
        "at": line.at,
        "service": line.service,
        "instance": line.instance,
        "stream": line.stream,
        "level": line.level if understood is None else understood.level,
        "text": line.text if understood is None else understood.text,
        "fields": {} if understood is None else understood.fields,
    }


def last_words(engine: Engine, service: str, instance: str | None) -> list[LogDocument]:
    """Return the last records of an instance, or of the newest one that ended badly."""
    with engine.db.view():
        found = Service.lookup_unique(name=service)
        if found is None:
            return []
        runs = ServiceInstance.lookup_all(service=found)
        names = [i.name for i in runs if (i.name == instance if instance else i.reason)]
        if not names and not instance:
            names = [i.name for i in runs if i.state in ENDED_STATES]
    if not names:
        return []
    files = LogFiles.of(engine.home.logs, service, names[-1])
    return [log_document(line) for line in tail([files], LAST_WORDS)]
