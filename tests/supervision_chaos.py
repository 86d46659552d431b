"""Faults, drawn at random from a seed, and what must hold whatever they are.

Works on a `World` in which numbered services run. Each fault is over when its method
returns; `check` is called between them.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import sqlite3
import struct
import subprocess
import sys
import time
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from real_world import World, is_running, is_worker_of, kill, parent_of
from waiting import eventually

from odbctl.engine.api import instance_listing, managers, services
from odbctl.engine.api.documents import InstanceDocument
from odbctl.engine.api.events import EventFilter, find_events
from odbctl.engine.api.logs import read_logs, select_logs
from odbctl.errors import OdbctlError

SERVICE = "svc"
# Says a number, then notes that it has been said; notes its process, too.
SOURCE = """
import fcntl, time

class Svc(ServiceBase):
    def initialize(self):
        with open("pids", "a") as file:
            print(os.getpid(), file=file)

    def do_work(self, should_stop):
        said = os.open("said", os.O_RDWR | os.O_CREAT)
        number = 0
        while not should_stop.is_set():
            number += 1
            print("number", number)
            os.pwrite(said, b"%12d" % number, 0)
            if number % 5000 > 4000 or number % 7:  # a flood now and then
                continue
            should_stop.wait(0.002)
"""
LOST = re.compile(r"(\d+) lines lost: no room to write")


class Chaos:
    """A seeded run of faults over a world."""

    def __init__(self, world: World, seed: int, seen: Path, clock: Path) -> None:
        """Store what to work on.

        Args:
            world: The home.
            seed: Of all that is drawn at random.
            seen: Where the events that were watched are kept; not on the disk that is filled.
            clock: The file of `tests/shifted_clock`.
        """
        self.world = world
        self.chance = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.watching: subprocess.Popen[bytes] | None = None
        self.seen_path = seen
        self.clock_path = clock

    def begin(self) -> None:
        """Bring the services up, and watch events."""
        self.world.service(
            SOURCE,
            SERVICE,
            liveness="health",
            probe_period_seconds=0.5,
            probe_timeout_seconds=2.0,
            probe_failures=2,
            start_grace_seconds=1.0,
            log_max_size="256k",
            log_quota="4G",
        )
        self.world.manager(is_kept=True)
        with self.seen_path.open("wb") as seen:
            command = [sys.executable, "-m", "odbctl", "event", "watch", "-o", "json"]
            self.watching = subprocess.Popen([*command, "--since", "100d"], stdout=seen)
        services.start_service(self.world.engine, SERVICE, count=4)
        self.world.wait_running(SERVICE, 4)

    def step(self) -> None:
        """Do one fault, then check what must hold."""
        faults = (
            self.kill_worker,
            self.kill_worker,
            self.kill_manager,
            self.kill_launcher,
            self.kill_both,
            self.freeze_worker,
            self.freeze_manager,
            self.freeze_launcher,
            self.hold_database,
            self.fill_disk,
            self.set_clock,
            self.scale,
            self.deploy,
            self.reset,
        )
        fault = self.chance.choice(faults)
        self.done[fault.__name__] += 1
        with contextlib.suppress(ProcessLookupError, OdbctlError):
            fault()
        for _ in range(3):
            time.sleep(self.chance.uniform(0.0, 0.15))
            self.check()

    # Faults.

    def kill_worker(self) -> None:
        if running := self.living():
            kill(self.chance.choice(running)["pid"], signal.SIGKILL)

    def kill_manager(self) -> None:
        for manager in self.world.managers():
            if manager["pid"]:
                os.kill(manager["pid"], signal.SIGKILL)

    def kill_launcher(self) -> None:
        for launcher in self.launchers():
            os.kill(launcher, signal.SIGKILL)

    def kill_both(self) -> None:
        self.kill_launcher()
        self.kill_manager()
        with contextlib.suppress(OdbctlError):
            managers.ensure_manager(self.world.engine, is_kept=True)

    def freeze_worker(self) -> None:
        """Stop a worker for ever: its liveness has to find that."""
        if running := self.living():
            kill(self.chance.choice(running)["pid"], signal.SIGSTOP)

    def freeze_manager(self) -> None:
        for manager in self.world.managers():
            if manager["pid"]:
                self.freeze(manager["pid"])

    def freeze_launcher(self) -> None:
        for launcher in self.launchers():
            self.freeze(launcher)

    def freeze(self, pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        time.sleep(self.chance.uniform(0.05, 0.5))
        os.kill(pid, signal.SIGCONT)

    def hold_database(self) -> None:
        path = self.world.home.database
        with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(self.chance.uniform(0.1, 1.0))
            other.execute("ROLLBACK")

    def fill_disk(self) -> None:
        """Leave no room where the home is, for a moment; only where that is a small disk.

        A worker may be killed meanwhile: what it lost has to be counted.
        """
        data = self.world.home.data
        found = os.statvfs(data)
        if found.f_blocks * found.f_frsize > 2**30:
            return
        filler = data / "filler"
        with contextlib.suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(bytes(1 << 20))
        time.sleep(self.chance.uniform(0.05, 0.4))
        if self.chance.random() < 0.5:
            self.kill_worker()
        filler.unlink()

    def set_clock(self) -> None:
        """Set the wall clock of manager, launchers and workers, by up to an hour either way."""
        shift = self.chance.choice([0.0, self.chance.uniform(-3600, 3600)])
        with self.clock_path.open("r+b") as file:
            file.write(struct.pack("d", shift))

    def scale(self) -> None:
        services.scale_service(self.world.engine, SERVICE, self.chance.randint(1, 6))

    def deploy(self) -> None:
        self.world.commit(f"{SOURCE}\n# {self.chance.random()}\n")
        self.world.deploy(SERVICE)

    def reset(self) -> None:
        services.reset_service(self.world.engine, SERVICE)

    # What is there.

    def living(self) -> list[InstanceDocument]:
        return [i for i in self.documents() if i["state"] == "running" and i["pid"]]

    def documents(self) -> list[InstanceDocument]:
        return instance_listing.list_instances(self.world.engine, service=SERVICE)

    def launchers(self) -> set[int]:
        """The parents of workers, as long as those are launchers of this home."""
        found: set[int] = set()
        for instance in self.living():
            parent = parent_of(instance["pid"])
            with contextlib.suppress(OSError):
                if parent and b".launcher" in Path(f"/proc/{parent}/cmdline").read_bytes():
                    found.add(parent)
        return found

    # What must hold.

    def check(self) -> None:
        """No instance runs twice, and none is said to run that does not."""
        for instance in self.documents():
            pids = self.pids_of(instance["id"])
            alive = [pid for pid in pids if is_worker_of(self.world.home, pid)]
            assert len(alive) <= 1, f"{instance['id']} runs as {alive}"
        self.check_no_lie()

    def check_no_lie(self) -> None:
        claims = {i["id"]: i["pid"] for i in self.living()}
        dead = [name for name, pid in claims.items() if not is_running(pid)]
        if dead:  # it may have died just after we read: ask again
            still = {i["id"]: i["pid"] for i in self.living()}
            lies = [name for name in dead if still.get(name) == claims[name]]
            assert not lies, f"said to run, and dead: {lies}"

    def pids_of(self, instance: str) -> list[int]:
        path = self.world.home.storage / SERVICE / instance / "pids"
        try:
            return [int(line) for line in path.read_text().split()]
        except (OSError, ValueError):
            return []

    def end(self) -> dict[str, Any]:
        """Let all come to rest, and check what was to be kept."""
        engine = self.world.engine
        managers.ensure_manager(engine, is_kept=True)
        services.start_service(engine, SERVICE, count=3)
        services.reset_service(engine, SERVICE)
        eventually(lambda: len(self.world.ready(SERVICE)) == 3, 60)
        eventually(self.is_at_rest, 60)
        self.check()
        self.check_no_stranger()
        services.stop_service(engine, SERVICE)
        eventually(lambda: all(i["ended_at"] for i in self.documents()), 60)
        lines = self.check_lines()
        events = self.check_events()
        return {"faults": dict(self.done), "lines": lines, "events": events}

    def is_at_rest(self) -> bool:
        document = self.world.status(SERVICE)
        return (document["candidate"], document["ready_count"]) == (None, 3)

    def check_no_stranger(self) -> None:
        """Every process of a worker that lives is that of a living instance."""
        known = {i["pid"] for i in self.living()}
        folder = self.world.home.storage / SERVICE
        every = {pid for name in os.listdir(folder) for pid in self.pids_of(name)}

        def strangers() -> set[int]:
            return {pid for pid in every - known if is_worker_of(self.world.home, pid)}

        eventually(lambda: not strangers(), 15)

    def check_lines(self) -> int:
        """All numbers that were said are in the logs, once and in order."""
        said: dict[str, list[int]] = defaultdict(list)
        lost: Counter[str] = Counter()
        selection = select_logs(self.world.engine, SERVICE, everything=True)
        for line in read_logs(self.world.engine, selection, count=None):
            if line["text"].startswith("number "):
                said[line["instance"]].append(int(line["text"].split()[1]))
            elif found := LOST.search(line["text"]):
                lost[line["instance"]] += int(found[1])
        for instance, numbers in said.items():
            path = self.world.home.storage / SERVICE / instance / "said"
            acknowledged = int(path.read_bytes() or b"0") if path.exists() else 0
            order = [n for a, n in pairwise(numbers) if n <= a]
            assert not order, f"{instance}: doubled, or out of order at {order[:5]}"
            missing = max(acknowledged, numbers[-1]) - len(numbers)
            assert missing <= lost[instance], f"{instance}: {missing} lines are missing"
        return sum(map(len, said.values()))

    def check_events(self) -> int:
        """All events were seen by the one who watched, once."""
        assert self.watching is not None
        every = find_events(self.world.engine, EventFilter(since=0.0), limit=None)

        def seen() -> list[dict[str, Any]]:
            return [json.loads(line) for line in self.seen_path.read_text().splitlines()]

        eventually(lambda: len(seen()) >= len(every), 15)
        self.watching.send_signal(signal.SIGINT)
        self.watching.wait(timeout=15)
        told = Counter(json.dumps(event, sort_keys=True) for event in seen())
        kept = Counter(json.dumps(event, sort_keys=True) for event in every)
        assert told >= kept, list((kept - told).elements())[:5]
        assert max(told.values()) == 1
        return len(every)
