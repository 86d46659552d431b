"""Waiting for one run of a job, and following its log, with the run's exit code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from odbctl.commands.actions.waiting import limit_of, told
from odbctl.commands.output.cell_text import exit_text
from odbctl.commands.output.results import Document, Done, Stream
from odbctl.commands.session import session

if TYPE_CHECKING:
    from odbctl.engine.api.engine import Engine


def run_ended(engine: Engine, name: str, run: str, *, timeout: float | None) -> Done:
    """Wait until a run has ended; its exit code is the command's.

    Raises:
        InterruptedWaitError: Ctrl-C; the run goes on.
    """
    from odbctl.engine.api.job_runs import exit_code_of, wait_for_run

    with told(name) as progress:
        instance = wait_for_run(
            engine, name, run, timeout_seconds=limit_of(timeout), on_progress=progress
        )
    how = exit_text(instance["exit"])
    reason = f": {instance['reason']}" if instance["reason"] else ""
    code = exit_code_of(instance)
    return Done("ended", f"run {run}: {how}{reason}", instance, exit_code=code)


def followed_run(name: str, run: str, *, timeout: float | None) -> Stream:
    """Return what a run writes as a stream that ends with the run and has its exit code."""
    codes: list[int] = []

    def documents() -> Iterator[Document]:
        from odbctl.engine.api.instance_listing import show_instance
        from odbctl.engine.api.job_runs import exit_code_of, follow_run

        with session().open_engine() as engine:
            yield from follow_run(engine, name, run, timeout_seconds=limit_of(timeout))
            codes.append(exit_code_of(show_instance(engine, run)))

    return Stream("log", documents(), exit_code=lambda: codes[-1])
