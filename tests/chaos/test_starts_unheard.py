"""Launchers and managers are killed amid starts: no worker is left that nobody knows of."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator

import pytest
from git_repos import GitRepoFactory
from real_world import World, a_world, is_running, is_worker_of, processes_of
from waiting import eventually

from odbctl.engine.api import managers, services
from odbctl.engine.worker.mark import BLANK, worn_mark
from odbctl.errors import OdbctlError
from odbctl.paths import Home

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "50"))
SEED = int(os.environ.get("CHAOS_SEED", "20261126"))
SOURCE = """
class Svc(ServiceBase):
    def initialize(self):
        with open("pids", "a") as file:
            print(os.getpid(), file=file)
"""


@pytest.fixture
def world(home: Home, git_repo: GitRepoFactory) -> Iterator[World]:
    yield from a_world(home, git_repo("app"))


@pytest.mark.timeout(ROUNDS * 10 + 120)
def test_no_worker_is_left_whose_start_nobody_heard(world: World) -> None:
    chance = random.Random(SEED)
    world.service(SOURCE)
    world.manager(is_kept=True)
    for _ in range(ROUNDS):
        begin_starts(world, chance)
        time.sleep(chance.uniform(0, 0.06))
        chance.choice([kill_launchers, kill_both, kill_launchers_twice])(world, chance)
        begin_starts(world, chance, count=3)
        with contextlib.suppress(OdbctlError):
            managers.ensure_manager(world.engine, is_kept=True)
        world.wait(lambda: len(world.ready()) == 3, "3 run")
    eventually(lambda: not strangers(world), 15)
    reasons = {instance["reason"] for instance in world.instances()}
    assert not any("could not run" in (reason or "") for reason in reasons)


def begin_starts(world: World, chance: random.Random, count: int | None = None) -> None:
    if count is None and chance.random() < 0.5:
        services.scale_service(world.engine, "svc", 0)
        time.sleep(chance.uniform(0, 0.1))
    services.start_service(world.engine, "svc", count=count or chance.randint(1, 6))
    services.reset_service(world.engine, "svc")


def kill_launchers(world: World, chance: random.Random) -> None:
    del chance
    for pid, command in processes_of(world.home).items():
        if ".launcher" in command and worn_mark(pid) == BLANK:
            kill(pid)


def kill_both(world: World, chance: random.Random) -> None:
    kill_launchers(world, chance)
    victims = [manager["pid"] for manager in world.managers() if manager["pid"]]
    for pid in victims:
        kill(pid)
    eventually(lambda: not any(map(is_running, victims)))


def kill_launchers_twice(world: World, chance: random.Random) -> None:
    kill_launchers(world, chance)
    time.sleep(chance.uniform(0, 0.25))
    kill_launchers(world, chance)


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def strangers(world: World) -> set[int]:
    """Return the workers that live and are not those of an instance that is shown."""
    known = {instance["pid"] for instance in world.instances()}
    files = (world.home.storage / "svc").glob("*/pids")
    said = {int(pid) for file in files for pid in file.read_text().split()}
    return {pid for pid in said - known if is_worker_of(world.home, pid)}
