"""CPU time of a hundred idle instances with their manager and launcher."""

from __future__ import annotations

import time

from benchmarks.figures import Figure, Measure, Row, Target
from benchmarks.harness import Options
from benchmarks.processes import cpu_seconds, processes_of
from benchmarks.stage import IDLE, stage
from odbctl.engine.worker.identity import ProcessIdentity

COUNT = 100
SETTLE_SECONDS = 3


def run(options: Options) -> list[Row]:
    """Count the CPU time of windows that follow each other."""
    window_seconds = options.choose(full=20, quick=5)
    count = options.instances(COUNT)
    with stage() as made:
        made.start(IDLE, count)
        time.sleep(options.choose(full=SETTLE_SECONDS, quick=SETTLE_SECONDS))
        processes = processes_of(made.folder)
        # The manager and its launcher, often with a spare worker and a log guard.
        assert count + 2 <= len(processes) <= count + 4, len(processes)
        shares = [_share(processes, window_seconds) for _ in range(options.rounds)]
        workers = {seen.pid for seen in made.see_running(IDLE)}
        others = [p for p in processes if p.pid not in workers]
        apart = _share(others, window_seconds)
    return [
        Row(
            name=f"idle CPU, {count} instances, over {window_seconds} s",
            unit="%",
            ours=Figure.of(shares),
            target=Target(limit=0.5, measure=Measure.VALUE),
            note=f"of one core; manager and launcher alone {apart:.2f} % in a further window",
        )
    ]


def _share(processes: list[ProcessIdentity], seconds: float) -> float:
    before, started_at = cpu_seconds(processes), time.monotonic()
    time.sleep(seconds)
    used = cpu_seconds(processes) - before
    return used / (time.monotonic() - started_at) * 100
