"""`odbctl instance …`: single runs of a service."""

from __future__ import annotations

import time

from odbctl.commands.actions import reads
from odbctl.commands.actions.log_stream import LogWords, log_result
from odbctl.commands.actions.waiting import done, supervise
from odbctl.commands.output.results import Listing, Result, Single
from odbctl.commands.parsing.app import command, new_app
from odbctl.commands.parsing.options import (
    Everything,
    Follow,
    Grep,
    InstanceId,
    Level,
    LineCount,
    ServiceNames,
    Since,
    Until,
)
from odbctl.commands.session import session

app = new_app("instance")


@command(app, "list", example="odbctl instance list --all -o wide")
def list_(services: ServiceNames = None, everything: Everything = False) -> Result:
    """List the instances of all services, or of the given ones."""
    return reads.instances(session(), services=services or (), everything=everything)


@command(app, "show", example="odbctl instance show hello-3")
def show(instance: InstanceId) -> Result:
    """Show one instance."""
    from odbctl.engine.api.instance_listing import show_instance

    with session().open_engine() as engine:
        return Single(show_instance(engine, instance), "show")


@command(app, "logs", example="odbctl instance logs hello-3 -f")
def logs(
    instance: InstanceId,
    follow: Follow = False,
    lines: LineCount = None,
    since: Since = None,
    until: Until = None,
    grep: Grep = None,
    level: Level = None,
) -> Result:
    """Print the output of one instance."""
    from odbctl.engine.api.instance_listing import show_instance

    with session().open_engine() as engine:
        service = show_instance(engine, instance)["service"]
    words = LogWords(follow, lines, since, until, grep, level)
    return log_result([service], words, instance=instance)


@command(app, "figures", example="odbctl instance figures hello-3 --since 1h")
def figures(instance: InstanceId, since: Since = None) -> Result:
    """Show the resource use of an instance: CPU, memory, files, threads.

    Figures are kept every 10 s for an hour, every minute for a day, every 10 minutes for a week.
    """
    from odbctl.engine.api.figures import instance_figures
    from odbctl.engine.api.times import parse_since

    at = parse_since(since or "1h", time.time())
    with session().open_engine() as engine:
        found = instance_figures(engine, instance, since=at)
    return Listing("figures", found, "no figures yet: they are recorded every 10s")


@command(app, "stop", example="odbctl instance stop hello-3")
def stop(instance: InstanceId) -> Result:
    """Stop one instance; its service starts a replacement."""
    from odbctl.engine.api.instances import stop_instance

    with session().open_engine() as engine:
        change = stop_instance(engine, instance)
        supervise(engine)
        return done(change)


@command(app, "kill", example="odbctl instance kill hello-3")
def kill(instance: InstanceId) -> Result:
    """Kill one instance; its service starts a replacement."""
    from odbctl.engine.api.instances import kill_instance

    with session().open_engine() as engine:
        change = kill_instance(engine, instance)
        supervise(engine)
        return done(change)
