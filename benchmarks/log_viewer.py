"""The log viewer: two million lines opened, paged and searched; four writers followed.

`ODBCTL_BENCH_FOLLOW_SECONDS` says how long it follows; by default a few seconds.
"""

from __future__ import annotations

import asyncio
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from textual.app import App

from benchmarks.figures import Figure, Measure, Row, Target
from benchmarks.harness import Options
from odbctl.engine.api.log_pages import LogPages, Position
from odbctl.tui.logs.screen import LogScreen
from odbctl.tui.logs.source import LogRequest

SERVICE = "talker"
WRITERS = 4
LINES_A_SECOND = 10_000
PAGE_LINES = 60
WARM_UP_SECONDS = 2.0
_WRITER = """
import sys, time
from odbctl.engine.telemetry.log_files import LogFiles
from odbctl.engine.telemetry.log_writer import LogWriter
writer = LogWriter(LogFiles.of(sys.argv[1], sys.argv[2], sys.argv[3]))
writer.open()
pace, until = float(sys.argv[4]), time.time() + float(sys.argv[5])
began_at, count = time.time(), 0
while (now := time.time()) < until:
    while count < (now - began_at) * pace:
        print(f"request {count} said at {time.time():.6f} took some time", file=writer.stdout)
        count += 1
    time.sleep(0.01)
print("written", count, file=writer.stdout)
writer.close()
"""


def run(options: Options) -> list[Row]:
    """Measure the pages of a long log, then follow one that grows."""
    count = options.choose(full=2_000_000, quick=200_000)
    with tempfile.TemporaryDirectory() as folder:
        rows = _page(Path(folder), count, options.rounds)
    seconds = float(os.environ.get("ODBCTL_BENCH_FOLLOW_SECONDS", options.choose(20, 5)))
    with tempfile.TemporaryDirectory() as folder:
        return [*rows, *_follow(Path(folder), seconds)]


def _page(folder: Path, count: int, rounds: int) -> list[Row]:
    size = _write(folder, count)
    what = f"{count:,} lines, {size / 1e6:.0f} MB"
    opened = [_seconds(lambda: _open_at_end(folder)) for _ in range(rounds)]
    with LogPages(folder, SERVICE) as pages:
        pages.refresh()
        needle, absent = re.compile("needle"), re.compile("no such text")
        caseless = re.compile("no such text", re.IGNORECASE)
        begin = Position()
        found = [_seconds(lambda: pages.find(begin, needle)) for _ in range(rounds)]
        missed = [_seconds(lambda: pages.find(begin, absent)) for _ in range(rounds)]
        ignored = [_seconds(lambda: pages.find(begin, caseless)) for _ in range(rounds)]
        counted = [
            _seconds(lambda: pages.counter(needle).advance(lambda: False)) for _ in range(rounds)
        ]
        turned = [_turn(pages, at) for at in range(0, count, count // 50)]
    return [
        _row(f"open at the end, {what}", opened, 0.5),
        _row("find a text in the middle of it", found, 0.5),
        _row("look through all of it for a text", missed, 0.5),
        _row("look through all of it in any case", ignored, 0.5),
        _row("count the lines that have a text", counted, 0.5),
        _row("go to a time, a page on, two back", turned, 0.02),
    ]


def _at_most(limit: float) -> Target:
    return Target(limit=limit, measure=Measure.VALUE)


def _row(name: str, seconds: list[float], limit: float) -> Row:
    return Row(name=name, unit="s", ours=Figure.of(seconds), target=_at_most(limit))


def _write(folder: Path, count: int) -> int:
    """Write as a worker does, a thousand lines a second, without waiting for them."""
    path = folder / SERVICE / f"{SERVICE}-1.log"
    path.parent.mkdir()
    with path.open("w") as file:
        for second in range(count // 1000):
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1.79e9 + second))
            needle = " needle" if second == count // 2000 else ""
            file.writelines(
                f"{stamp}.{n:03}Z INFO stdout request {second * 1000 + n} for /api/v1/users/{n} "
                f"took {n % 313} ms and returned status=200{needle}\n"
                for n in range(1000)
            )
    return path.stat().st_size


def _open_at_end(folder: Path) -> None:
    with LogPages(folder, SERVICE) as pages:
        assert len(pages.backward(pages.end, PAGE_LINES)) == PAGE_LINES


def _turn(pages: LogPages, at: int) -> float:
    began_at = time.perf_counter()
    position = pages.at_time(1.79e9 + at / 1000)
    page = pages.forward(position, PAGE_LINES)
    assert page
    after = position
    for line in page:
        after = after.after(line)
    pages.forward(after, PAGE_LINES)
    pages.backward(position, 2 * PAGE_LINES)
    return time.perf_counter() - began_at


def _seconds(action: Callable[[], object]) -> float:
    began_at = time.perf_counter()
    action()
    return time.perf_counter() - began_at


class _Watcher(App[None]):
    """Shows the log full screen; remembers how late the newest line on the screen was."""

    def __init__(
        self, folder: Path, writers: list[subprocess.Popen[bytes]], seconds: float
    ) -> None:
        super().__init__()
        instances = [f"{SERVICE}-{n}" for n in range(WRITERS)]
        self._screen = LogScreen(
            lambda _: LogPages(folder, SERVICE, instances=instances), LogRequest(service=SERVICE)
        )
        self._writers = writers
        self._seconds = seconds
        self.lateness: list[float] = []
        self.used_seconds = self.took_seconds = self.grown_mb = 0.0

    def on_mount(self) -> None:
        self.push_screen(self._screen)
        self.run_worker(self._watch())

    async def _watch(self) -> None:
        await asyncio.sleep(min(WARM_UP_SECONDS, self._seconds / 4))
        used, began_at, rss = time.process_time(), time.monotonic(), _rss_mb()
        while any(writer.poll() is None for writer in self._writers):
            await asyncio.sleep(0.05)
            self._look()
            self.grown_mb = max(self.grown_mb, _rss_mb() - rss)
        self.used_seconds = time.process_time() - used
        self.took_seconds = time.monotonic() - began_at
        self.exit()

    def _look(self) -> None:
        lines = self._screen.panel.view.frame.lines
        text = "".join(run.text for run in lines[-1]) if lines else ""
        if (found := re.search(r"said at (\d+\.\d+)", text)) is not None:
            self.lateness.append(time.time() - float(found[1]))
        del self.lateness[:-2000]


def _follow(folder: Path, seconds: float) -> list[Row]:
    (folder / SERVICE).mkdir()
    words = [str(LINES_A_SECOND / WRITERS), str(seconds)]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(folder), SERVICE, f"{SERVICE}-{n}", *words]
        )
        for n in range(WRITERS)
    ]
    watcher = _Watcher(folder, writers, seconds)
    asyncio.run(watcher.run_async(headless=True, size=(200, PAGE_LINES)))
    share = 100 * watcher.used_seconds / watcher.took_seconds
    name = f"follow {WRITERS} instances, {LINES_A_SECOND:,} lines a second together, "
    rows = [
        Row(
            name=f"{name}{seconds:.0f} s: of a core",
            unit="%",
            ours=Figure.of([share]),
            target=_at_most(35),
            note=f"reading and drawing at 200x{PAGE_LINES}, without a terminal",
        ),
        Row(
            name="memory grown while following",
            unit="MB",
            ours=Figure.of([watcher.grown_mb]),
            target=_at_most(5),
            note=f"most ever: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB",
        ),
    ]
    if watcher.lateness:  # a smoke run may end before the first line is drawn
        rows.append(
            Row(
                name="the newest line on the screen is so old (99 of 100)",
                unit="s",
                ours=Figure.of(watcher.lateness, quantile=0.99),
                target=_at_most(0.5),
            )
        )
    return rows


def _rss_mb() -> float:
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20
