"""Searching a gigabyte of rotated logs, against grep over the same files."""

from __future__ import annotations

import shutil

from benchmarks.figures import Figure, Row, Target
from benchmarks.harness import Options
from benchmarks.references import time_command
from benchmarks.stage import Stage, stage
from odbctl.engine.telemetry.log_files import LogFiles, LogLimits
from odbctl.engine.telemetry.log_writer import LogWriter

SERVICE = "talker"
NEEDLE_EVERY = 200_000
_LINE_BYTES = 88  # with its time and level


def run(options: Options) -> list[Row]:
    """Write the logs as a worker does, then search them in turns."""
    megabytes = options.choose(full=1000, quick=50)
    ours: list[float] = []
    greps: list[float] = []
    grep = shutil.which("grep")
    with stage() as made:
        files = _write(made, megabytes * 1_000_000 // _LINE_BYTES)
        words = ["logs", SERVICE, "--all", "--since", "5m", "--grep", "needle"]
        for _ in range(options.rounds if grep else 0):
            ours.append(time_command([made.odbctl, *words], made.environ))
            greps.append(time_command([str(grep), "-h", "needle", *files], made.environ))
    if not ours:
        return []
    return [
        Row(
            name=f"logs --since 5m --grep over {megabytes} MB, whole process",
            unit="s",
            ours=Figure.of(ours),
            reference=Figure.of(greps),
            against="grep -h over the same files",
            target=Target(limit=1.2),
            note=f"{len(files)} files",
        )
    ]


def _write(made: Stage, count: int) -> list[str]:
    files = LogFiles.of(made.home.logs, SERVICE, f"{SERVICE}-1")
    writer = LogWriter(files, LogLimits(quota_bytes=2**40))
    writer.open()
    write = writer.stdout.write
    for number in range(count):
        needle = " needle" if number % NEEDLE_EVERY == 0 else ""
        write(f"request {number} took some time, status=200{needle}")
        write("\n")
    writer.close()
    return [*files.segments(), files.log_path]
