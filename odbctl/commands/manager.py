"""`odbctl manager …`: the background process that makes what runs equal what is wanted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from odbctl.commands.actions.waiting import done
from odbctl.commands.output.failures import InterruptedWaitError
from odbctl.commands.output.results import Done, Listing, Result, Text
from odbctl.commands.output.text import visible_lines
from odbctl.commands.parsing.app import command, new_app
from odbctl.commands.parsing.options import HostOption, duration_option
from odbctl.commands.session import session

if TYPE_CHECKING:
    from odbctl.engine.api.daemon import ManagerOptions

DEFAULT_HOST = "local"
NOT_RUNNING = 3
STOP_TIMEOUT_SECONDS = 15.0

app = new_app("manager")

Strategy = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="subprocess, in-process or module:Class"),
]
StartMethod = Annotated[str | None, typer.Option(metavar="METHOD", help="fork or exec")]
Placement = Annotated[str, typer.Option(metavar="GROUP", help="The host's placement group")]
Cores = Annotated[
    float,
    typer.Option(metavar="X", help="Cores that may be reserved; 0: all of the machine", min=0.0),
]
RamGb = Annotated[
    float,
    typer.Option(metavar="Y", help="RAM that may be reserved; 0: all of the machine", min=0.0),
]
MaxInstances = Annotated[
    int | None, typer.Option(metavar="N", help="Maximum number of instances", min=0)
]


def _options(
    host: str,
    placement: str,
    cores: float,
    ram_gb: float,
    max_instances: int | None,
    strategy: str | None,
    start_method: str | None,
) -> ManagerOptions:
    from odbctl.engine.api.daemon import HostSettings, ManagerOptions

    settings = session().settings
    return ManagerOptions(
        host=HostSettings(
            name=host,
            placement=placement,
            cores=cores,
            ram_gb=ram_gb,
            max_instances=max_instances,
        ),
        strategy=strategy or settings["manager_strategy"],
        start_method=start_method or settings["start_method"] or None,
    )


@command(app, "run", example="odbctl manager run --placement Workers --cores 4")
def run(
    host: HostOption = DEFAULT_HOST,
    placement: Placement = "Master",
    cores: Cores = 0.0,
    ram_gb: RamGb = 0.0,
    max_instances: MaxInstances = None,
    strategy: Strategy = None,
    start_method: StartMethod = None,
) -> Result:
    """Run a manager in the foreground until Ctrl-C; services keep running when it ends."""
    import logging

    from odbctl.engine.api.daemon import run_manager

    options = _options(host, placement, cores, ram_gb, max_instances, strategy, start_method)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    home = session().home
    home.create()
    run_manager(home, options)
    return Text("")


@command(app, "start", example="odbctl manager start")
def start(
    host: HostOption = DEFAULT_HOST,
    placement: Placement = "Master",
    cores: Cores = 0.0,
    ram_gb: RamGb = 0.0,
    max_instances: MaxInstances = None,
    strategy: Strategy = None,
    start_method: StartMethod = None,
    keep: Annotated[
        bool, typer.Option("--keep/--no-keep", help="Restart the manager when it is killed")
    ] = True,
) -> Result:
    """Start a manager in the background.

    If it is killed, its launcher restarts it; if the launcher is killed, it restarts the launcher.
    """
    from odbctl.engine.api.managers import start_manager

    options = _options(host, placement, cores, ram_gb, max_instances, strategy, start_method)
    with session().open_engine() as engine:
        return done(start_manager(engine, replace(options, is_kept=keep)))


@command(app, "stop", example="odbctl manager stop --with-services")
def stop(
    host: HostOption = DEFAULT_HOST,
    with_services: Annotated[
        bool, typer.Option("--with-services", help="Stop every service first")
    ] = False,
    timeout: Annotated[
        float, duration_option(text="Wait at most this long", default=STOP_TIMEOUT_SECONDS)
    ] = STOP_TIMEOUT_SECONDS,
) -> Result:
    """Stop a manager; services keep running unless --with-services."""
    from odbctl.engine.api.managers import stop_manager

    try:
        with session().open_engine() as engine:
            return done(
                stop_manager(engine, host, with_services=with_services, timeout_seconds=timeout)
            )
    except KeyboardInterrupt:
        raise InterruptedWaitError(
            f"interrupted; the change of the manager of host {host!r} continues",
            hint="odbctl manager status",
        ) from None


@command(app, "restart", example="odbctl manager restart")
def restart(host: HostOption = DEFAULT_HOST) -> Result:
    """Replace a manager with a new one; services keep running."""
    from odbctl.engine.api.managers import restart_manager

    with session().open_engine() as engine:
        return done(restart_manager(engine, host))


@command(app, "status", example="odbctl manager status")
def status() -> Result:
    """Show the managers; exit 3 when none runs."""
    from odbctl.engine.api.managers import manager_status

    with session().open_engine() as engine:
        found = manager_status(engine)
    runs = any(manager["state"] == "running" for manager in found)
    return Listing("manager", found, "no manager: odbctl manager start", 0 if runs else NOT_RUNNING)


@command(app, "logs", example="odbctl manager logs -n 20")
def logs(
    host: HostOption = DEFAULT_HOST,
    lines: Annotated[
        int, typer.Option("--tail", "--lines", "-n", metavar="N", help="Only the last N", min=1)
    ] = 100,
) -> Result:
    """Print the log of a manager."""
    from odbctl.engine.api.managers import manager_log_lines

    with session().open_engine() as engine:
        found = manager_log_lines(engine, host, count=lines)
    documents = [{"kind": "line", "version": 1, "host": host, "text": line} for line in found]
    return Text("\n".join(map(visible_lines, found)), documents)


@command(
    app,
    "install",
    example=(
        "odbctl manager install",
        "odbctl manager install --system --print",
        "odbctl manager install --init",
    ),
)
def install(
    host: HostOption = DEFAULT_HOST,
    placement: Placement = "Master",
    cores: Cores = 0.0,
    ram_gb: RamGb = 0.0,
    max_instances: MaxInstances = None,
    strategy: Strategy = None,
    start_method: StartMethod = None,
    system: Annotated[
        bool, typer.Option("--system", help="For the whole machine instead of your user")
    ] = False,
    show: Annotated[
        bool, typer.Option("--print", help="Print the unit without writing it")
    ] = False,
    init: Annotated[
        bool, typer.Option("--init", help="Print a line for a crontab, without systemd")
    ] = False,
) -> Result:
    """Have the system start a manager at boot, and restart it whenever it exits.

    Services keep running without it, and are adopted when it starts again. After a reboot,
    services that had been started run again.
    """
    from odbctl.engine.api.install import make_init_line, make_unit, write_unit

    options = _options(host, placement, cores, ram_gb, max_instances, strategy, start_method)
    home = session().home
    if init:
        line = make_init_line(home, options)
        return Text(line, _unit_document(None, line))
    unit = make_unit(home, options, is_system=system)
    if show:
        document = _unit_document(str(unit.path), unit.text, *unit.commands)
        return Text(unit.text.rstrip("\n"), document)
    action = "installed" if write_unit(unit) else "unchanged"
    document = _unit_document(str(unit.path), unit.text, *unit.commands)
    return Done(action, str(unit.path), document, notes=unit.commands)


def _unit_document(path: str | None, text: str, *commands: str) -> dict[str, object]:
    """Describe a systemd unit, or a crontab line, which has no path."""
    return {"kind": "unit", "version": 1, "path": path, "commands": list(commands), "text": text}
