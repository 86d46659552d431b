"""Reads of the most frequent commands, for typer and the quick path.

No typer here, and of the engine only what reading needs.
"""

from __future__ import annotations

from odbctl.commands.output.results import Listing, Live, Result, Single
from odbctl.errors import OdbctlError
from odbctl.light_typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from odbctl.commands.output.results import Document
    from odbctl.commands.session import Session
    from odbctl.engine.api.engine import Engine

NOT_RUNNING = 3
UNSUPERVISED = 1  # it runs, and no manager looks after it


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


NO_INSTANCES = "no instances: odbctl service start NAME"
NO_SERVICES = "no services: odbctl service create --help"


def instances(
    session: Session, *, services: Sequence[str] = (), everything: bool = False
) -> Result:
    """Return the current instances of services, or of all; with `everything` also ended ones."""
    from odbctl.engine.api.instance_listing import list_instances

    with session.open_engine() as engine:
        if not services:
            return Listing("instance", list_instances(engine, everything=everything), NO_INSTANCES)
        return _each(
            engine,
            services,
            "instance",
            lambda name: list_instances(engine, service=name, everything=everything),
            NO_INSTANCES,
        )


def _each(
    engine: Engine,
    names: Sequence[str],
    kind: str,
    read: Callable[[str], Sequence[Document]],
    empty: str,
) -> Listing:
    """Read something of each service that is named; the error of a single name is raised."""
    from odbctl.commands.actions.several import named

    chosen = named(engine, names)
    if list(names) == chosen and len(chosen) == 1:
        return Listing(kind, read(chosen[0]), empty)
    found: list[Document] = []
    failed: list[OdbctlError] = []
    for name in chosen:
        try:
            found += read(name)
        except OdbctlError as error:
            failed.append(error)
    return Listing(kind, found, empty, failed=failed)


def watched(session: Session, *, services: Sequence[str], everything: bool) -> Result:
    """Return the instances, again and again."""
    from odbctl.engine.api.instance_listing import list_instances
    from odbctl.engine.api.watching import watch

    def read(engine: Engine) -> Listing:
        def of(name: str | None) -> Sequence[Document]:
            return list_instances(engine, service=name, everything=everything)

        if not services:
            return Listing("instance", of(None), NO_INSTANCES)
        return _strict(_each(engine, services, "instance", of, NO_INSTANCES))

    return Live(_checked(session, read, watch))


def watched_status(session: Session, names: Sequence[str]) -> Result:
    """Return what services do, again and again."""
    from odbctl.engine.api.status import list_services, service_status
    from odbctl.engine.api.watching import watch

    def read(engine: Engine) -> Listing:
        if not names:
            return Listing("service", list_services(engine), NO_SERVICES)
        found = _each(
            engine, names, "service", lambda name: [service_status(engine, name)], NO_SERVICES
        )
        return _strict(found)

    return Live(_checked(session, read, watch))


def _strict(listing: Listing) -> Listing:
    """Return a listing of which nothing is missing; raise why something is."""
    if listing.failed:
        raise listing.failed[0]
    return listing


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
    return Listing("service", found, NO_SERVICES)


def status(session: Session, names: Sequence[str]) -> Result:
    """Return one service, several or all; the exit code says whether any instance is ready."""
    from odbctl.engine.api.status import list_services, service_status

    with session.open_engine() as engine:
        if not names:
            found = Listing("service", list_services(engine), NO_SERVICES)
        else:
            found = _each(
                engine, names, "service", lambda name: [service_status(engine, name)], NO_SERVICES
            )
    is_up = any(cast("int", service["ready_count"]) for service in found.documents)
    code = 0 if is_up else NOT_RUNNING
    if is_up and any(service["hosts_without_manager"] for service in found.documents):
        code = UNSUPERVISED
    if len(names) == 1 and len(found.documents) == 1 and found.documents[0]["name"] == names[0]:
        return Single(found.documents[0], "status", code)
    return found._replace(exit_code=code)


def reasons(session: Session, name: str) -> Result:
    """Return why a service or an instance is as it is."""
    from odbctl.engine.api.why import why

    with session.open_engine() as engine:
        return Single(why(engine, name), "why")
