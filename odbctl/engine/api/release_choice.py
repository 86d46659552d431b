"""Which earlier release a service goes back to. Every function needs an open view."""

from __future__ import annotations

from odbctl.engine.model.core import Release, Service
from odbctl.engine.model.states import ReleaseOutcome
from odbctl.errors import ConflictError, NotFoundError


def latest_release(service: Service) -> Release:
    """Return the newest release that a service runs or is about to. Needs an open view.

    Where that was deleted, it is the newest one that is left.

    Raises:
        ConflictError: All of them were deleted.
    """
    for release in (service.candidate, service.release):
        if release is not None and release.exists():
            return release
    left = Release.lookup_newest(1, service=service)
    if not left:
        raise ConflictError(
            f"the releases of service {service.name!r} were deleted",
            hint=f"odbctl service remove {service.name}, then create it again",
        )
    return left[0]


def require_codebase(release: Release) -> None:
    """Refuse to go on without the codebase of a release. Needs an open view.

    Raises:
        ConflictError: It was deleted.
    """
    if not release.codebase.exists():
        name = release.service.name
        raise ConflictError(
            f"the codebase of service {name!r} was deleted",
            hint=f"odbctl codebase add, then odbctl service deploy {name} NAME@REF",
        )


def default_target(service: Service) -> Release:
    """Return the release that ran before the current one. Needs an open view.

    Raises:
        ConflictError: There is none.
    """
    current = service.release
    ran = [
        release
        for release in _releases(service)
        if has_run(release)
        and release != current
        and release.codebase.exists()
        and _differs(release, current)
    ]
    if not ran:
        raise ConflictError(
            f"no earlier release of service {service.name!r} ran",
            hint=f"odbctl service history {service.name}",
        )
    return ran[-1]


def _releases(service: Service) -> list[Release]:
    return sorted(Release.lookup_all(service=service), key=lambda r: r.number)


def has_run(release: Release) -> bool:
    """Tell whether a release was one that a service ran."""
    return release.outcome in (ReleaseOutcome.ACTIVE, ReleaseOutcome.SUPERSEDED)


def _differs(release: Release, current: Release | None) -> bool:
    """Tell whether going back to a release would change anything."""
    if current is None:
        return True
    return (release.codebase, release.config, release.env) != (
        current.codebase,
        current.config,
        current.env,
    )


def ran_release(service: Service, number: int) -> Release:
    """Return the release of a number, which has to have run. Needs an open view.

    Raises:
        ConflictError: It never ran, or its codebase was removed.
        NotFoundError: There is none of that number.
    """
    name = service.name
    found = [r for r in _releases(service) if r.number == number]
    if not found:
        raise NotFoundError(f"release of service {name}", str(number))
    if not has_run(found[0]):
        raise ConflictError(
            f"release {number} of service {name!r} never ran: {found[0].reason}",
            hint=f"odbctl service history {name}",
        )
    release = found[0]
    if not release.codebase.exists():
        raise ConflictError(
            f"the codebase of release {number} of service {name!r} was removed",
            hint=f"odbctl service deploy {name} {release.commit[:12] or 'COMMIT'}",
        )
    return release
