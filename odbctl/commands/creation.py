"""`odbctl service create` and `set`: what a service is, and how it is supervised."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from odbctl.commands._app import command, new_app
from odbctl.commands._environment import read_environment
from odbctl.commands._options import (
    DEFAULT_SETTLE_SECONDS,
    EnvFile,
    EnvWords,
    ServiceName,
    Settle,
    Timeout,
    Unset,
    UnsetEnv,
    Wait,
)
from odbctl.commands._results import Result
from odbctl.commands._session import session
from odbctl.commands._settings import with_settings
from odbctl.commands._waiting import done, rolled_out
from odbctl.engine.api.results import Change
from odbctl.errors import OdbctlError, UsageError

app = new_app("service")


@command(
    app,
    "create",
    example=(
        "odbctl service create hello --class hello_world.service:HelloService --codebase hello",
        "odbctl service create api --class app.api:Api --codebase app@v1.2 --count 4 "
        "--config port=8080 --env MODE=test",
        "odbctl service create web --class app:Web --codebase app --readiness http:8080/ready "
        "--liveness health --depends-on api --memory-limit 512M",
        'odbctl service create tidy --class app:Tidy --codebase app --schedule "*/5 * * * *"',
    ),
)
@with_settings
def create(
    name: ServiceName,
    class_spec: Annotated[
        str, typer.Option("--class", metavar="MODULE:CLASS", help="The ServiceBase subclass")
    ],
    codebase: Annotated[
        str, typer.Option(metavar="NAME[@REF]", help="The codebase with the class")
    ],
    count: Annotated[
        int,
        typer.Option(metavar="N", help="Desired number of instances; they start at once", min=0),
    ] = 0,
    config: Annotated[
        list[str] | None,
        typer.Option("--config", metavar="K=V", help="Set a value of its Config; repeatable"),
    ] = None,
    env: EnvWords = None,
    env_file: EnvFile = None,
    *,
    settings: Any,
) -> Result:
    """Create a service from a class in a codebase.

    The class is looked at in a process of its own first, so that a wrong name or an import
    error is told now. With --count, its instances start as soon as a manager runs.
    """
    from odbctl.engine.api.creation import ServiceOptions, create_service

    options = ServiceOptions(
        count=count,
        env=read_environment(env or (), env_file),
        config_words=tuple(config or ()),
        settings=settings,
    )
    with session().open_engine() as engine:
        return done(
            create_service(engine, name, class_spec=class_spec, codebase=codebase, options=options)
        )


@command(
    app,
    "set",
    example=(
        "odbctl service set hello --restart on-failure --stop-grace 30s",
        "odbctl service set hello --readiness tcp:8080 --probe-period 5s",
        "odbctl service set hello greeting=Ahoy --env MODE=test --stop-grace 1m",
        "odbctl service set hello --schedule none --depends-on none",
    ),
)
@with_settings
def set_(
    name: ServiceName,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Values of its Config")
    ] = None,
    env: EnvWords = None,
    env_file: EnvFile = None,
    unset: Unset = None,
    unset_env: UnsetEnv = None,
    settle: Settle = DEFAULT_SETTLE_SECONDS,
    wait: Wait = True,
    timeout: Timeout = None,
    *,
    settings: Any,
) -> Result:
    """Change a service: how it is supervised, its configuration and its environment.

    The options on supervision take effect without a restart, except the limits of the
    kernel, which an instance gets when it starts. KEY=VALUE and --env make a new release, as
    `service configure` does. Only what is named changes.
    """
    from odbctl.engine.api.releases import configure_service
    from odbctl.engine.api.settings import ServiceSettings, set_service

    variables = read_environment(env or (), env_file)
    makes_release = bool(words or variables or unset or unset_env)
    if settings == ServiceSettings() and not makes_release:
        raise UsageError("nothing to change", hint="odbctl service set --help")
    with session().open_engine() as engine:
        supervision = None
        if settings != ServiceSettings():
            supervision = set_service(engine, name, settings)
        if not makes_release:
            assert supervision is not None  # one of both was asked for
            return done(supervision)
        try:
            change = configure_service(
                engine,
                name,
                words=tuple(words or ()),
                env=variables,
                unset=tuple(unset or ()),
                unset_env=tuple(unset_env or ()),
                settle_seconds=settle,
            )
        except OdbctlError:
            if supervision is not None:
                session().say(f"note: {_effect(supervision)}; the configuration is unchanged")
            raise
        notes = () if supervision is None else (_effect(supervision),)
        result = rolled_out(engine, change, wait=wait, timeout=timeout, follows_release=True)
        return result._replace(notes=(*notes, *result.notes))


def _effect(supervision: Change) -> str:
    """Say what a change of the supervision did."""
    if supervision.action == "unchanged":
        return supervision.message
    return f"{supervision.message} set, without a restart"
