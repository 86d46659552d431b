"""Output: lines through print, and a child's raw output, against the same to a plain file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import bench_services
from benchmarks.figures import Figure, Row, Target
from benchmarks.harness import Options
from benchmarks.stage import Stage, stage

# More than all that is written: removing old lines is not what is measured here.
LOG_QUOTA = "4G"
LINE_BYTES = len(bench_services.LINE) + 1
Pace = Callable[[], float]


def run(options: Options) -> list[Row]:
    """Run each loop as a service and as a script, the one or the other first in turns."""
    lines = options.choose(full=1_000_000, quick=200_000)
    megabytes = options.choose(full=500, quick=100)
    with stage() as made:
        printed = _compare(made, "print", lines, lines * LINE_BYTES / 1e6, options.rounds)
        written = _compare(made, "write", megabytes, megabytes, options.rounds)
    return [
        Row(
            name=f"{lines} lines of {LINE_BYTES} bytes by print",
            unit="MB/s",
            ours=Figure.of(printed[0]),
            reference=Figure.of(printed[1]),
            against="the same loop, printing to a plain file",
            target=Target(limit=0.25, is_lower_limit=True),
        ),
        Row(
            name=f"{megabytes} MB by a child to its inherited stdout",
            unit="MB/s",
            ours=Figure.of(written[0]),
            reference=Figure.of(written[1]),
            against="the same child, writing to a file",
            target=Target(limit=0.8, is_lower_limit=True),
        ),
    ]


def _compare(
    made: Stage, loop: str, count: int, megabytes: float, rounds: int
) -> tuple[list[float], list[float]]:
    result = made.folder / f"{loop}.seconds"
    class_name = {"print": "PrintingService", "write": "WritingService"}[loop]
    made.create(
        loop,
        f"bench_services:{class_name}",
        restart="never",
        log_quota=LOG_QUOTA,
        config_words=(f"count={count}", f"result={result}"),
    )
    ours: list[float] = []
    plain: list[float] = []
    sides: Sequence[tuple[list[float], Pace]] = (
        (ours, lambda: _as_service(made, loop, result, count)),
        (plain, lambda: _as_script(made, loop, result, count)),
    )
    for number in range(rounds):
        for paces, measure in sides if number % 2 == 0 else reversed(sides):
            paces.append(megabytes / measure())
    return ours, plain


def _as_service(made: Stage, loop: str, result: Path, count: int) -> float:
    """Run the loop as an instance; return its seconds, and keep nothing of its log."""
    made.want(loop, 1)
    made.wait_until(f"{loop} has ended", lambda: made.has_ended(loop))
    made.stop(loop)
    folder = made.home.logs / loop
    if loop == "print":
        _check_lines(folder, count)
    for path in folder.iterdir():
        path.unlink(missing_ok=True)  # the manager removes empty ones meanwhile
    return _take(result)


def _check_lines(folder: Path, count: int) -> None:
    """Refuse a pace that was reached by losing lines."""
    found = 0
    for path in folder.glob("*.log*"):
        with path.open("rb") as file:
            found += sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    if found < count:
        raise AssertionError(f"{count} lines were printed, {found} are in the log")


def _as_script(made: Stage, loop: str, result: Path, count: int) -> float:
    output = made.folder / "output"
    words = [str(made.repo / "src" / "bench_services.py"), loop, str(count), str(result)]
    try:
        with output.open("wb") as file:
            subprocess.run([sys.executable, *words], stdout=file, check=True)
    finally:
        output.unlink(missing_ok=True)
    return _take(result)


def _take(result: Path) -> float:
    seconds = float(result.read_text())
    result.unlink()
    return seconds
