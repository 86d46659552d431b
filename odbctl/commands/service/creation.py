"""`odbctl service create` and `set`: what a service is, and how it is supervised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from odbctl.commands.actions.waiting import done, rolled_out
from odbctl.commands.output.results import Result
from odbctl.commands.parsing.app import command, new_app
from odbctl.commands.parsing.environment_options import read_environment
from odbctl.commands.parsing.options import (
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
from odbctl.commands.parsing.service_settings import with_settings
from odbctl.commands.session import session
from odbctl.engine.api.results import Change
from odbctl.errors import OdbctlError, UsageError

if TYPE_CHECKING:
    from odbctl.engine.api.engine import Engine
    from odbctl.engine.api.settings import ServiceSettings

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
        typer.Option("--config", metavar="K=V", help="Set a configuration value; repeatable"),
    ] = None,
    env: EnvWords = None,
    env_file: EnvFile = None,
    *,
    settings: Any,
) -> Result:
    """Create a service from a class in a codebase.

    The class is imported in a separate process first, so that a wrong name or an import error
    is reported at once. With --count, its instances start as soon as a manager runs.
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
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Configuration values")
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

    Options for supervision take effect without a restart, except the memory and CPU limits,
    which apply when an instance starts. KEY=VALUE and --env make a new release, as `service
    configure` does. Options that are not given keep their values.
    """
    from odbctl.engine.api.settings import ServiceSettings

    wanted = Wanted(
        settings=settings,
        words=tuple(words or ()),
        env=read_environment(env or (), env_file),
        unset=tuple(unset or ()),
        unset_env=tuple(unset_env or ()),
    )
    if settings == ServiceSettings() and not wanted.makes_release:
        raise UsageError("nothing to change", hint="odbctl service set --help")
    with session().open_engine() as engine:
        changes = change_service(engine, name, wanted, settle_seconds=settle)
        return follow_changes(engine, changes, wait=wait, timeout=timeout)


class Wanted(NamedTuple):
    """What is to be changed of a service; the empty values change nothing."""

    settings: ServiceSettings
    words: tuple[str, ...] = ()
    env: Mapping[str, str] = {}
    unset: tuple[str, ...] = ()
    unset_env: tuple[str, ...] = ()

    @property
    def makes_release(self) -> bool:
        """Whether configuration or environment are to be changed."""
        return bool(self.words or self.env or self.unset or self.unset_env)


class Changes(NamedTuple):
    """What was changed of a service: its supervision, its configuration, or both."""

    supervision: Change | None
    configuration: Change | None


def change_service(
    engine: Engine, name: str, wanted: Wanted, *, settle_seconds: float = DEFAULT_SETTLE_SECONDS
) -> Changes:
    """Write the changes of a service, its supervision first.

    When the configuration is refused after the supervision was changed, that is said.

    Raises:
        OdbctlError: A value is refused.
    """
    from odbctl.engine.api.releases import configure_service
    from odbctl.engine.api.settings import ServiceSettings, set_service

    supervision = None
    if wanted.settings != ServiceSettings():
        supervision = set_service(engine, name, wanted.settings)
    if not wanted.makes_release:
        return Changes(supervision, None)
    try:
        configuration = configure_service(
            engine,
            name,
            words=wanted.words,
            env=wanted.env,
            unset=wanted.unset,
            unset_env=wanted.unset_env,
            settle_seconds=settle_seconds,
        )
    except OdbctlError:
        if supervision is not None:
            session().say(f"note: {_effect(supervision)}; the configuration is unchanged")
        raise
    return Changes(supervision, configuration)


def follow_changes(
    engine: Engine, changes: Changes, *, wait: bool, timeout: float | None
) -> Result:
    """Wait for the release that changes made, if any, and return what to report."""
    supervision, configuration = changes
    if configuration is None:
        assert supervision is not None  # one of both was asked for
        return done(supervision)
    notes = () if supervision is None else (_effect(supervision),)
    result = rolled_out(engine, configuration, wait=wait, timeout=timeout, follows_release=True)
    return result._replace(notes=(*notes, *result.notes))


def _effect(supervision: Change) -> str:
    """Say what a change of the supervision did."""
    if supervision.action == "unchanged":
        return supervision.message
    return f"{supervision.message} (set without a restart)"
