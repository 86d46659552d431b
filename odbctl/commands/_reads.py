"""What the most asked commands read, for both ways of parsing them.

No typer here, and of the engine only what reading needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from odbctl.commands._results import Listing, Live, Result, Single

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from odbctl.commands._session import Session
    from odbctl.engine.api.engine import Engine

NOT_RUNNING = 3


def version() -> Result:
    """Return the version."""
    import sys

    import odbctl

    document = {
        "kind": "version",
        "version": 1,
        "odbctl": odbctl.__version__,
        "python": ".".join(map(str, sys.version_info[:3])),
    }
    return Single(document, "version")


def instances(session: Session, *, service: str | None = None, everything: bool = False) -> Result:
    """Return the current instances, or all that are remembered."""
    from odbctl.engine.api.status import list_instances

    with session.open_engine() as engine:
        found = list_instances(engine, service=service, everything=everything)
    return Listing("instance", found, "no instances: odbctl service start NAME")


def watched(session: Session, *, service: str | None, everything: bool) -> Result:
    """Return the instances, again and again."""
    from odbctl.engine.api.status import list_instances
    from odbctl.engine.api.watching import watch

    def read(engine: Engine) -> Listing:
        found = list_instances(engine, service=service, everything=everything)
        return Listing("instance", found, "no instances: odbctl service start NAME")

    return Live(_checked(session, read, watch))


def watched_status(session: Session, name: str | None) -> Result:
    """Return what services do, again and again."""
    from odbctl.engine.api.status import list_services, service_status
    from odbctl.engine.api.watching import watch

    def read(engine: Engine) -> Listing:
        found = list_services(engine) if name is None else [service_status(engine, name)]
        return Listing("service", found, "no services: odbctl service create --help")

    return Live(_checked(session, read, watch))


def _checked(
    session: Session,
    read: Callable[[Engine], Listing],
    watch: Callable[[Engine, Callable[[Engine], Listing]], Iterator[Listing]],
) -> Iterator[Listing]:
    """Watch, after a first look that tells of a wrong name before anything is drawn."""
    engine = session.open_engine()
    try:
        read(engine)
    except BaseException:
        engine.close()
        raise
    return watch(engine, read)


def services(session: Session) -> Result:
    """Return all services."""
    from odbctl.engine.api.status import list_services

    with session.open_engine() as engine:
        found = list_services(engine)
    return Listing("service", found, "no services: odbctl service create --help")


def status(session: Session, name: str | None) -> Result:
    """Return one service, or all; the exit code says whether anything runs."""
    from odbctl.engine.api.status import list_services, service_status

    with session.open_engine() as engine:
        if name is not None:
            document = service_status(engine, name)
            is_up = document["running_count"] > 0
            return Single(document, "status", 0 if is_up else NOT_RUNNING)
        found = list_services(engine)
    is_up = any(service["running_count"] for service in found)
    return Listing(
        "service", found, "no services: odbctl service create --help", 0 if is_up else NOT_RUNNING
    )


def reasons(session: Session, name: str) -> Result:
    """Return why a service or an instance is as it is."""
    from odbctl.engine.api.why import why

    with session.open_engine() as engine:
        return Single(why(engine, name), "why")
