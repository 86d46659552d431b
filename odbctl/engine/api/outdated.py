"""Managers that run an earlier odbctl than the command: they may ignore what it writes.

After an upgrade a manager keeps running the code that it was started with.
"""

from __future__ import annotations

import odbctl
from odbctl.engine.managers.identities import is_managed
from odbctl.engine.model.core import ServiceHost
from odbctl.errors import ManagerOutdatedError

# A manager of the same generation begins within milliseconds.
PATIENCE_SECONDS = 3.0


def outdated_manager() -> ServiceHost | None:
    """Return a host whose manager runs an earlier odbctl. Needs an open view."""
    hosts = (host for host in ServiceHost.lookup_all() if host.is_outdated and is_managed(host))
    return next(hosts, None)


def outdated_text(host: ServiceHost) -> str:
    """Say that the manager of a host runs an earlier odbctl, and which."""
    version = host.version or "unknown version"
    if version == odbctl.__version__:
        version = f"an earlier build of {version}"
    return f"the manager of host {host.name} runs an older odbctl ({version})"


def restart_hint(host: ServiceHost) -> str:
    """Return the command that has the manager of a host run the present odbctl."""
    from odbctl.engine.managers.host import DEFAULT_HOST

    option = "" if host.name == DEFAULT_HOST else f" --host {host.name}"
    return f"odbctl manager restart{option}"


def outdated_note(host: ServiceHost) -> str:
    """Say that the manager of a host may ignore a change, and what to do."""
    return f"{outdated_text(host)} and may ignore this until {restart_hint(host)}"


def outdated_error(what: str, host: ServiceHost) -> ManagerOutdatedError:
    """Return the error of a wait in vain; `what` was not begun."""
    return ManagerOutdatedError(
        f"{what}: {outdated_text(host)}",
        hint=f"{restart_hint(host)}    (services keep running meanwhile)",
    )
