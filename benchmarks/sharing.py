"""The object database between processes: four writers, eight listeners, a reactor."""

from __future__ import annotations

import os
import random
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Measure, Row, Target
from benchmarks.harness import Options
from benchmarks.object_store import KEYS, Account, ByHand, Entry, Ours, Queued
from odbctl import Reactor

PROCESSES = 4
LISTENERS = 8


def run(options: Options) -> Iterator[Row]:
    """Measure what processes cost each other."""
    rounds = options.choose(full=5, quick=1)
    yield from _four_writers(rounds, options.choose(full=2, quick=1))
    yield _idle_listeners(rounds, options.choose(full=4000, quick=1000))
    yield from _reactor_latency(options.choose(full=600, quick=100))
    yield _idle_listener(options.choose(full=20, quick=4))


class Child:
    """A forked process that tells what its function returns."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._reading, writing = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            try:
                os.write(writing, repr(work()).encode())
            except BaseException:  # noqa: BLE001 - the boundary of a process
                traceback.print_exc()
            os._exit(0)
        os.close(writing)

    def result(self) -> Any:
        """Wait for what it returns: numbers, in lists and tuples."""
        parts: list[bytes] = []
        while part := os.read(self._reading, 65536):
            parts.append(part)
        os.close(self._reading)
        os.waitpid(self.pid, 0)
        return eval(b"".join(parts), {})  # noqa: S307 - our own child's numbers


def _total(make: Any, folder: Path, *, is_new: bool = False) -> int:
    """Add all balances up, in a store that is made if it is new."""
    return int(make(folder, fill=is_new).total())


def _write_for(update: Callable[[int], None], begin: float, seconds: float) -> tuple[int, float]:
    """Update random accounts for a while; return how many, and the longest it took."""
    rng = random.Random(os.getpid())
    time.sleep(max(0.0, begin - time.monotonic()))
    count, longest, now, end = 0, 0.0, time.monotonic(), begin + seconds
    while now < end:
        update(rng.randrange(KEYS))
        after = time.monotonic()
        count, longest, now = count + 1, max(longest, after - now), after
    return count, longest


def _four_writers(rounds: int, seconds: int) -> Iterator[Row]:
    makers: dict[str, Any] = {"raw": ByHand, "queued": Queued, "ours": Ours}
    totals: dict[str, list[float]] = {name: [] for name in makers}
    fairness: dict[str, list[float]] = {name: [] for name in makers}
    longest: dict[str, list[float]] = {name: [] for name in makers}
    for _ in range(rounds):
        for name, make in makers.items():
            with tempfile.TemporaryDirectory(prefix="odbctl-bench-") as text:
                folder = Path(text)
                # Made and closed in a child, so that nothing of it is inherited.
                Child(partial(_total, make, folder, is_new=True)).result()
                begin = time.monotonic() + 0.5

                def write(make: Any = make, folder: Path = folder, begin: float = begin) -> Any:
                    return _write_for(make(folder, fill=False).update, begin, seconds)

                told = [child.result() for child in [Child(write) for _ in range(PROCESSES)]]
                counts = [count for count, _ in told]
                total = Child(partial(_total, make, folder)).result()
                if total != sum(counts):
                    raise AssertionError(f"{sum(counts)} updates were made, {total} are there")
                totals[name].append(sum(counts) / seconds)
                fairness[name].append(min(counts) / max(counts))
                longest[name].append(1000 * max(each for _, each in told))
    yield Row(
        name=f"{PROCESSES} processes, together", unit="/s", ours=Figure.of(totals["ours"]),
        reference=Figure.of(totals["raw"]),
        against=f"raw sqlite3 with {PROCESSES}; it lets one go on and the others wait",
        note=f"information: raw lets them wait up to {max(longest['raw']):,.0f} ms",
    )  # fmt: skip
    against = f"raw sqlite3 with {PROCESSES}, each transaction behind the same fair lock as ours"
    yield Row(
        name=f"{PROCESSES} processes, in turn", unit="/s", ours=Figure.of(totals["ours"]),
        reference=Figure.of(totals["queued"]), against=against,
        target=Target(limit=0.55, is_lower_limit=True),
    )  # fmt: skip
    yield Row(
        name="slowest / fastest of them", unit="", ours=Figure.of(fairness["ours"]),
        reference=Figure.of(fairness["queued"]), against=against,
        target=Target(limit=0.7, measure=Measure.VALUE, is_lower_limit=True),
    )  # fmt: skip
    yield Row(
        name="longest wait of them", unit="ms", ours=Figure.of(longest["ours"]),
        reference=Figure.of(longest["queued"]), against=against,
        target=Target(limit=60.0, measure=Measure.VALUE),
        note="no error and no lost update: the balances add up, or the group fails",
    )  # fmt: skip


def _listen_until_told(folder: Path, reading: int) -> None:
    """Run a reactor that watches something else, until a pipe closes."""
    ours = Ours(folder, fill=False)

    def look() -> None:
        with ours.database.view():
            Entry.lookup_count(group=1)

    with Reactor(ours.database, look):
        os.read(reading, 1)


def _idle_listeners(rounds: int, count: int) -> Row:
    rates: dict[int, list[float]] = {0: [], LISTENERS: []}
    for _ in range(rounds):
        for listeners, found in rates.items():
            with tempfile.TemporaryDirectory(prefix="odbctl-bench-") as text:
                folder = Path(text)
                Child(partial(_total, Ours, folder, is_new=True)).result()
                reading, writing = os.pipe()

                def listen(
                    folder: Path = folder, reading: int = reading, writing: int = writing
                ) -> None:
                    os.close(writing)
                    _listen_until_told(folder, reading)

                children = [Child(listen) for _ in range(listeners)]
                time.sleep(0.5)
                rate = Child(partial(_commit_rate, folder, count)).result()
                found.append(rate)
                os.close(writing)
                for child in children:
                    child.result()
                os.close(reading)
    return Row(
        name=f"commits with {LISTENERS} idle listeners", unit="/s",
        ours=Figure.of(rates[LISTENERS]), reference=Figure.of(rates[0]),
        against="the same without listeners", target=Target(limit=0.6, is_lower_limit=True),
    )  # fmt: skip


def _commit_rate(folder: Path, count: int) -> float:
    ours = Ours(folder, fill=False)
    for key in range(200):
        ours.update(key)
    began = time.monotonic()
    for number in range(count):
        ours.update(number % KEYS)
    return count / (time.monotonic() - began)


def _reactor_latency(count: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="odbctl-bench-") as text:
        folder = Path(text)
        Child(partial(_total, Ours, folder, is_new=True)).result()
        watcher = Child(lambda: _watch(folder, count))
        time.sleep(0.5)
        before, after = Child(lambda: _commit_paced(folder, count)).result()
        seen = dict(watcher.result())
    waits = [1000 * (seen[n] - before[n - 1]) for n in range(1, count + 1) if n in seen]
    returned = [1000 * (seen[n] - after[n - 1]) for n in range(1, count + 1) if n in seen]
    note = (
        f"from before the commit call; from its return p50 {Figure.of(returned).value:.2f} ms;"
        f" {len(waits)} of {count} commits had a run of their own"
    )
    yield Row(
        name="commit to reactor elsewhere, p50", unit="ms", ours=Figure.of(waits),
        target=Target(limit=0.5, measure=Measure.VALUE), note=note,
    )  # fmt: skip
    yield Row(
        name="commit to reactor elsewhere, p99", unit="ms",
        ours=Figure.of(waits, quantile=0.99), target=Target(limit=5.0, measure=Measure.VALUE),
    )  # fmt: skip


def _watch(folder: Path, count: int) -> list[tuple[int, float]]:
    ours = Ours(folder, fill=False)
    seen: list[tuple[int, float]] = []

    def look() -> None:
        with ours.database.view():
            account = Account.lookup_unique(name="k0")
            seen.append((account.balance if account else 0, time.monotonic()))

    with Reactor(ours.database, look):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and (not seen or seen[-1][0] < count):
            time.sleep(0.05)
    return seen


def _commit_paced(folder: Path, count: int) -> tuple[list[float], list[float]]:
    ours = Ours(folder, fill=False)
    before: list[float] = []
    after: list[float] = []
    for _ in range(count):
        time.sleep(0.005)
        before.append(time.monotonic())
        ours.update(0)
        after.append(time.monotonic())
    return before, after


def _idle_listener(seconds: int) -> Row:
    with tempfile.TemporaryDirectory(prefix="odbctl-bench-") as text:
        folder = Path(text)
        Child(partial(_total, Ours, folder, is_new=True)).result()
        reading, writing = os.pipe()

        def listen() -> float:
            os.close(writing)
            ours = Ours(folder, fill=False)

            def look() -> None:
                with ours.database.view():
                    Entry.lookup_count(group=1)

            with Reactor(ours.database, look):
                time.sleep(1)
                began = time.process_time()
                os.read(reading, 1)
                return time.process_time() - began

        child = Child(listen)
        time.sleep(1 + seconds)
        os.close(writing)
        used = child.result()
        os.close(reading)
    return Row(
        name="idle listener", unit="%", ours=Figure.of([100 * used / seconds]),
        target=Target(limit=0.1, measure=Measure.VALUE),
    )  # fmt: skip
