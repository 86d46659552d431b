"""Memory of a hundred idle instances, against a bare Python with the same imports."""

from __future__ import annotations

import statistics

from benchmarks.figures import Figure, Measure, Row, Target
from benchmarks.harness import Options
from benchmarks.processes import processes_of, pss_mb
from benchmarks.references import scripts_ready
from benchmarks.stage import IDLE, Stage, stage
from odbctl.engine.worker.identity import identify

COUNT = 100


def run(options: Options) -> list[Row]:
    """Weigh manager, launcher and workers together; a script beside none of them."""
    ours: list[float] = []
    scripts: list[float] = []
    overhead: list[float] = []
    count = options.instances(COUNT)
    with stage() as made:
        for _ in range(options.rounds):
            scripts.append(_script_mb(made))
            overhead.append(pss_mb(processes_of(made.folder)))
            made.start(IDLE, count)
            processes = processes_of(made.folder)
            # The manager and its launcher, often with a spare worker and a log guard.
            assert count + 2 <= len(processes) <= count + 4, len(processes)
            ours.append(pss_mb(processes) / count)
            made.stop(IDLE)
    return [
        Row(
            name=f"memory per instance, {count} idle (PSS)",
            unit="MB",
            ours=Figure.of(ours),
            reference=Figure.of(scripts),
            against="python script.py with the same imports and database, ready",
            target=Target(limit=3.3, measure=Measure.VALUE),
            note=f"manager and launcher, counted in, are {statistics.median(overhead):.1f} MB "
            "without instances",
        )
    ]


def _script_mb(made: Stage) -> float:
    with scripts_ready(made) as (_seconds, pid):
        identity = identify(pid)
        assert identity is not None  # it waits
        return pss_mb([identity])
