"""From kill -9 of a worker to its replacement Running, against the start of a script."""

from __future__ import annotations

import os
import signal
import statistics
import time

from benchmarks.figures import Figure, Row, Target
from benchmarks.harness import Options
from benchmarks.references import SCRIPT, script_start_seconds
from benchmarks.stage import IDLE, Seen, Stage, stage

COUNT = 20


def run(options: Options) -> list[Row]:
    """Kill each slot once, so that no back-off applies; then forget the crashes."""
    ours: list[float] = []
    scripts: list[float] = []
    booted: list[float] = []
    with stage() as made:
        made.start(IDLE, options.instances(COUNT))
        script_start_seconds(made)
        for _ in range(options.choose(full=5, quick=1)):
            for victim in made.see_running(IDLE):
                seconds, created = _kill(made, victim)
                ours.append(seconds * 1000)
                booted.append(created * 1000)
                scripts.append(script_start_seconds(made) * 1000)
            made.reset(IDLE)
    return [
        Row(
            name="kill -9 -> replacement Running, p50",
            unit="ms",
            ours=Figure.of(ours),
            reference=Figure.of(scripts),
            against=SCRIPT,
            target=Target(limit=0.2),
            note=f"p99 {Figure.of(ours, quantile=0.99).value:.1f} ms; the replacement was created "
            f"after {statistics.median(booted):.1f} ms (median)",
        )
    ]


def _kill(made: Stage, victim: Seen) -> tuple[float, float]:
    """Kill a worker; return the seconds until its slot runs again, and until it was filled."""

    def replacements() -> list[Seen]:
        return [s for s in made.running(IDLE) if s.slot == victim.slot and s.name != victim.name]

    began_at, started_at = time.time(), time.perf_counter()
    os.kill(victim.pid, signal.SIGKILL)
    made.wait_until(f"{victim.name} is replaced", replacements)
    seconds = time.perf_counter() - started_at
    with made.engine.db.view():
        return seconds, replacements()[0].created_at - began_at
