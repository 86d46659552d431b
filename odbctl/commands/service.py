"""`odbctl service …`: what is wanted of services, and what they do."""

from __future__ import annotations

from typing import Annotated

import typer

from odbctl.commands import _changes, _reads
from odbctl.commands._app import command, new_app
from odbctl.commands._confirm import confirm
from odbctl.commands._environment import read_environment
from odbctl.commands._logs import log_result
from odbctl.commands._options import (
    DryRun,
    EnvFile,
    EnvWords,
    Follow,
    LineCount,
    ServiceName,
    Since,
    Timeout,
    Wait,
    Yes,
)
from odbctl.commands._results import Done, Result, Single
from odbctl.commands._session import session
from odbctl.commands._waiting import done, has_live_instances, rolled_out, supervise
from odbctl.commands._waiting import wait_until_removed as wait_until_gone

app = new_app("service")


@command(
    app,
    "create",
    example=(
        "odbctl service create hello --class hello_world.service:HelloService --codebase hello",
        "odbctl service create api --class app.api:Api --codebase app@v1.2 --count 4 "
        "--config port=8080 --env MODE=test",
    ),
)
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
    cores: Annotated[
        float | None, typer.Option(metavar="X", help="Cores that each instance reserves", min=0.0)
    ] = None,
    ram_gb: Annotated[
        float | None, typer.Option(metavar="Y", help="RAM that each instance reserves", min=0.0)
    ] = None,
    singleton: Annotated[
        bool, typer.Option("--singleton", help="Never two instances, also while deploying")
    ] = False,
    placement: Annotated[
        str, typer.Option(metavar="GROUP", help="Only on hosts of this placement group")
    ] = "Any",
    config: Annotated[
        list[str] | None,
        typer.Option("--config", metavar="K=V", help="Set a value of its Config; repeatable"),
    ] = None,
    env: EnvWords = None,
    env_file: EnvFile = None,
    restart: Annotated[
        str, typer.Option(metavar="POLICY", help="always, on-failure or never")
    ] = "always",
    stop_grace: Annotated[
        float, typer.Option(metavar="SECONDS", help="Time to stop before it is killed", min=0.0)
    ] = 10.0,
) -> Result:
    """Create a service from a class in a codebase.

    The class is looked at in a process of its own first, so that a wrong name or an import
    error is told now. With --count, its instances start as soon as a manager runs.
    """
    from odbctl.engine.api.creation import ServiceOptions, create_service

    options = ServiceOptions(
        count=count,
        cores=cores,
        ram_gb=ram_gb,
        singleton=singleton,
        placement=placement,
        env=read_environment(env or (), env_file),
        config_words=tuple(config or ()),
        restart=restart,
        stop_grace_seconds=stop_grace,
    )
    with session().open_engine() as engine:
        return done(
            create_service(engine, name, class_spec=class_spec, codebase=codebase, options=options)
        )


@command(app, "list", example="odbctl service list -o wide")
def list_() -> Result:
    """List services."""
    return _reads.services(session())


@command(app, "show", example="odbctl service show hello -o json")
def show(name: ServiceName) -> Result:
    """Show everything about a service."""
    from odbctl.engine.api.status import service_status

    with session().open_engine() as engine:
        return Single(service_status(engine, name), "show")


@command(
    app,
    "start",
    example=("odbctl service start hello", "odbctl service start hello --count 4 --timeout 30"),
)
def start(
    name: ServiceName,
    count: Annotated[
        int | None, typer.Option(metavar="N", help="Want so many instances", min=0)
    ] = None,
    wait: Wait = True,
    timeout: Timeout = None,
) -> Result:
    """Start a service and wait until it runs.

    Wants as many instances as given, as before, or one. Ends a back-off or throttling at
    once. Starts a manager in the background when none runs.
    """
    return _changes.start(session(), name, count=count, wait=wait, timeout=timeout)


@command(app, "stop", example="odbctl service stop hello")
def stop(name: ServiceName, wait: Wait = True, timeout: Timeout = None) -> Result:
    """Stop a service and wait until it has stopped.

    An instance that does not stop within the service's grace is killed.
    """
    return _changes.stop(session(), name, wait=wait, timeout=timeout)


@command(app, "scale", example="odbctl service scale hello 4")
def scale(
    name: ServiceName,
    count: Annotated[int, typer.Argument(metavar="N", help="Wanted instances", min=0)],
    wait: Wait = True,
    timeout: Timeout = None,
) -> Result:
    """Set how many instances are wanted, and wait until so many run."""
    from odbctl.engine.api.services import scale_service

    with session().open_engine() as engine:
        change = scale_service(engine, name, count)
        return rolled_out(engine, change, wait=wait, timeout=timeout, follows_release=False)


@command(app, "status", example="odbctl service status hello")
def status(name: ServiceName) -> Result:
    """Show what a service does now; exit 3 when it is not running."""
    return _reads.status(session(), name)


@command(
    app,
    "logs",
    example=("odbctl service logs hello -f", "odbctl service logs hello --previous -n 20"),
)
def logs(
    name: ServiceName,
    follow: Follow = False,
    lines: LineCount = None,
    since: Since = None,
    instance: Annotated[
        str | None, typer.Option(metavar="ID", help="Only of this instance")
    ] = None,
    previous: Annotated[
        bool, typer.Option("--previous", "-p", help="Of the run before the current one")
    ] = False,
) -> Result:
    """Print what the instances of a service wrote."""
    return log_result(
        name, follow=follow, lines=lines, since=since, instance=instance, previous=previous
    )


@command(app, "reset", example="odbctl service reset hello")
def reset(name: ServiceName) -> Result:
    """Forget failed starts and crashes, and try again at once."""
    from odbctl.engine.api.services import reset_service

    with session().open_engine() as engine:
        return done(reset_service(engine, name))


@command(app, "remove", example="odbctl service remove hello --yes")
def remove(
    name: ServiceName,
    yes: Yes = False,
    dry_run: DryRun = False,
    wait: Wait = True,
    timeout: Timeout = None,
) -> Result:
    """Stop a service and remove it."""
    from odbctl.engine.api.services import remove_service
    from odbctl.engine.api.status import service_status

    with session().open_engine() as engine:
        document = service_status(engine, name)
        living = sum(i["ended_at"] is None for i in document["instances"])
        if dry_run:
            text = f"service {name}: {living} instances would stop"
            return Done("would remove", text, document)
        confirm(f"Remove service {name} and stop its {living} instances?", yes=yes)
        change = remove_service(engine, name)
        if has_live_instances(document):
            supervise(engine)
            if wait:
                wait_until_gone(engine, name, timeout=timeout)
        return done(change)
