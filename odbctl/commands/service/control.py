"""`odbctl service …`: what is wanted of services, and what they do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from odbctl.commands.actions import changes, reads
from odbctl.commands.actions.confirm import confirm
from odbctl.commands.actions.job_runs import followed_run, run_ended
from odbctl.commands.actions.log_stream import LogWords, log_result
from odbctl.commands.actions.several import for_each, named
from odbctl.commands.actions.waiting import done, has_live_instances, rolled_out, supervise
from odbctl.commands.actions.waiting import wait_until_removed as wait_until_gone
from odbctl.commands.output.results import (
    Document,
    Done,
    Listing,
    Result,
    Single,
    as_document,
    as_list,
)
from odbctl.commands.parsing.app import command, new_app
from odbctl.commands.parsing.options import (
    AllRuns,
    AllServices,
    DryRun,
    Follow,
    Grep,
    Level,
    LineCount,
    OfInstance,
    Previous,
    ServiceName,
    ServiceNames,
    Since,
    Timeout,
    Until,
    Wait,
    Watch,
    Yes,
)
from odbctl.commands.session import session
from odbctl.engine.api.results import Change
from odbctl.errors import UsageError, shown

if TYPE_CHECKING:
    from odbctl.engine.api.engine import Engine

app = new_app("service")


@command(app, "list", example="odbctl service list -o wide")
def list_() -> Result:
    """List services."""
    return reads.services(session())


@command(app, "show", example="odbctl service show hello -o json")
def show(name: ServiceName) -> Result:
    """Show everything about a service."""
    from odbctl.engine.api.status import service_status

    with session().open_engine() as engine:
        return Single(service_status(engine, name), "show")


@command(
    app,
    "start",
    example=(
        "odbctl start hello",
        "odbctl start hello --count 4 --timeout 30s",
        "odbctl start 'api-*'",
        "odbctl service start --all",
    ),
)
def start(
    names: ServiceNames = None,
    everything: AllServices = False,
    count: Annotated[
        int | None, typer.Option(metavar="N", help="The desired number of instances", min=0)
    ] = None,
    deps: Annotated[
        bool, typer.Option("--deps/--no-deps", help="Also start the services it depends on")
    ] = True,
    wait: Wait = True,
    timeout: Timeout = None,
) -> Result:
    """Start services and wait until they run.

    Starts the given number of instances, by default as many as before, or one. Ends a back-off
    or throttling at once. Starts a manager in the background when none runs. For a job, it
    waits until the run has started or completed; a scheduled job runs when it is due.
    """
    return changes.start(
        session(),
        names or (),
        count=count,
        wait=wait,
        timeout=timeout,
        deps=deps,
        everything=everything,
    )


@command(
    app,
    "run",
    example=("odbctl service run tidy", "odbctl service run tidy --follow"),
)
def run(
    name: ServiceName,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until the run has ended; exit with its code")
    ] = False,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow", "-f", help="Print the output of the run, and wait until it has ended"
        ),
    ] = False,
    timeout: Timeout = None,
) -> Result:
    """Run a job once, now, whether it is scheduled or not.

    A stopped service stays stopped, and a schedule does not change. A failed run is not
    retried. With --wait or --follow the exit code is that of the run, 128 + N when signal N
    ended it, and 1 when its exit was not observed.
    """
    from odbctl.engine.api.services import run_service

    with session().open_engine() as engine:
        change = run_service(engine, name)
        supervise(engine)
        if not wait and not follow:
            return done(change)
        started = str(change.document["run"])
        if not follow:
            return run_ended(engine, name, started, timeout=timeout)
    session().say(f"run {started}")
    return followed_run(name, started, timeout=timeout)


@command(app, "runs", example="odbctl service runs tidy -o json")
def runs(name: ServiceName) -> Result:
    """List the runs of a service with their times and exits."""
    from odbctl.engine.api.instance_listing import list_instances

    with session().open_engine() as engine:
        found = list_instances(engine, service=name, everything=True)
    return Listing("run", found, "no runs yet")


@command(app, "stop", example=("odbctl stop hello", "odbctl stop 'api-*' web"))
def stop(
    names: ServiceNames = None,
    everything: AllServices = False,
    wait: Wait = True,
    timeout: Timeout = None,
) -> Result:
    """Stop services and wait until they have stopped.

    An instance that does not stop within the service's grace period is killed.
    """
    return changes.stop(session(), names or (), wait=wait, timeout=timeout, everything=everything)


@command(
    app,
    "scale",
    example=("odbctl scale hello 4", "odbctl scale hello +1", "odbctl scale hello -1"),
)
def scale(
    name: ServiceName,
    count: Annotated[
        str,
        typer.Argument(metavar="N|+N|-N", help="The desired number, or a difference such as +1"),
    ],
    wait: Wait = True,
    timeout: Timeout = None,
) -> Result:
    """Set the desired number of instances, and wait until that many run."""
    from odbctl.engine.api.services import scale_service

    number, is_relative = _count(count)
    with session().open_engine() as engine:
        change = scale_service(engine, name, number, is_relative=is_relative)
        return rolled_out(engine, change, wait=wait, timeout=timeout, follows_release=False)


@command(app, "status", example=("odbctl status", "odbctl status hello", "odbctl status 'api-*'"))
def status(
    names: ServiceNames = None,
    everything: AllServices = False,
    watch: Watch = False,
) -> Result:
    """Show the state of one service in detail, of several, or of all.

    Exits with code 3 when no instance of them is ready.
    """
    chosen = () if everything else names or ()
    if watch:
        return reads.watched_status(session(), chosen)
    return reads.status(session(), chosen)


@command(
    app,
    "logs",
    example=(
        "odbctl logs hello --follow --since 10m",
        "odbctl logs hello --previous --tail 20",
        "odbctl logs hello-3 --grep timeout",
        "odbctl logs --level warning",
    ),
)
def logs(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...", help="Services, a quoted pattern, or instances; default all"
        ),
    ] = None,
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
    """Print the output of services or instances; without a name that of all services.

    Records of several instances, and of rotated files, are merged by time. A traceback is
    one record. Lines that are JSON objects are shown as their level and message.
    """
    words = LogWords(follow, lines, since, until, grep, level)
    return log_result(
        names or (), words, instance=instance, previous=previous, everything=everything
    )


@command(app, "reset", example="odbctl service reset hello")
def reset(name: ServiceName) -> Result:
    """Reset failure counters and retry at once."""
    from odbctl.engine.api.services import reset_service

    with session().open_engine() as engine:
        return done(reset_service(engine, name))


def _count(text: str) -> tuple[int, bool]:
    """Return the number that was typed, and whether it is a change of the present one."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise UsageError(f"{shown(text)} is not a number", hint="odbctl scale NAME 4, +1 or -1")
    return int(text), text != digits


@command(
    app,
    "remove",
    example=("odbctl rm hello --yes", "odbctl service remove 'api-*' --dry-run"),
)
def remove(
    names: ServiceNames = None,
    everything: AllServices = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    wait: Wait = True,
    timeout: Timeout = None,
) -> Result:
    """Stop services and remove them. Their events and logs stay."""
    from odbctl.engine.api.services import remove_service
    from odbctl.engine.api.status import service_status

    with session().open_engine() as engine:
        if dry_run:
            return for_each(
                engine,
                names or (),
                lambda name: _removal(service_status(engine, name)),
                done,
                everything=everything,
            )
        if not yes:
            _confirm_removal(engine, names or (), everything=everything)

        def finish(change: Change) -> Done:
            if has_live_instances(change.document):
                supervise(engine)
                if wait:
                    wait_until_gone(engine, str(change.document["name"]), timeout=timeout)
            return done(change)

        return for_each(
            engine,
            names or (),
            lambda name: remove_service(engine, name),
            finish,
            everything=everything,
        )


def _removal(document: Document) -> Change:
    """Return what the removal of a service would do."""
    text = f"service {document['name']}: {_living(document)} instances would stop"
    return Change("would remove", text, document)


def _living(document: Document) -> int:
    return sum(as_document(i)["ended_at"] is None for i in as_list(document["instances"]))


def _confirm_removal(engine: Engine, names: Sequence[str], *, everything: bool) -> None:
    """Ask before services are removed; the error of a single wrong name comes first."""
    from odbctl.engine.api.status import service_status

    chosen = named(engine, names, everything=everything)
    if len(chosen) == 1:
        living = _living(service_status(engine, chosen[0]))
        confirm(f"Remove service {chosen[0]} and stop its {living} instances?", yes=False)
    elif chosen:
        confirm(f"Remove {len(chosen)} services ({', '.join(chosen)})?", yes=False)
