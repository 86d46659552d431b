"""Managers, launchers and workers are killed and stopped, for minutes; what must hold, holds."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from git_repos import GitRepoFactory
from real_world import World
from supervision_chaos import Chaos

from odbctl.engine.api.engine import Engine
from odbctl.paths import HOME_VARIABLE, Home

SECONDS = float(os.environ.get("CHAOS_SECONDS", "120"))
SHIFTED_CLOCK = Path(__file__).parent.parent / "shifted_clock"
SEED = int(os.environ.get("CHAOS_SEED", "20261124"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk of its own, if one can be mounted, that may be filled."""
    folder = Path("/tmp", f"odb-disk-{os.getpid()}")
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "mode=0700,size=600m", "tmpfs", str(folder)]
    is_mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield folder
    finally:
        if is_mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        with contextlib.suppress(OSError):
            folder.rmdir()


@pytest.fixture
def chaos(
    small_disk: Path, tmp_path: Path, git_repo: GitRepoFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Chaos]:
    """Return a world on the small disk, and the chaos over it."""
    monkeypatch.setenv(HOME_VARIABLE, str(small_disk))
    clock = tmp_path / "clock"
    clock.write_bytes(bytes(8))
    monkeypatch.setenv("SHIFTED_CLOCK", str(clock))
    monkeypatch.setenv("PYTHONPATH", str(SHIFTED_CLOCK))
    home = Home.at(small_disk)
    world = World(home=home, repo=git_repo("app"), engine=Engine.open(home))
    made = Chaos(world, SEED, tmp_path / "seen-events", clock)
    try:
        yield made
    finally:
        if made.watching is not None:
            made.watching.kill()
            made.watching.wait()
        left = world.end()
        assert not left, f"still alive after everything was stopped: {left}"


@pytest.mark.timeout(SECONDS + 300)
def test_supervision_holds_through_faults(chaos: Chaos) -> None:
    chaos.begin()
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        chaos.step()
    report = chaos.end()
    print(report)
    assert report["lines"] > 1000
    assert sum(report["faults"].values()) > SECONDS / 5
