"""Finding objects by what people type. Every function needs an open view."""

from __future__ import annotations

import os
from collections.abc import Iterable

from odbctl.engine.model.core import Codebase, Release, Service, ServiceHost, ServiceInstance
from odbctl.errors import NotFoundError


def near(name: str, names: Iterable[str]) -> list[str]:
    """Return the names that are most like one that was not found."""
    import difflib

    return difflib.get_close_matches(name, sorted(set(names)), n=3, cutoff=0.5)


def find_service(name: str) -> Service:
    """Return a service.

    Raises:
        NotFoundError: There is none of that name.
    """
    service = Service.lookup_unique(name=name)
    if service is None or service.is_removed:
        names = [s.name for s in Service.lookup_all() if not s.is_removed]
        hint = None if near(name, names) else "odbctl service list"
        raise NotFoundError("service", name, near=near(name, names), hint=hint)
    return service


def is_pattern(name: str) -> bool:
    """Return whether a name that was typed is a pattern such as `api-*`."""
    return any(c in name for c in "*?[")


def match_services(name: str) -> list[str]:
    """Return the services that a pattern matches, by name.

    A name, and a pattern that matches nothing, are returned as they are: whoever looks
    them up next reports that there is no such service.
    """
    if not is_pattern(name):
        return [name]
    from fnmatch import fnmatchcase

    known = sorted(s.name for s in Service.lookup_all() if not s.is_removed)
    found = [service for service in known if fnmatchcase(service, name)]
    return found or ([] if name == "*" else [name])


def find_instance(name: str) -> ServiceInstance:
    """Return an instance by its id, as `hello-3`.

    Raises:
        NotFoundError: There is none of that id.
    """
    instance = ServiceInstance.lookup_unique(name=name)
    if instance is None:
        names = [i.name for i in ServiceInstance.lookup_all(is_current=True)]
        hint = None if near(name, names) else "odbctl instance list --all"
        raise NotFoundError("instance", name, near=near(name, names), hint=hint)
    return instance


def find_host(name: str) -> ServiceHost:
    """Return a host.

    Raises:
        NotFoundError: There is none of that name.
    """
    host = ServiceHost.lookup_unique(name=name)
    if host is None or host.is_removed:
        names = [h.name for h in ServiceHost.lookup_all() if not h.is_removed]
        hint = None if near(name, names) else "odbctl host list"
        raise NotFoundError("host", name, near=near(name, names), hint=hint)
    return host


def find_codebase(spec: str) -> Codebase:
    """Return the codebase that NAME or NAME@REF means; without REF the last one added.

    REF is a ref as it was added, which means the commit that was last added under it, or
    the beginning of a commit's hash.

    Raises:
        NotFoundError: There is none.
    """
    name, at, ref = spec.partition("@")
    versions = codebase_versions(name)
    if not versions:
        names = [c.name for c in Codebase.lookup_all()]
        hint = None if near(name, names) else "odbctl codebase list"
        raise NotFoundError("codebase", name, near=near(name, names), hint=hint)
    if not at:
        return versions[-1]
    of_ref = [c for c in versions if ref in c.refs]
    if of_ref:
        return max(of_ref, key=lambda c: c.added_under_at(ref))
    of_commit = [c for c in versions if len(ref) >= 4 and c.commit.startswith(ref)]
    if not of_commit:
        known = [f"{name}@{ref}" for c in versions for ref in c.refs]
        raise NotFoundError("codebase", spec, near=near(spec, known) or known[-3:])
    return of_commit[-1]


def find_named_codebase(text: str) -> Codebase | None:
    """Return the codebase that NAME@REF means; None when `text` is a plain git ref.

    Raises:
        NotFoundError: There are codebases of that name, none of that ref.
    """
    name, at, _ref = text.partition("@")
    return find_codebase(text) if at and name and codebase_versions(name) else None


def codebase_versions(name: str) -> list[Codebase]:
    """Return all versions of a codebase, the one that was last added at the end."""
    return sorted(Codebase.lookup_all(name=name), key=lambda c: c.last_added_at)


def codebase_users(codebase: Codebase) -> set[str]:
    """Return the names of the services that run, or may go back to running, a codebase."""
    releases = Release.lookup_all(codebase=codebase)
    return {
        release.service.name
        for release in releases
        if release.service.exists()
        and release in (release.service.release, release.service.candidate)
    } | {
        instance.service_name
        for release in releases
        for instance in ServiceInstance.lookup_all(is_current=True)
        if instance.release == release and instance.ended_at is None
    }


def actor() -> str:
    """Return who does this: the user's name."""
    # As `getpass.getuser`, whose module takes 1 ms.
    names = (os.environ.get(name) for name in ("LOGNAME", "USER", "LNAME", "USERNAME"))
    if name := next(filter(None, names), None):
        return name
    try:
        import pwd

        return pwd.getpwuid(os.getuid())[0]
    except (ImportError, KeyError, OSError):
        return "unknown"
