"""Whole processes of the command line, against a Python that does nothing."""

from __future__ import annotations

import sys

from benchmarks.figures import Figure, Row, Target
from benchmarks.harness import Options
from benchmarks.references import time_command
from benchmarks.stage import IDLE, Stage, stage

COUNT = 100
COMMANDS = {
    "ps": (4.0, ("ps",)),
    "service status NAME": (4.0, ("service", "status", IDLE)),
    "--help": (6.0, ("--help",)),
    "version": (4.0, ("version",)),
}


def run(options: Options) -> list[Row]:
    """Run each command in turns with a bare Python, while a hundred instances idle."""
    with stage() as made:
        count = options.instances(COUNT)
        made.start(IDLE, count)
        rounds = options.choose(full=21, quick=5)
        return [
            _measure(made, name, words, limit=limit, count=count, rounds=rounds)
            for name, (limit, words) in COMMANDS.items()
        ]


def _measure(
    made: Stage, name: str, words: tuple[str, ...], *, limit: float, count: int, rounds: int
) -> Row:
    bare, command = [sys.executable, "-c", "pass"], [made.odbctl, *words]
    times: dict[str, list[float]] = {"bare": [], "ours": []}
    for each in (bare, command):
        time_command(each, made.environ)
    for _ in range(rounds):
        times["ours"].append(time_command(command, made.environ) * 1000)
        times["bare"].append(time_command(bare, made.environ) * 1000)
    return Row(
        name=f"odbctl {name}",
        unit="ms",
        ours=Figure.of(times["ours"]),
        reference=Figure.of(times["bare"]),
        against=f"python -c pass; {count} instances idle",
        target=Target(limit=limit),
    )
