"""Services that the benchmarks run, and the loops that are compared with them.

Copied into the codebase of each benchmark. As a script it runs a loop by
itself: `python bench_services.py print|write COUNT RESULT`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from odbctl import ServiceBase, StopSignal

LINE = "x" * 99
_BLOCK_LINES = 640  # about 64 kB, what tools like cat write at once


def print_lines(count: int, result: Path) -> None:
    """Print lines of 100 bytes and write down how long that took, in seconds."""
    line = LINE
    started_at = time.perf_counter()
    for _ in range(count):
        print(line)
    sys.stdout.flush()
    _write_result(result, time.perf_counter() - started_at)


def write_megabytes(count: int, result: Path) -> None:
    """Write to descriptor 1 in large blocks and write down how long that took."""
    block = f"{LINE}\n".encode() * _BLOCK_LINES
    rest = count * 1_000_000
    started_at = time.perf_counter()
    while rest > 0:
        rest -= os.write(1, block[:rest])
    _write_result(result, time.perf_counter() - started_at)


def _write_result(result: Path, seconds: float) -> None:
    result.write_text(repr(seconds))


@dataclass(frozen=True)
class LoopConfig:
    """How often, and where to write how long it took."""

    count: int = 0
    result: str = ""


class PrintingService(ServiceBase):
    """Print `count` lines, then end."""

    Config = LoopConfig
    config: LoopConfig

    def do_work(self, should_stop: StopSignal) -> None:
        del should_stop
        print_lines(self.config.count, Path(self.config.result))


class WritingService(ServiceBase):
    """Have a child process write `count` MB to the standard output that it inherits."""

    Config = LoopConfig
    config: LoopConfig

    def do_work(self, should_stop: StopSignal) -> None:
        del should_stop
        words = [__file__, "write", str(self.config.count), self.config.result]
        subprocess.run([sys.executable, *words], check=True)


class StubbornService(ServiceBase):
    """Ignore every request to stop."""

    def initialize(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def do_work(self, should_stop: StopSignal) -> None:
        del should_stop
        while True:
            signal.pause()


if __name__ == "__main__":
    _loop, _count, _result = sys.argv[1:]
    {"print": print_lines, "write": write_megabytes}[_loop](int(_count), Path(_result))
