"""Use cases that read: services, instances, hosts, events, releases."""

from __future__ import annotations

from collections import defaultdict

from odbctl.engine.api.describe import (
    event_document,
    host_document,
    release_document,
    service_document,
)
from odbctl.engine.api.engine import Engine
from odbctl.engine.api.lookups import find_host, find_service
from odbctl.engine.managers.identities import absences, is_managed, known_hosts
from odbctl.engine.model.core import Event, Release, Service, ServiceHost, ServiceInstance
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odbctl.engine.api.documents import (
        EventDocument,
        HostDocument,
        ReleaseDocument,
        ServiceDocument,
    )


def list_services(engine: Engine) -> list[ServiceDocument]:
    """Return all services by name."""
    with engine.db.view():
        instances: dict[Service, list[ServiceInstance]] = defaultdict(list)
        for instance in ServiceInstance.lookup_all(is_current=True):
            instances[instance.service].append(instance)
        managed, absent = any_manager(), absences()
        services = sorted(Service.lookup_all(), key=lambda s: s.name)
        return [
            service_document(engine.home, s, instances[s], managed=managed, absent=absent)
            for s in services
            if not s.is_removed
        ]


def any_manager() -> bool:
    """Tell whether a manager of any host lives. Needs an open view."""
    return any(is_managed(host) for host in ServiceHost.lookup_all())


def service_status(engine: Engine, name: str) -> ServiceDocument:
    """Return one service with its current instances.

    Raises:
        NotFoundError: There is none of that name.
    """
    with engine.db.view():
        return describe_one(engine, find_service(name))


def describe_one(engine: Engine, service: Service) -> ServiceDocument:
    """Describe one service. Needs an open view."""
    current = ServiceInstance.lookup_all(service=service, is_current=True)
    return service_document(engine.home, service, current, managed=any_manager())


def list_hosts(engine: Engine) -> list[HostDocument]:
    """Return all hosts by name."""
    with engine.db.view():
        current = ServiceInstance.lookup_all(is_current=True)
        hosts = sorted(known_hosts(), key=lambda h: h.name)
        return [host_document(host, current) for host in hosts]


def show_host(engine: Engine, name: str) -> HostDocument:
    """Return one host.

    Raises:
        NotFoundError: There is none of that name.
    """
    with engine.db.view():
        return host_document(find_host(name), ServiceInstance.lookup_all(is_current=True))


def list_events(
    engine: Engine, *, service: str | None = None, limit: int = 100
) -> list[EventDocument]:
    """Return the newest events, oldest first; those of one service, also a removed one."""
    with engine.db.view():
        equal = {"service": service} if service else {}
        return [event_document(event) for event in Event.lookup_newest(limit, **equal)]


def list_releases(engine: Engine, name: str) -> list[ReleaseDocument]:
    """Return the releases of a service, oldest first.

    Raises:
        NotFoundError: There is no service of that name.
    """
    with engine.db.view():
        releases = Release.lookup_all(service=find_service(name))
        return [release_document(r) for r in sorted(releases, key=lambda r: r.number)]


def newest_releases(engine: Engine, *, limit: int = 200) -> list[ReleaseDocument]:
    """Return the newest releases of all services, the newest first."""
    with engine.db.view():
        found = reversed(Release.lookup_newest(limit))
        return [release_document(r) for r in found if r.service.exists()]
