"""`odbctl ps` of a home with a long history, against the same of an empty home."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure, Row, Target
from benchmarks.harness import Options
from benchmarks.references import time_command
from odbctl.engine.api.engine import Engine
from odbctl.engine.model.core import Codebase, Event, Release, Service, ServiceHost, ServiceInstance
from odbctl.engine.model.states import EventLevel, InstanceState
from odbctl.paths import Home

SERVICES = 200
INSTANCES = 2_000
AT_ONCE = 10_000


def run(options: Options) -> list[Row]:
    """Make both homes, and time the command on them in turns."""
    with tempfile.TemporaryDirectory(prefix="odbctl-bench-") as text:
        large, empty = Home.at(Path(text) / "large"), Home.at(Path(text) / "empty")
        events = options.choose(full=100_000, quick=10_000)
        _fill(large, events)
        Engine.open(empty).close()
        command = [str(Path(sys.executable).parent / "odbctl"), "ps"]
        times: dict[Home, list[float]] = {large: [], empty: []}
        for _ in range(1 + options.choose(full=20, quick=4)):
            for home, found in times.items():
                environ = {**os.environ, "ODBCTL_HOME": str(home.data)}
                found.append(1000 * time_command(command, environ))
    return [
        Row(
            name="odbctl ps, large home", unit="ms", ours=Figure.of(times[large][1:]),
            reference=Figure.of(times[empty][1:]), against="odbctl ps, empty home",
            target=Target(limit=1.3),
            note=f"{SERVICES} services, {INSTANCES:,} instances that have ended, {events:,} events",
        )
    ]  # fmt: skip


def _fill(home: Home, events: int) -> None:
    now = time.time()
    with Engine.open(home) as engine:
        with engine.db.transaction():
            host = ServiceHost(name="local")
            codebase = Codebase(
                name="app", location="", ref="main", commit="0" * 40, tree="", added_at=now
            )
            for number in range(SERVICES):
                service = Service(name=f"service-{number}", created_at=now)
                service.release = release = Release(
                    service=service, number=1, codebase=codebase, module="app", class_name="App",
                    created_at=now, actor="bench",
                )  # fmt: skip
                for run_number in range(INSTANCES // SERVICES):
                    ServiceInstance(
                        name=f"service-{number}-{run_number}", service=service, release=release,
                        host=host, slot=0, created_at=now, is_current=False,
                        state=InstanceState.STOPPED, ended_at=now,
                    )  # fmt: skip
        for first in range(0, events, AT_ONCE):
            with engine.db.transaction():
                for number in range(first, min(first + AT_ONCE, events)):
                    Event(
                        at=now, level=EventLevel.INFO, service="service-1",
                        subject="service/service-1", reason="Started",
                        message=f"number {number}", actor="bench",
                    )  # fmt: skip
        engine.db.checkpoint()
