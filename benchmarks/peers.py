"""The peers, side by side with odbctl in one run: start, restart, stop, list, weight, floods.

Each is asked as its users ask it, and supervises the same child; what is compared is the
best of them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import peer_child
from benchmarks.figures import Figure, Measure, Row, Target
from benchmarks.harness import Options
from benchmarks.peer_tools import Peer, UnavailableError, available
from benchmarks.processes import cpu_seconds, pss_mb
from benchmarks.references import time_command
from benchmarks.stage import Stage, stage
from odbctl.engine.worker.identity import identify

COUNT = 100
DEAF = 10
WAIT_SECONDS = 60.0
FLOOD_MEGABYTES = 500
READY_CLASS = "ready_service:ReadyService"


class Lane:
    """What is measured of one tool; times in seconds."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.one: list[float] = []
        self.many: list[float] = []
        self.restart: list[float] = []
        self.stop: list[float] = []
        self.deaf: list[float] = []
        self.listing: list[float] = []
        self.pss_mb = 0.0
        self.idle_percent = 0.0
        self.flood_mb_per_second: list[float] = []
        self.flood_cpu_seconds = 0.0


def run(options: Options) -> list[Row]:
    """Measure each peer in turn, then odbctl."""
    lanes: list[Lane] = []
    with stage() as made:
        for peer in () if options.is_smoke else available():
            folder = made.folder / peer.name
            folder.mkdir()
            with contextlib.ExitStack() as stack:
                tool = peer(folder)
                stack.callback(tool.end)
                try:
                    lanes.append(_measure_peer(tool, made, options))
                except (TimeoutError, UnavailableError) as error:
                    print(f"without {peer.name}: {error}", file=sys.stderr)
        ours = _measure_own(made, options)
        adopted, restarts = _adopted_seconds(made, options.instances(COUNT))
    return [*_rows(ours, lanes), _adoption_row(adopted, restarts)]


def _child(made: Stage, ready: Path, *more: str) -> list[str]:
    sources, home = made.repo / "src", made.home
    script = str(Path(peer_child.__file__))
    return [
        sys.executable,
        script,
        str(sources),
        str(home.database),
        str(home.run),
        str(ready),
        *more,
    ]


class _Ready:
    """The folder in which children say that they are ready."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def clear(self) -> None:
        """Forget all."""
        shutil.rmtree(self.folder)
        self.folder.mkdir()

    def wait(self, count: int) -> float:
        """Wait until so many are ready; return when the last was, in epoch seconds."""
        _until(lambda: len(self.pids()) >= count, f"{count} children are ready")
        times = [float(path.read_text()) for path in self.folder.iterdir() if path.name[0] != "."]
        return sorted(times)[count - 1]

    def pids(self) -> list[int]:
        """Return who was ready."""
        return [int(name) for name in os.listdir(self.folder) if name.isdigit()]


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not in time: {what}")
        time.sleep(0.001)


def _is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def _measure_peer(tool: Peer, made: Stage, options: Options) -> Lane:
    lane = Lane(tool.name)
    ready = _Ready(tool.folder / "ready")
    result = tool.folder / "flooded"
    child = _child(made, ready.folder)
    script = str(Path(peer_child.__file__))
    tool.begin(
        {
            "one": (child, 1),
            "many": (child, COUNT),
            "deaf": (_child(made, ready.folder, "deaf"), DEAF),
            "flood": ([sys.executable, script, "flood", str(_megabytes(options)), str(result)], 1),
        }
    )

    def start(group: str, count: int) -> float:
        ready.clear()
        began_at = time.time()
        process = subprocess.Popen(
            tool.start_command(group), env=tool.environ(), cwd=tool.folder,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        seconds = ready.wait(count) - began_at
        process.wait()
        return seconds

    def stop(group: str) -> float:
        pids = ready.pids()
        began_at = time.monotonic()
        tool.run(tool.stop_command(group))
        _until(lambda: not any(map(_is_alive, pids)), f"{group} of {tool.name} has stopped")
        seconds = time.monotonic() - began_at
        time.sleep(0.5)  # some refuse to start what they have not seen end
        return seconds

    for _ in range(options.rounds):
        lane.one.append(start("one", 1))
        stop("one")
    start("one", 1)
    time.sleep(1.2)  # what is killed sooner has not started, for some
    for _ in range(options.choose(full=8, quick=2)):
        lane.restart.append(_kill_and_wait(ready))
        time.sleep(1.2)
    stop("one")
    for _ in range(options.choose(full=5, quick=1)):
        lane.many.append(start("many", COUNT))
        if not lane.listing:
            time.sleep(2.0)
            environ = tool.environ()
            for _ in range(options.choose(full=11, quick=2)):
                with contextlib.suppress(RuntimeError):  # some say by it that something is down
                    lane.listing.append(time_command(tool.list_command(), environ))
            lane.pss_mb = _weigh(tool.pids())
            supervisors = [pid for pid in tool.pids() if pid not in ready.pids()]
            lane.idle_percent = _idle(supervisors, options)
        lane.stop.append(stop("many"))
    for _ in range(options.choose(full=3, quick=1)):
        start("deaf", DEAF)
        lane.deaf.append(stop("deaf"))
    _flood(lane, tool, result, options)
    return lane


def _kill_and_wait(ready: _Ready) -> float:
    (victim,) = ready.pids()
    ready.clear()
    began_at = time.time()
    os.kill(victim, signal.SIGKILL)
    return ready.wait(1) - began_at


def _weigh(pids: Sequence[int]) -> float:
    found = [identity for pid in pids if (identity := identify(pid)) is not None]
    return pss_mb(found)


def _idle(pids: Sequence[int], options: Options) -> float:
    found = [identity for pid in pids if (identity := identify(pid)) is not None]
    seconds = options.choose(full=20, quick=3)
    before, began_at = cpu_seconds(found), time.monotonic()
    time.sleep(seconds)
    return (cpu_seconds(found) - before) / (time.monotonic() - began_at) * 100


def _megabytes(options: Options) -> int:
    return options.choose(full=FLOOD_MEGABYTES, quick=50)


def _flood(lane: Lane, tool: Peer, result: Path, options: Options) -> None:
    for _ in range(options.choose(full=3, quick=1)):
        result.unlink(missing_ok=True)
        before = {pid: _cpu(pid) for pid in tool.pids()}
        process = subprocess.Popen(
            tool.start_command("flood"), env=tool.environ(), cwd=tool.folder,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        _until(result.exists, "the flood is over")
        time.sleep(0.5)
        lane.flood_mb_per_second.append(_megabytes(options) / float(result.read_text()))
        used = [_cpu(p) - before.get(p, 0.0) for p in tool.pids() if not _is_flood(p)]
        lane.flood_cpu_seconds = sum(used)
        process.wait()
        tool.run(tool.stop_command("flood"))
        time.sleep(0.3)


def _is_flood(pid: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"flood" in words and b"-c" not in words


def _cpu(pid: int) -> float:
    identity = identify(pid)
    return 0.0 if identity is None else cpu_seconds([identity])


def _measure_own(made: Stage, options: Options) -> Lane:
    lane = Lane("odbctl")
    ready = _Ready(made.folder / "ready")
    config = (f"folder={ready.folder}",)
    made.create("one", READY_CLASS, config_words=config, liveness="health")
    made.create("many", READY_CLASS, config_words=config, liveness="health")
    made.create("deaf", "bench_services:StubbornService", stop_grace_seconds=1.0)

    def start(group: str, count: int) -> float:
        ready.clear()
        began_at = time.time()
        command = [made.odbctl, "service", "start", group, "--count", str(count)]
        process = subprocess.Popen(command, env=made.environ, stdout=subprocess.DEVNULL)
        seconds = ready.wait(count) - began_at
        process.wait()
        return seconds

    def stop(group: str) -> float:
        return time_command([made.odbctl, "service", "stop", group], made.environ)

    count = options.instances(COUNT)

    for _ in range(options.rounds):
        lane.one.append(start("one", 1))
        stop("one")
    start("one", 1)
    for _ in range(options.choose(full=8, quick=2)):
        lane.restart.append(_kill_and_wait(ready))
        time.sleep(0.3)
        made.reset("one")
        time.sleep(0.9)
    stop("one")
    for _ in range(options.choose(full=5, quick=1)):
        lane.many.append(start("many", count))
        if not lane.listing:
            time.sleep(2.0)
            for _ in range(options.choose(full=11, quick=2)):
                lane.listing.append(time_command([made.odbctl, "ps"], made.environ))
            supervisors = _own_supervisors(made, ready)
            lane.pss_mb = _weigh([*supervisors, *ready.pids()])
            lane.idle_percent = _idle(supervisors, options)
        lane.stop.append(stop("many"))
    for _ in range(options.choose(full=3, quick=1)):
        made.start("deaf", options.instances(DEAF))
        lane.deaf.append(stop("deaf"))
    _own_flood(lane, made, options)
    return lane


def _own_supervisors(made: Stage, ready: _Ready) -> list[int]:
    from benchmarks.processes import processes_of

    workers = set(ready.pids())
    return [p.pid for p in processes_of(made.folder) if p.pid not in workers]


def _own_flood(lane: Lane, made: Stage, options: Options) -> None:
    from odbctl.engine.api.services import start_service

    result = made.folder / "flooded"
    config = (f"count={_megabytes(options)}", f"result={result}")
    writer = "bench_services:WritingService"
    made.create(
        "flood", writer, config_words=config, log_max_size="10M", log_quota="600M", restart="never"
    )
    for _ in range(options.choose(full=3, quick=1)):
        result.unlink(missing_ok=True)
        supervisors = _own_supervisors(made, _Ready(made.folder / "ready"))
        before = {pid: _cpu(pid) for pid in supervisors}
        start_service(made.engine, "flood", count=1)
        _until(result.exists, "the flood is over")
        time.sleep(0.5)
        lane.flood_mb_per_second.append(_megabytes(options) / float(result.read_text()))
        # The spare worker that took the job has ended with it.
        staying = [pid for pid in supervisors if _is_alive(pid)]
        lane.flood_cpu_seconds = sum(_cpu(pid) - before[pid] for pid in staying)
        made.stop("flood")


def _adopted_seconds(made: Stage, count: int) -> tuple[list[float], int]:
    """Kill the manager of many instances; return how long until all is shown right."""
    from odbctl.engine.api.managers import manager_status

    made.start("many", count)
    before = sorted(seen.pid for seen in made.see_running("many"))
    seconds: list[float] = []
    for _ in range(3):
        (manager,) = [m for m in manager_status(made.engine) if m["pid"]]
        pid = manager["pid"]
        assert pid is not None  # it runs; pid 0 would be this process's own group
        os.kill(pid, signal.SIGKILL)
        _until(lambda: not any(m["pid"] for m in manager_status(made.engine)), "it is gone")
        began_at = time.monotonic()
        command = [made.odbctl, "manager", "start", "--no-keep"]
        subprocess.run(command, env=made.environ, check=True, stdout=subprocess.DEVNULL)
        made.wait_until("all are shown", lambda: len(made.running("many")) == count)
        seconds.append(time.monotonic() - began_at)
    after = sorted(seen.pid for seen in made.see_running("many"))
    made.stop("many")
    return seconds, len(set(after) - set(before))


def _adoption_row(seconds: list[float], restarts: int) -> Row:
    return Row(
        name=f"manager killed -9 -> {COUNT} adopted, shown right",
        unit="s",
        ours=Figure.of(seconds),
        target=Target(limit=1.0, measure=Measure.VALUE),
        note=f"{restarts} services were restarted",
    )


def _rows(ours: Lane, lanes: list[Lane]) -> list[Row]:
    light = [lane for lane in lanes if lane.name in ("supervisord", "circus", "PM2")]
    return [
        _row("one command -> 1 ready", "ms", ours, lanes, lambda v: v.one, limit=1.0, scale=1000),
        _row(f"one command -> {COUNT} ready", "s", ours, lanes, lambda v: v.many, limit=1.0),
        _row(
            "the same, against Python and Node tools", "s", ours, light, lambda v: v.many, limit=0.5
        ),
        _row(
            "kill -9 -> ready again", "ms", ours, lanes, lambda v: v.restart, limit=0.2, scale=1000
        ),
        _row(f"stop of {COUNT}", "s", ours, lanes, lambda v: v.stop, limit=1.0),
        Row(
            name=f"stop of {DEAF} that ignore SIGTERM, grace 1 s",
            unit="s",
            ours=Figure.of(ours.deaf),
            reference=_best(lanes, lambda v: v.deaf),
            against=_all(lanes, lambda v: v.deaf),
            target=Target(limit=1.15, measure=Measure.VALUE),
        ),
        _row(
            f"list with {COUNT}, whole process",
            "ms",
            ours,
            lanes,
            lambda v: v.listing,
            limit=1.0,
            scale=1000,
        ),
        _row(f"PSS of {COUNT} and supervisor", "MB", ours, lanes, lambda v: [v.pss_mb], limit=0.5),
        Row(
            name="idle CPU of supervisors, health checks every 10 s",
            unit="%",
            ours=Figure.of([ours.idle_percent]),
            reference=_best(lanes, lambda v: [v.idle_percent]),
            against=_all(lanes, lambda v: [v.idle_percent]) + " (without checks)",
            target=Target(limit=0.3, measure=Measure.VALUE),
        ),
        _flood_row(ours, lanes),
        Row(
            name="CPU of supervisors in the flood",
            unit="s",
            ours=Figure.of([ours.flood_cpu_seconds]),
            reference=_best(lanes, lambda v: [v.flood_cpu_seconds]),
            against=_all(lanes, lambda v: [v.flood_cpu_seconds]),
            target=Target(limit=0.3, measure=Measure.VALUE),
        ),
    ]


def _flood_row(ours: Lane, lanes: list[Lane]) -> Row:
    floods = [Figure.of(lane.flood_mb_per_second) for lane in lanes]
    return Row(
        name="a child's flood through 10 MB rotation",
        unit="MB/s",
        ours=Figure.of(ours.flood_mb_per_second),
        reference=max(floods, key=lambda figure: figure.value, default=None),
        against=_all(lanes, lambda v: v.flood_mb_per_second),
        target=Target(limit=1.0, is_lower_limit=True),
    )


Samples = Callable[[Lane], list[float]]


def _row(
    name: str,
    unit: str,
    ours: Lane,
    lanes: list[Lane],
    samples: Samples,
    *,
    limit: float,
    scale: float = 1,
) -> Row:
    def scaled(lane: Lane) -> list[float]:
        return [value * scale for value in samples(lane)]

    return Row(
        name=name,
        unit=unit,
        ours=Figure.of(scaled(ours)),
        reference=_best(lanes, scaled),
        against=_all(lanes, scaled),
        target=Target(limit=limit),
    )


def _best(lanes: list[Lane], samples: Samples) -> Figure | None:
    """Return the best peer's figure; None when no peer could be measured."""
    found = [Figure.of(samples(lane)) for lane in lanes if samples(lane)]
    return min(found, key=lambda figure: figure.value, default=None)


def _all(lanes: list[Lane], samples: Samples) -> str:
    """Say what each peer took."""
    texts = [
        f"{lane.name} {statistics.median(values):.3g}"
        for lane in lanes
        if (values := samples(lane))
    ]
    return f"the best of {', '.join(texts)}" if texts else "no peer"
