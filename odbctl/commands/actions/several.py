"""One change for several services: by name, by pattern, or for all.

No typer here, because starting and stopping are as frequent as any reading.
Runs in the command line's process.
"""

from __future__ import annotations

from odbctl.commands.output.results import Done, Many
from odbctl.errors import OdbctlError, UsageError
from odbctl.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from odbctl.commands.output.results import Result
    from odbctl.engine.api.engine import Engine
    from odbctl.engine.api.results import Change


def named(engine: Engine, names: Sequence[str], *, everything: bool = False) -> list[str]:
    """Return the services that were asked for, each once; a wrong name stays among them.

    Raises:
        UsageError: No name and no `--all`, or both.
    """
    from odbctl.engine.api.lookups import is_pattern, match_services

    if everything and names:
        raise UsageError("both names and --all were given", hint="leave one of them out")
    if not everything and not names:
        raise UsageError("missing argument NAME", hint="name a service, a pattern or --all")
    if not everything and not any(map(is_pattern, names)):
        return list(dict.fromkeys(names))
    with engine.db.view():
        found = [service for name in names or ("*",) for service in match_services(name)]
    return list(dict.fromkeys(found))


def for_each(
    engine: Engine,
    names: Sequence[str],
    begin: Callable[[str], Change],
    finish: Callable[[Change], Done],
    *,
    everything: bool = False,
) -> Result:
    """Begin a change of each service, then wait for each.

    Args:
        engine: The opened home.
        names: Services and patterns, as typed.
        begin: Writes the change of one service.
        finish: Waits until the change is carried out, and describes it.
        everything: All services, instead of names.

    Returns:
        The one result for one plain name, whose error is raised; else the results of all.
    """
    chosen = named(engine, names, everything=everything)
    if list(names) == chosen and len(chosen) == 1:
        return finish(begin(chosen[0]))
    begun: list[Change] = []
    failed: list[tuple[str, OdbctlError]] = []
    for name in chosen:
        try:
            begun.append(begin(name))
        except OdbctlError as error:
            failed.append((name, error))
    results: list[Done] = []
    for change in begun:
        try:
            results.append(finish(change))
        except OdbctlError as error:
            if error.exit_code == INTERRUPTED:
                raise
            failed.append((str(change.document["name"]), error))
    return Many(results, failed, "no services: odbctl service create --help")


INTERRUPTED = 130
