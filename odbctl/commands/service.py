"""`odbctl service …`: what is wanted of services, and what they do."""

from __future__ import annotations

from typing import Annotated

import typer

from odbctl.commands import _changes, _reads
from odbctl.commands._app import command, new_app
from odbctl.commands._confirm import confirm
from odbctl.commands._logs import LogWords, log_result
from odbctl.commands._options import (
    AllRuns,
    DryRun,
    Follow,
    Grep,
    Level,
    LineCount,
    OfInstance,
    Previous,
    ServiceName,
    Since,
    Timeout,
    Until,
    Wait,
    Yes,
)
from odbctl.commands._results import Done, Listing, Result, Single
from odbctl.commands._session import session
from odbctl.commands._waiting import done, has_live_instances, rolled_out, supervise
from odbctl.commands._waiting import wait_until_removed as wait_until_gone

app = new_app("service")


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
    deps: Annotated[
        bool, typer.Option("--deps/--no-deps", help="Start what it depends on, too")
    ] = True,
    wait: Wait = True,
    timeout: Timeout = None,
) -> Result:
    """Start a service and wait until it runs.

    Wants as many instances as given, as before, or one. Ends a back-off or throttling at
    once. Starts a manager in the background when none runs. A job is waited for until it
    runs or has ended well; a scheduled one runs when it is due.
    """
    return _changes.start(session(), name, count=count, wait=wait, timeout=timeout, deps=deps)


@command(app, "run", example="odbctl service run tidy")
def run(name: ServiceName) -> Result:
    """Run a job now, whether it is scheduled or not."""
    from odbctl.engine.api.services import run_service

    with session().open_engine() as engine:
        change = run_service(engine, name)
        supervise(engine)
        return done(change)


@command(app, "runs", example="odbctl service runs tidy -o json")
def runs(name: ServiceName) -> Result:
    """List the runs of a service: when, for how long, and how they ended."""
    from odbctl.engine.api.status import list_instances

    with session().open_engine() as engine:
        found = list_instances(engine, service=name, everything=True)
    return Listing("run", found, "no runs yet")


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
    example=(
        "odbctl service logs hello -f",
        "odbctl service logs hello --previous -n 20",
        "odbctl service logs hello --since 1h --grep timeout",
    ),
)
def logs(
    name: ServiceName,
    follow: Follow = False,
    lines: LineCount = None,
    since: Since = None,
    until: Until = None,
    grep: Grep = None,
    level: Level = None,
    instance: OfInstance = None,
    previous: Previous = False,
    everything: AllRuns = False,
) -> Result:
    """Print what the instances of a service wrote.

    Records of several instances, and of rotated files, come as one, by time. A traceback is
    one record. Of lines that are JSON objects the level and the message are shown.
    """
    words = LogWords(follow, lines, since, until, grep, level)
    return log_result(name, words, instance=instance, previous=previous, everything=everything)


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
