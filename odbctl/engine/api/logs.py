"""Use cases of logs: which files, their last lines, their next lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from odbctl.engine.api.documents import LogDocument
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import find_instance, find_service
from odbctl.engine.api.versions import VERSION
from odbctl.engine.model.core import Service, ServiceInstance
from odbctl.engine.model.states import ENDED_STATES
from odbctl.engine.telemetry.follow import LogFollower
from odbctl.engine.telemetry.log_files import LogFiles
from odbctl.engine.telemetry.log_reader import LogLine, read_lines, tail
from odbctl.errors import NotFoundError

LAST_WORDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSelection:
    """Whose logs: of a service the current instances', or of named instances."""

    service: str
    instances: tuple[str, ...]
    is_whole_service: bool


def select_logs(
    engine: Engine, service: str, *, instance: str | None = None, previous: bool = False
) -> LogSelection:
    """Choose the logs of a service.

    Args:
        engine: The opened home.
        service: The service.
        instance: One instance's id, current or ended.
        previous: The run before the current one of each slot (or of `instance`'s).

    Raises:
        NotFoundError: There is no such service or instance, or no previous run.
    """
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


def _of_service(service: Service, instance: ServiceInstance) -> ServiceInstance:
    if instance.service != service:
        raise NotFoundError(f"instance of service {service.name}", instance.name)
    return instance


def _current_or_last(service: Service) -> tuple[ServiceInstance, ...]:
    """Return the instances that live; when none does, the last of each slot."""
    current = ServiceInstance.lookup_all(service=service, is_current=True)
    if any(i.state not in ENDED_STATES for i in current):
        return current
    last: dict[int, ServiceInstance] = {}
    for instance in ServiceInstance.lookup_all(service=service):
        last[instance.slot] = instance
    return tuple(last.values())


def _previous(instance: ServiceInstance) -> ServiceInstance | None:
    before = [
        other
        for other in ServiceInstance.lookup_all(service=instance.service)
        if other.slot == instance.slot and other.created_at < instance.created_at
    ]
    return before[-1] if before else None


def read_logs(
    engine: Engine, selection: LogSelection, *, count: int | None, since: float | None = None
) -> Iterator[LogDocument]:
    """Yield the records of a selection, oldest first, merged by time.

    Args:
        engine: The opened home.
        selection: Whose logs.
        count: Only so many, the newest; None for all.
        since: Only what was written at or after that time.
    """
    files = _files(engine, selection)
    if count is None or since is not None:
        lines = list(read_lines(files, since=since))
        yield from (log_document(line) for line in (lines if count is None else lines[-count:]))
        return
    yield from (log_document(line) for line in tail(files, count))


def _files(engine: Engine, selection: LogSelection) -> list[LogFiles]:
    return [LogFiles.of(engine.home.logs, selection.service, name) for name in selection.instances]


def follow_logs(
    engine: Engine, selection: LogSelection, *, count: int = 0, since: float | None = None
) -> Iterator[LogDocument]:
    """Yield the last records, then those that are written, for ever.

    Of a whole service also what its new instances write.

    Args:
        engine: The opened home.
        selection: Whose logs.
        count: How many of the records that are there come first.
        since: Instead, all that are not older (seconds since the epoch).
    """
    names = None if selection.is_whole_service else selection.instances
    with LogFollower(engine.home.logs, selection.service, instances=names) as follower:
        for line in follower.start(count=count, since=since):
            yield log_document(line)
        while True:
            for line in follower.read():
                yield log_document(line)
            follower.wait(1.0)


def log_document(line: LogLine) -> LogDocument:
    """Describe a record of a log."""
    return {
        "kind": "log",
        "version": VERSION,
        "at": line.at,
        "service": line.service,
        "instance": line.instance,
        "stream": line.stream,
        "level": line.level,
        "text": line.text,
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
