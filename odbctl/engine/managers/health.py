"""Health checks: asking the workers of one host, and judging what they answer, or do not.

Part of the manager's loop: nothing here waits. Questions of the same period go out
together, so that the machine is woken once for all of them. The state is memory only;
a manager that begins anew asks anew.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from odbctl.engine.managers.messages import HealthReport
from odbctl.engine.managers.set_aside import clear_path
from odbctl.engine.model.plain_text import plain_text
from odbctl.engine.model.probes import Probe
from odbctl.engine.reconcile.snapshot import InstanceSnapshot, ServiceSnapshot, WorldSnapshot
from odbctl.engine.worker.control import PROBE
from odbctl.units import exact_duration

# While an instance is not ready yet it is asked more often: after 0.1 s, 0.2 s, 0.4 s …
FIRST_PAUSE_SECONDS = 0.1
# What the worker adds to the time-out of a probe, on its way.
SLACK_SECONDS = 0.5
# A probe that goes on failing for another reason says so, but no oftener than this.
TEXT_PAUSE_SECONDS = 1.0
# Answers to many questions come within so long; then they are read at once.
GATHER_SECONDS = 0.03
PIPE_BYTES = 1 << 20
RETRY_SECONDS = 1.0
MAX_ANSWER_BYTES = 4096  # PIPE_BUF: a worker writes no longer line
MAX_TEXT_CHARS = 200

# Takes an instance and a message; returns whether somebody was there to take it.
Ask = Callable[[int, bytes], bool]


class Answer(NamedTuple):
    """What a worker says of one probe."""

    instance: int
    number: int
    is_well: bool
    text: str


def parse_answer(line: bytes) -> Answer | None:
    """Return an answer, or None when a line is none: any process may write to the pipe."""
    try:
        found: Any = json.loads(line)
        instance, number, is_well, text = found
    except (ValueError, TypeError, RecursionError):
        return None
    if type(instance) is not int or type(number) is not int or type(is_well) is not bool:
        return None
    return Answer(instance, number, is_well, plain_text(text, max_chars=MAX_TEXT_CHARS))


class _Key(NamedTuple):
    instance: int
    is_liveness: bool


class _Watch:
    """One probe of one instance."""

    __slots__ = (
        "due_at",
        "expires_at",
        "failures",
        "number",
        "pause",
        "probe",
        "text",
        "text_due_at",
        "told",
    )

    def __init__(self, probe: Probe, due_at: float, told: bool | None) -> None:
        self.probe = probe
        self.due_at = due_at
        self.expires_at: float | None = None  # of the question that is not answered
        self.number = 0
        self.failures = 0
        self.pause = FIRST_PAUSE_SECONDS
        self.told = told  # what was reported last, and in which words
        self.text = ""
        self.text_due_at = 0.0


class HealthChecks:
    """The probes of one host's instances. Times are monotonic."""

    def __init__(
        self, fifo: Path, ask: Ask, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fifo = str(fifo)
        self._ask = ask
        self._clock = clock
        self._watches: dict[_Key, _Watch] = {}
        self._descriptor = -1
        self._rest = b""
        self._gather_at: float | None = None

    def open(self) -> None:
        """Make the pipe that answers come by."""
        clear_path(Path(self._fifo))
        os.mkfifo(self._fifo, 0o600)
        # Open for writing too: without a writer the pipe would be at its end for ever.
        self._descriptor = os.open(self._fifo, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        with contextlib.suppress(ImportError, OSError, AttributeError):
            import fcntl

            fcntl.fcntl(self._descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def close(self) -> None:
        """Remove the pipe. Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._fifo)

    def follow(self, world: WorldSnapshot) -> None:
        """Watch the instances of this host that run and have probes, and no others."""
        found: set[_Key] = set()
        for service in world.services:
            if service.readiness is None and service.liveness is None:
                continue
            for instance in service.instances:
                if instance.host == world.own_host and instance.is_running:
                    found.update(self._follow(service, instance))
        for key in self._watches.keys() - found:
            del self._watches[key]

    def _follow(self, service: ServiceSnapshot, instance: InstanceSnapshot) -> Iterator[_Key]:
        now = self._clock()
        for probe, is_liveness in ((service.readiness, False), (service.liveness, True)):
            if probe is None or (is_liveness and instance.unhealthy_at is not None):
                continue
            key = _Key(instance.id, is_liveness)
            watch = self._watches.get(key)
            if watch is None or watch.probe != probe:
                # How long it has run counts, not since when we know of it.
                ran = max(0.0, time.time() - (instance.running_at or 0.0))
                grace = max(0.0, service.start_grace_seconds - ran) if is_liveness else 0.0
                told = True if is_liveness else instance.readiness
                self._watches[key] = _Watch(probe, _aligned(now + grace, probe), told)
                if not is_liveness and told is not True:
                    self._watches[key].due_at = now
            yield key

    def due_seconds(self) -> float | None:
        """Return in how long there is something to do; None if never."""
        times = [w.due_at if w.expires_at is None else w.expires_at for w in self._watches.values()]
        if self._gather_at is not None:
            times.append(self._gather_at)
        return max(0.0, min(times) - self._clock()) if times else None

    def step(self) -> list[HealthReport]:
        """Read answers, note what is overdue, ask what is due; return what has changed."""
        now = self._clock()
        reports: list[HealthReport] = []
        if self._gather_at is not None and now >= self._gather_at:
            self._gather_at = None
            reports += self._hear(now)
        for key, watch in self._watches.items():
            if watch.expires_at is not None and watch.expires_at <= now:
                text = f"no answer within {exact_duration(watch.probe.timeout_seconds)}"
                reports += self._judge(key, watch, is_well=False, text=text, is_silent=True)
        for key, watch in self._watches.items():
            if watch.expires_at is None and watch.due_at <= now:
                self._question(key, watch, now)
        return reports

    def _question(self, key: _Key, watch: _Watch, now: float) -> None:
        probe = watch.probe
        watch.number += 1
        number = watch.number * 2 + key.is_liveness
        fields = [number, probe.kind.value, probe.target, probe.timeout_seconds, self._fifo]
        try:
            self._ask(key.instance, PROBE + json.dumps(fields).encode())
        except OSError:  # no descriptor is left here: that says nothing about the worker
            watch.due_at = now + RETRY_SECONDS
            return
        watch.expires_at = now + probe.timeout_seconds + SLACK_SECONDS
        if not key.is_liveness and watch.told is not True:
            watch.due_at = now + min(watch.pause, probe.period_seconds)
            watch.pause *= 2
        else:
            watch.due_at = _aligned(now, probe)
        if self._gather_at is None:
            self._gather_at = now + GATHER_SECONDS

    def _hear(self, now: float) -> Iterable[HealthReport]:
        data = b""
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._descriptor, PIPE_BYTES)
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-MAX_ANSWER_BYTES:]
        for answer in map(parse_answer, lines):
            if answer is None:
                continue
            key = _Key(answer.instance, bool(answer.number % 2))
            watch = self._watches.get(key)
            is_expected = watch is not None and watch.expires_at is not None
            if watch is not None and is_expected and watch.number == answer.number // 2:
                yield from self._judge(
                    key, watch, is_well=answer.is_well, text=answer.text, is_silent=False
                )
        if any(w.expires_at is not None for w in self._watches.values()):
            self._gather_at = now + GATHER_SECONDS * (1 if lines else 3)

    def _judge(
        self, key: _Key, watch: _Watch, *, is_well: bool, text: str, is_silent: bool
    ) -> Iterator[HealthReport]:
        watch.expires_at = None
        watch.failures = 0 if is_well else watch.failures + 1
        verdict: bool | None = None
        if is_well:
            verdict = True
        elif watch.told is not True or watch.failures >= watch.probe.failure_threshold:
            verdict = False
        if verdict is None or not self._is_news(key, watch, verdict, text):
            return
        if verdict is not watch.told:
            watch.pause = FIRST_PAUSE_SECONDS
        watch.told, watch.text = verdict, text
        watch.text_due_at = self._clock() + TEXT_PAUSE_SECONDS
        yield HealthReport(key.instance, key.is_liveness, verdict, text, is_silent, time.time())

    def _is_news(self, key: _Key, watch: _Watch, verdict: bool, text: str) -> bool:
        """Tell whether a verdict is another one, or a failing readiness has another reason."""
        if verdict is not watch.told:
            return True
        if verdict or key.is_liveness or text == watch.text:
            return False
        return self._clock() >= watch.text_due_at


def _aligned(after: float, probe: Probe) -> float:
    """Return the next time at which all probes of this period are asked."""
    period = max(probe.period_seconds, 0.01)
    return (math.floor(after / period) + 1) * period
