"""The dashboard: first paint, change to screen, key to screen, and what a busy home costs.

Every figure is of a process of its own, headless at 200x60, over a real home of
500 services; the services are changed by another process. References are Textual
itself with an empty app, and the same dashboard over the same home at rest.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Measure, Row, Target
from benchmarks.harness import Options
from odbctl.engine.api.engine import Engine
from odbctl.engine.model.core import Codebase, Release, Service, ServiceHost, ServiceInstance
from odbctl.engine.model.states import HostState, InstanceState
from odbctl.engine.worker.identity import identify
from odbctl.paths import Home

SERVICES = 500
SIZE = (200, 60)
TIMEOUT_SECONDS = 60.0
QUANTILE = 0.95


def run(options: Options) -> list[Row]:
    """Make a home, and measure each figure in processes of its own."""
    with tempfile.TemporaryDirectory(prefix="odbctl-bench-") as text:
        home = Home.at(Path(text) / "h")
        fill(home)
        return [
            *_first_paint(home, options),
            *_latencies(home, options),
            _load(home, options),
        ]


def fill(home: Home) -> None:
    """Write 500 services of one running instance; this process is their manager and worker."""
    me = identify()
    assert me is not None
    now = time.time()
    with Engine.open(home) as engine, engine.db.transaction():
        host = ServiceHost(
            name="local", state=HostState.UP, manager_pid=me.pid,
            manager_start_ticks=me.start_ticks, boot_id=me.boot_id,
        )  # fmt: skip
        codebase = Codebase(
            name="app", location="", ref="main", commit="0" * 40, tree="", added_at=now
        )
        for number in range(SERVICES):
            # Ages of days do not change while it is measured.
            name, then = f"service-{number:03}", now - 5e5
            service = Service(name=name, created_at=then, desired_count=1)
            service.release = release = Release(
                service=service, number=1, codebase=codebase, module="app", class_name="App",
                created_at=then, actor="bench",
            )  # fmt: skip
            ServiceInstance(
                name=f"{name}-1", service=service, release=release, host=host, slot=0,
                created_at=then, running_at=then, state=InstanceState.RUNNING, pid=me.pid,
                boot_id=me.boot_id, start_ticks=me.start_ticks,
            )  # fmt: skip


def _first_paint(home: Home, options: Options) -> list[Row]:
    seconds: dict[str, list[float]] = {"empty": [], "frame": [], "services": []}
    for _ in range(options.choose(full=9, quick=2)):
        for name, found in seconds.items():
            found.append(1000 * float(_output("benchmarks.first_paint", home, name)))
    reference = Figure.of(seconds["empty"])
    return [
        Row(
            name="dashboard, first paint", unit="ms", ours=Figure.of(seconds["frame"]),
            reference=reference, against="import textual, paint an empty app",
            target=Target(limit=2.5), note="from the start of the process to the first frame",
        ),
        Row(
            name=f"the same, with {SERVICES} services in it", unit="ms",
            ours=Figure.of(seconds["services"]), reference=reference,
            against="the same empty app",
        ),
    ]  # fmt: skip


def _latencies(home: Home, options: Options) -> list[Row]:
    found = _child("latencies", home, str(options.choose(full=100, quick=20)))
    return [
        Row(
            name="dashboard, commit to screen, p95", unit="ms",
            ours=Figure.of(found["changes"], quantile=QUANTILE),
            target=Target(limit=100.0, measure=Measure.VALUE),
            note=f"{SERVICES} instances, one changed by another process",
        ),
        Row(
            name="dashboard, key to screen, p95", unit="ms",
            ours=Figure.of(found["keys"], quantile=QUANTILE),
            target=Target(limit=50.0, measure=Measure.VALUE),
            note=f"while {SERVICES} services change once a second",
        ),
    ]  # fmt: skip


def _load(home: Home, options: Options) -> Row:
    seconds = str(options.choose(full=10, quick=3))
    rounds = options.choose(full=3, quick=1)
    idle = [_child("load", home, seconds)["percent"] for _ in range(rounds)]
    busy = [_child("load", home, seconds, "busy")["percent"] for _ in range(rounds)]
    over = [b - i for b, i in zip(sorted(busy), sorted(idle), strict=True)]
    return Row(
        name=f"dashboard, {SERVICES} services changing at 1 Hz", unit="%",
        ours=Figure.of(over), target=Target(limit=6.0, measure=Measure.VALUE),
        note=f"of a core, above the same at rest ({Figure.of(idle).value:.1f} %)",
    )  # fmt: skip


def _child(name: str, home: Home, *words: str) -> dict[str, Any]:
    """Run one of the functions below in a process of its own."""
    answer: dict[str, Any] = json.loads(_output("benchmarks.dashboard", home, name, *words))
    return answer


def _output(module: str, home: Home, *words: str) -> str:
    """Run a module in a process of its own; return the last line that it prints."""
    environ = {**os.environ, "ODBCTL_HOME": str(home.data), "BENCH_BEGAN_AT": repr(time.time())}
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        env=environ,
        check=True,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS * 3,
    )
    return done.stdout.splitlines()[-1]


def _writer(home: Home, work: str) -> subprocess.Popen[str]:
    """Start a process that does work on the services at each line that it is sent."""
    script = (
        "import sys, time\n"
        "from odbctl.engine.api.engine import Engine\n"
        "from odbctl.engine.model.core import Service, ServiceInstance\n"
        "from odbctl.paths import Home\n"
        "with Engine.open(Home.default()) as engine:\n"
        "    for line in sys.stdin:\n"
        "        with engine.db.transaction():\n"
        f"            {work}\n"
        "        print(time.time(), flush=True)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "ODBCTL_HOME": str(home.data)},
    )  # fmt: skip


CHANGE_ONE = "Service.lookup_unique(name='service-001').restarts = int(line)"
CHANGE_ALL = "[setattr(each, 'restarts', int(line)) for each in Service.lookup_all()]"


async def _until(condition: Callable[[], object]) -> float:
    """Wait until a condition holds, and return when it was seen to."""
    deadline = time.time() + TIMEOUT_SECONDS
    while not condition():
        if time.time() > deadline:
            raise TimeoutError("the dashboard does not show it")
        await asyncio.sleep(0.001)
    return time.time()


async def _send(writer: subprocess.Popen[str], number: int) -> float:
    """Have the writer commit, and return when it had."""
    assert writer.stdin is not None
    assert writer.stdout is not None
    writer.stdin.write(f"{number}\n")
    writer.stdin.flush()
    return float(await asyncio.to_thread(writer.stdout.readline))


def latencies(count: str) -> dict[str, Any]:
    """Measure from a commit, and from a key, until the line has been drawn."""
    from odbctl.tui.opening import Options, make_app
    from odbctl.tui.screens.services import ServicesScreen

    changes: list[float] = []
    keys: list[float] = []

    async def measure() -> None:
        home = Home.default()
        app = make_app(home, Options())
        async with app.run_test(size=SIZE):
            await _until(lambda: isinstance(app.screen, ServicesScreen))
            screen = app.screen
            assert isinstance(screen, ServicesScreen)
            table = screen.table
            await _until(lambda: len(table.rows) == SERVICES)
            with _writer(home, CHANGE_ONE) as writer:
                for number in range(1, int(count) + 1):
                    await asyncio.sleep(0.05 + 0.013 * (number % 10))
                    committed_at = await _send(writer, number)
                    seen_at = await _until(lambda number=number: _is_drawn(table, 1, str(number)))  # type: ignore[misc]
                    changes.append(1000 * max(seen_at - committed_at, 0.0))
                assert writer.stdin is not None
                writer.stdin.close()
            with _writer(home, CHANGE_ALL) as writer:
                sending = asyncio.create_task(_send_often(writer))
                for number in range(int(count)):
                    await asyncio.sleep(0.05 + 0.017 * (number % 10))
                    before = table.cursor_key
                    pressed_at = time.time()
                    app.simulate_key("j" if number % 20 < 10 else "k")
                    seen_at = await _until(lambda before=before: _has_moved(table, before))  # type: ignore[misc]
                    keys.append(1000 * (seen_at - pressed_at))
                sending.cancel()
                assert writer.stdin is not None
                writer.stdin.close()

    asyncio.run(measure())
    return {"changes": changes, "keys": keys}


async def _send_often(writer: subprocess.Popen[str]) -> None:
    for number in range(1_000_000):
        await _send(writer, number)
        await asyncio.sleep(1.0)


def _is_drawn(table: Any, index: int, text: str) -> bool:
    """Tell whether the line of a row was drawn with a text in it."""
    line = table.painted_line(1 + index)
    return line is not None and any(cell.text == text for cell in line.cells)


def _has_moved(table: Any, before: str | None) -> bool:
    line = table.painted_line(1 + table.cursor_index)
    return table.cursor_key != before and line is not None and line.is_cursor


def load(seconds: str, kind: str = "idle") -> dict[str, Any]:
    """Measure what the dashboard uses, while nothing or everything changes."""
    from odbctl.tui.opening import Options, make_app

    percents: list[float] = []

    async def measure() -> None:
        home = Home.default()
        app = make_app(home, Options())
        async with app.run_test(size=SIZE):
            await _until(lambda: app.state.snapshot and app.state.snapshot.services)
            with _writer(home, CHANGE_ALL) as writer:
                sending = None
                if kind == "busy":
                    sending = asyncio.create_task(_send_often(writer))
                await asyncio.sleep(min(3.0, float(seconds)))
                used, began_at = time.process_time(), time.monotonic()
                await asyncio.sleep(float(seconds))
                used = time.process_time() - used
                percents.append(100 * used / (time.monotonic() - began_at))
                if sending is not None:
                    sending.cancel()
                assert writer.stdin is not None
                writer.stdin.close()

    asyncio.run(measure())
    return {"percent": percents[0]}


_CHILDREN: dict[str, Callable[..., dict[str, Any]]] = {
    "latencies": latencies,
    "load": load,
}

if __name__ == "__main__":
    print(json.dumps(_CHILDREN[sys.argv[1]](*sys.argv[2:])))
