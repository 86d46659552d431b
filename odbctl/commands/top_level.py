"""The commands without a noun: `ps`, `why`, `tui`, `doctor`, `metrics`, `version`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from odbctl.commands.actions import reads
from odbctl.commands.output.results import Listing, Result, Text
from odbctl.commands.parsing.app import command, new_app
from odbctl.commands.parsing.options import Everything, ServiceName, ServiceNames, Watch
from odbctl.commands.session import session

app = new_app()


@command(app, "ps", example=("odbctl ps", "odbctl ps hello 'api-*' --all -o wide", "odbctl ps -w"))
def ps(names: ServiceNames = None, everything: Everything = False, watch: Watch = False) -> Result:
    """List the instances of all services, or of the given ones."""
    if watch:
        return reads.watched(session(), services=names or (), everything=everything)
    return reads.instances(session(), services=names or (), everything=everything)


@command(app, "why", example="odbctl why hello")
def why(name: ServiceName) -> Result:
    """Explain the state of a service: counts, reasons, last exits."""
    return reads.reasons(session(), name)


@command(
    app,
    "tui",
    example=(
        "odbctl tui",
        "odbctl tui --readonly --no-mouse",
        "odbctl tui --screenshot services.svg --screen svc --size 100x30",
    ),
)
def tui(
    readonly: Annotated[bool, typer.Option("--readonly", help="Allow no changes")] = False,
    no_mouse: Annotated[
        bool,
        typer.Option(
            "--no-mouse", help="Do not use the mouse, so that the terminal can select text"
        ),
    ] = False,
    screenshot: Annotated[
        Path | None,
        typer.Option(
            "--screenshot",
            metavar="FILE",
            help="Write a picture (.svg, .txt or .png) and exit; needs no terminal",
        ),
    ] = None,
    screen: Annotated[
        str | None,
        typer.Option("--screen", metavar="NAME", help="First screen, such as svc or events"),
    ] = None,
    size: Annotated[
        str | None, typer.Option("--size", metavar="COLSxROWS", help="Size of the picture (120x40)")
    ] = None,
) -> Result:
    """Open the dashboard; closing it stops nothing.

    The setting tui_theme selects the theme (auto, dark, light, ansi); NO_COLOR is respected.
    Keys can be changed in the user's file (odbctl config path), for example: [keys] start = "s".
    Over SSH it draws fewer frames.
    """
    from odbctl.config import load_keys, user_file
    from odbctl.tui import opening

    current = session()
    own = user_file(current.settings["home"])
    options = opening.Options(
        is_readonly=readonly,
        has_mouse=not no_mouse,
        screenshot=screenshot,
        screen=opening.parse_screen(screen) if screen else "",
        size=opening.parse_size(size) if size else opening.PICTURE_SIZE,
        theme=current.settings["tui_theme"],
        keys=load_keys(own),
        keys_path=own,
    )
    opening.open_dashboard(current.home, options)
    return Text("")


@command(app, "doctor", example="odbctl doctor -o json")
def doctor() -> Result:
    """Check this machine and home, with hints for repair; exit 1 when a check fails."""
    from odbctl.engine.api.doctor import run_checks

    found = run_checks(session().home)
    return Listing("check", found, exit_code=0 if all(check["ok"] for check in found) else 1)


@command(
    app,
    "metrics",
    example=(
        "odbctl metrics",
        "odbctl metrics --listen 127.0.0.1:9105",
        "odbctl metrics --listen unix:/tmp/odbctl-metrics",
    ),
)
def metrics(
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Serve the metrics at HOST:PORT of this machine, or unix:PATH"
        ),
    ] = None,
) -> Result:
    """Print metrics in the text format of Prometheus, or serve them at /metrics.

    Served until Ctrl-C, to this machine only.
    """
    from odbctl.engine.api.metrics import metrics_text

    with session().open_engine() as engine:
        if listen is None:
            return Text(metrics_text(engine).rstrip("\n"))
        from odbctl.engine.api.metrics_server import make_server

        with make_server(listen, lambda: metrics_text(engine)) as server:
            session().say(f"serving metrics at {listen}, until Ctrl-C")
            server.serve_forever()
    return Text("")


@command(app, "version", example="odbctl version")
def version() -> Result:
    """Print the version."""
    return reads.version()
