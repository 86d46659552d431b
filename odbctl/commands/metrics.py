"""`odbctl metrics`: everything countable, as Prometheus reads it."""

from __future__ import annotations

from typing import Annotated

import typer

from odbctl.commands._app import command, new_app
from odbctl.commands._results import Result, Text
from odbctl.commands._session import session

app = new_app()


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
