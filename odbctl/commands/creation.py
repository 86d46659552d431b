"""`odbctl service create` and `set`: what a service is, and how it is supervised."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from odbctl.commands._app import command, new_app
from odbctl.commands._environment import read_environment
from odbctl.commands._options import EnvFile, EnvWords, ServiceName
from odbctl.commands._results import Result
from odbctl.commands._session import session
from odbctl.commands._settings import with_settings
from odbctl.commands._waiting import done

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
        str, typer.Option(metavar="NAME[@REF]", help="The codebase that has the class")
    ],
    count: Annotated[
        int, typer.Option(metavar="N", help="Wanted instances; they start at once", min=0)
    ] = 0,
    singleton: Annotated[
        bool, typer.Option("--singleton", help="Never two instances, also while deploying")
    ] = False,
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
        singleton=singleton,
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
        "odbctl service set hello --restart on-failure --stop-grace 30",
        "odbctl service set hello --readiness tcp:8080 --probe-period 5",
        "odbctl service set hello --schedule none --depends-on none",
    ),
)
@with_settings
def set_(name: ServiceName, *, settings: Any) -> Result:
    """Change how a service is supervised, without a restart.

    Only what is named changes. What the kernel holds an instance to is that of its start.
    """
    from odbctl.engine.api.settings import set_service

    with session().open_engine() as engine:
        return done(set_service(engine, name, settings))
