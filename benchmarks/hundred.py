"""A hundred instances from one command, against a shell loop that starts a hundred scripts."""

from __future__ import annotations

from benchmarks.figures import Figure, Row, Target
from benchmarks.harness import Options
from benchmarks.references import script_start_seconds, time_command
from benchmarks.stage import IDLE, stage

COUNT = 100


def run(options: Options) -> list[Row]:
    """Start a hundred with the command, then with the loop, in turns."""
    ours: list[float] = []
    loops: list[float] = []
    last: list[float] = []
    count = options.instances(COUNT)
    with stage() as made:
        command = [made.odbctl, "service", "start", IDLE, "--count", str(count)]
        for _ in range(options.rounds):
            ours.append(time_command(command, made.environ))
            seen = made.see_running(IDLE)
            assert len(seen) == count
            first_at = min(s.created_at for s in seen)
            last.append((max(s.running_at for s in seen) - first_at) * 1000)
            made.stop(IDLE)
            loops.append(script_start_seconds(made, count=count))
    inside = Figure.of(last)
    return [
        Row(
            name=f"{count} instances Running, from one command",
            unit="s",
            ours=Figure.of(ours),
            reference=Figure.of(loops),
            against=f"a shell loop that starts {count} scripts in the background, until all are "
            "ready",
            target=Target(limit=0.15),
            note=f"of this, {inside.value:.0f} ms ({inside.low:.0f}-{inside.high:.0f}) from the "
            "first instance created to the last one Running; the rest is the command",
        )
    ]
