"""From the desired count written to the instance Running, against the start of a script."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

from benchmarks.figures import Figure, Row, Target
from benchmarks.harness import Options
from benchmarks.references import SCRIPT, script_start_seconds
from benchmarks.stage import IDLE, Stage, stage

MOST_AT_ONCE = 10


def run(options: Options) -> list[Row]:
    """Start one instance more, again and again, and a script after each."""
    ours: list[float] = []
    scripts: list[float] = []
    steps: list[Sequence[float]] = []
    with stage() as made:
        script_start_seconds(made)  # its byte code is written now
        for _ in range(options.choose(full=12, quick=2)):
            began_at: list[float] = []
            for count in range(1, options.instances(MOST_AT_ONCE) + 1):
                began_at.append(time.time())
                ours.append(_start(made, count) * 1000)
                scripts.append(script_start_seconds(made) * 1000)
            steps += _steps(made, began_at)
            made.stop(IDLE)
    return _rows(ours, scripts, steps)


def _start(made: Stage, count: int) -> float:
    started_at = time.perf_counter()
    made.start(IDLE, count)
    return time.perf_counter() - started_at


def _steps(made: Stage, began_at: Sequence[float]) -> list[Sequence[float]]:
    """Return when each instance was created and Running, in ms after it was wanted."""
    return [
        [(at - began) * 1000 for at in (seen.created_at, seen.running_at)]
        for began, seen in zip(began_at, made.see_running(IDLE), strict=True)
    ]


def _rows(
    ours: Sequence[float], scripts: Sequence[float], steps: Sequence[Sequence[float]]
) -> list[Row]:
    created, running = (statistics.median(s) for s in zip(*steps, strict=True))
    p50 = Figure.of(ours)
    return [
        Row(
            name="desired count written -> Running, p50",
            unit="ms",
            ours=p50,
            reference=Figure.of(scripts),
            against=SCRIPT,
            target=Target(limit=0.2),
            note=f"instance created after {created:.1f} ms, Running by the worker's clock after "
            f"{running:.1f}, seen in another process {p50.value:.1f} (medians)",
        ),
        Row(
            name="desired count written -> Running, p99",
            unit="ms",
            ours=Figure.of(ours, quantile=0.99),
            reference=p50,
            against="its own p50",
            target=Target(limit=4),
        ),
    ]
