"""`odbctl service …`: what changes which code and configuration a service runs."""

from __future__ import annotations

from typing import Annotated

import typer

from odbctl.commands.actions.several import for_each
from odbctl.commands.actions.waiting import done, rolled_out
from odbctl.commands.output.results import Done, Listing, Result
from odbctl.commands.parsing.app import command, new_app
from odbctl.commands.parsing.environment_options import read_environment
from odbctl.commands.parsing.options import (
    DEFAULT_SETTLE_SECONDS,
    AllServices,
    EnvFile,
    EnvWords,
    ServiceName,
    ServiceNames,
    Settle,
    Timeout,
    Unset,
    UnsetEnv,
    Wait,
)
from odbctl.commands.session import session
from odbctl.engine.api.results import Change

app = new_app("service")


@command(app, "restart", example=("odbctl restart hello", "odbctl restart --all"))
def restart(
    names: ServiceNames = None,
    everything: AllServices = False,
    settle: Settle = 0.0,
    wait: Wait = True,
    timeout: Timeout = None,
) -> Result:
    """Replace the instances of services with new ones.

    New instances run before the old ones stop; a singleton's old instance stops first. The
    code is the same as before, so there is no settle time unless --settle sets one.
    """
    from odbctl.engine.api.releases import restart_service

    with session().open_engine() as engine:

        def finish(change: Change) -> Done:
            return rolled_out(engine, change, wait=wait, timeout=timeout, follows_release=True)

        return for_each(
            engine,
            names or (),
            lambda name: restart_service(engine, name, settle_seconds=settle),
            finish,
            everything=everything,
        )


@command(
    app,
    "configure",
    example=(
        "odbctl service configure hello greeting=Ahoy period_seconds=2",
        "odbctl service configure hello --env MODE=test --unset greeting",
        "odbctl service configure hello -- words for the class's own configure_from_commandline",
    ),
)
def configure(
    name: ServiceName,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[K=V]...", help="Configuration values")
    ] = None,
    env: EnvWords = None,
    env_file: EnvFile = None,
    unset: Unset = None,
    unset_env: UnsetEnv = None,
    settle: Settle = DEFAULT_SETTLE_SECONDS,
    wait: Wait = True,
    timeout: Timeout = None,
) -> Result:
    """Change a service's configuration, as a new release.

    Without a value, it prints the current configuration and changes nothing.
    A configuration that the class refuses changes nothing. When the new instances exit within
    the settle time, the release fails, and the old instances keep running.
    """
    from odbctl.engine.api.releases import configure_service

    with session().open_engine() as engine:
        change = configure_service(
            engine,
            name,
            words=tuple(words or ()),
            arguments=session().words_after_dashes,
            env=read_environment(env or (), env_file),
            unset=tuple(unset or ()),
            unset_env=tuple(unset_env or ()),
            settle_seconds=settle,
        )
        return rolled_out(engine, change, wait=wait, timeout=timeout, follows_release=True)


@command(
    app,
    "deploy",
    example=("odbctl service deploy hello main", "odbctl service deploy hello hello@v1.3"),
)
def deploy(
    name: ServiceName,
    ref: Annotated[
        str,
        typer.Argument(
            metavar="REF", help="A git ref of its repository, or NAME@REF of a codebase"
        ),
    ],
    force: Annotated[
        bool,
        typer.Option("--force", help="Create a release even if this commit is already deployed"),
    ] = False,
    settle: Settle = DEFAULT_SETTLE_SECONDS,
    wait: Wait = True,
    timeout: Timeout = None,
) -> Result:
    """Deploy another commit: start new instances, then stop the old ones.

    Deploying the current commit again changes nothing. Uncommitted changes are not deployed.

    The old instances stop when the new ones have been ready for the settle time. When a new
    one fails or ends before that, the old ones stay. A singleton's old instance stops first.
    """
    from odbctl.engine.api.releases import deploy_service

    with session().open_engine() as engine:
        change = deploy_service(
            engine, name, ref, force=force, settle_seconds=settle, progress=session().say
        )
        return rolled_out(engine, change, wait=wait, timeout=timeout, follows_release=True)


@command(
    app, "rollback", example=("odbctl service rollback hello", "odbctl service rollback hello 3")
)
def rollback(
    name: ServiceName,
    release: Annotated[
        int | None,
        typer.Argument(metavar="[RELEASE]", help="The release number, from `service history`"),
    ] = None,
    settle: Settle = DEFAULT_SETTLE_SECONDS,
    wait: Wait = True,
    timeout: Timeout = None,
) -> Result:
    """Return to an earlier release, by default the previous one.

    Commit, configuration and environment of that release are restored; it must have run
    before. New instances run before the old ones stop.
    """
    from odbctl.engine.api.releases import rollback_service

    with session().open_engine() as engine:
        change = rollback_service(engine, name, number=release, settle_seconds=settle)
        return rolled_out(engine, change, wait=wait, timeout=timeout, follows_release=True)


@command(app, "history", example="odbctl service history hello")
def history(name: ServiceName) -> Result:
    """List the releases of a service."""
    from odbctl.engine.api.status import list_releases

    with session().open_engine() as engine:
        return Listing("release", list_releases(engine, name))


def _set_lock(name: str, lock: str) -> Result:
    from odbctl.engine.api.services import set_lock

    with session().open_engine() as engine:
        return done(set_lock(engine, name, lock))


@command(app, "lock", example="odbctl service lock hello")
def lock(name: ServiceName) -> Result:
    """Lock the codebase of a service against changes."""
    return _set_lock(name, "locked")


@command(app, "prepare", example="odbctl service prepare hello")
def prepare(name: ServiceName) -> Result:
    """Allow one change of the codebase, then lock it."""
    return _set_lock(name, "prepared")


@command(app, "unlock", example="odbctl service unlock hello")
def unlock(name: ServiceName) -> Result:
    """Unlock the codebase of a service."""
    return _set_lock(name, "unlocked")
