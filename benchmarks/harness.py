"""The harness: runs groups of measurements and shows their rows.

A group is a function in a module of its own that takes `Options` and returns
rows. One that fails is reported and does not keep the others from running.
"""

from __future__ import annotations

import os
import platform
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from typing import Any, NoReturn

import odbctl
from benchmarks.figures import Figure, Measure, Row, Target

# In the order they are run: what is quick to tell comes first.
GROUPS = (
    "latency", "hundred", "restart", "cli", "stop", "memory", "idle", "logs", "log_search",
    "log_viewer", "objects", "sharing", "large_home", "dashboard", "peers",
)  # fmt: skip
FULL_ROUNDS = 7
QUICK_ROUNDS = 2
SMOKE_DIVISOR = 10
SMOKE_INSTANCES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How thoroughly to measure."""

    is_quick: bool = False
    # Each group once, as small as it still runs: what the test suite does.
    is_smoke: bool = False

    @property
    def rounds(self) -> int:
        """How often a measurement is repeated."""
        return self.choose(full=FULL_ROUNDS, quick=QUICK_ROUNDS)

    def choose(self, full: int, quick: int) -> int:
        """Return a number of rounds, seconds or items; a tenth of `quick` for a smoke run."""
        if self.is_smoke:
            return max(1, quick // SMOKE_DIVISOR)
        return quick if self.is_quick else full

    def instances(self, count: int) -> int:
        """Return how many instances to start: a few for a smoke run, otherwise `count`."""
        return min(count, SMOKE_INSTANCES) if self.is_smoke else count


Group = Callable[[Options], Iterable[Row]]


@dataclass(slots=True)
class Report:
    """What came out of a run."""

    rows: list[Row] = field(default_factory=list[Row])
    failures: list[str] = field(default_factory=list[str])


def choose_groups(filters: Sequence[str]) -> list[str]:
    """Return the groups whose name contains one of the filters; all without a filter."""
    return [g for g in GROUPS if not filters or any(f in g for f in filters)]


def clean_environment() -> None:
    """Drop what a shell may have set that would change one side of a comparison.

    PYTHONUNBUFFERED alone makes a plain script print ten times slower.
    """
    for name in [n for n in os.environ if n.startswith(("PYTHON", "ODBCTL_", "GIT_"))]:
        del os.environ[name]


def run_groups(names: Iterable[str], options: Options) -> Report:
    """Run groups one after the other; Ctrl-C or SIGTERM ends the run, and all it started."""
    signal.signal(signal.SIGTERM, _leave)
    report = Report()
    for name in names:
        _run_group(name, options, report)
    return report


def _leave(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _run_group(name: str, options: Options, report: Report) -> None:
    started_at = time.monotonic()
    print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
    try:
        group: Group = import_module(f"benchmarks.{name}").run
        report.rows += group(options)
        word = "done"
    except Exception:  # noqa: BLE001 - a group that fails is part of the report
        report.failures.append(f"{name} failed:\n{traceback.format_exc()}")
        word = "FAILED"
    print(f"{word} in {time.monotonic() - started_at:.0f} s", file=sys.stderr, flush=True)


def machine_line() -> str:
    """Return one line about where the numbers come from."""
    system = f"{platform.system()} {platform.release()}"
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"odbctl {odbctl.__version__}, Python {platform.python_version()}, {system}, "
        f"{os.cpu_count()} cores, load {load}"
    )


def as_json(report: Report, options: Options) -> dict[str, Any]:
    """Return a report as a JSON document."""
    return {
        "kind": "benchmarks",
        "version": 1,
        "machine": machine_line(),
        "at": time.time(),
        "is_quick": options.is_quick or options.is_smoke,
        "rows": [{**asdict(r), "ratio": r.ratio, "verdict": r.verdict} for r in report.rows],
        "failures": report.failures,
    }


def format_table(rows: Sequence[Row]) -> str:
    """Return rows as aligned plain text, their notes below."""
    head = ("what", "ours", "spread", "reference", "spread", "ratio", "target", "verdict")
    cells = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    lines = [_align(line, widths) for line in cells]
    notes = [f"{row.name}: {row.note}" for row in rows if row.note]
    rule = "-" * len(lines[0])
    return "\n".join([lines[0], rule, *lines[1:], "", *_references(rows), "", *notes])


def _references(rows: Sequence[Row]) -> list[str]:
    """Say what the references are, each once."""
    names: dict[str, list[str]] = {}
    for row in rows:
        if row.against:
            names.setdefault(row.against, []).append(row.name)
    return [f"{', '.join(group)}: against {against}" for against, group in names.items()]


def _align(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Put texts to the left and numbers to the right."""
    first, *middle, last = zip(cells, widths, strict=True)
    numbers = [text.rjust(width) for text, width in middle]
    return "  ".join([first[0].ljust(first[1]), *numbers, last[0].ljust(last[1])])


def _cells(row: Row) -> tuple[str, ...]:
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}x"
    return (
        row.name,
        f"{_number(row.ours.value)} {row.unit}",
        _spread(row.ours),
        f"{_number(row.reference.value)} {row.unit}" if row.reference else "",
        _spread(row.reference) if row.reference else "",
        ratio,
        _target(row.target, row.unit) if row.target else "",
        row.verdict.value,
    )


def _number(value: float) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:.{digits}f}"


def _spread(figure: Figure) -> str:
    return f"{_number(figure.low)}-{_number(figure.high)} ({figure.count})"


def _target(target: Target, unit: str) -> str:
    sign = ">=" if target.is_lower_limit else "<="
    number = f"{target.limit:g}"
    return f"{sign} {number}x" if target.measure is Measure.RATIO else f"{sign} {number} {unit}"
