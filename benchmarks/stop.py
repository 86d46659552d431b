"""Stopping: many that idle, and some that ignore it."""

from __future__ import annotations

import time

from benchmarks.figures import Figure, Measure, Row, Target
from benchmarks.harness import Options
from benchmarks.references import time_command
from benchmarks.stage import IDLE, Stage, stage

IDLE_COUNT = 100
STUBBORN = "stubborn"
STUBBORN_COUNT = 10
GRACE_SECONDS = 1.0


def run(options: Options) -> list[Row]:
    """Stop idle instances by the database and by the command, then stubborn ones."""
    idle: list[float] = []
    command: list[float] = []
    stubborn: list[float] = []
    idle_count, deaf_count = options.instances(IDLE_COUNT), options.instances(STUBBORN_COUNT)
    with stage() as made:
        made.create(STUBBORN, "bench_services:StubbornService", stop_grace_seconds=GRACE_SECONDS)
        for _ in range(options.rounds):
            made.start(IDLE, idle_count)
            idle.append(_stop(made, IDLE))
            made.start(IDLE, idle_count)
            command.append(time_command([made.odbctl, "service", "stop", IDLE], made.environ))
            made.start(STUBBORN, deaf_count)
            stubborn.append(_stop(made, STUBBORN))
    return [
        _row(f"stop of {idle_count} idle instances", idle, 0.4),
        _row("the same by `odbctl service stop`, whole process", command, None),
        _row(f"stop of {deaf_count} that ignore it, grace {GRACE_SECONDS:g} s", stubborn, 1.2),
    ]


def _stop(made: Stage, name: str) -> float:
    started_at = time.perf_counter()
    made.stop(name)
    return time.perf_counter() - started_at


def _row(name: str, seconds: list[float], limit: float | None) -> Row:
    target = None if limit is None else Target(limit=limit, measure=Measure.VALUE)
    return Row(name=name, unit="s", ours=Figure.of(seconds), target=target)
