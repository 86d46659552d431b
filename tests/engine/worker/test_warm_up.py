"""Warming up is an optimisation: where it cannot be done, nothing is changed and nothing fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# A process of its own, for it changes signals and modules; says what is not as it was.
SCRIPT = """
import os, signal, sys, threading
from odbctl.engine.worker.warm_up import rehearse, warm_up

def state():
    numbers = (signal.SIGTERM, signal.SIGINT)
    return {
        "folder": os.getcwd(), "path": list(sys.path), "environment": dict(os.environ),
        "streams": (sys.stdout, sys.stderr), "threads": threading.active_count(),
        "descriptors": sorted(os.listdir("/proc/self/fd")),
    }

before = state()
warm_up(sys.argv[1:], rounds=2)
rehearse(sys.argv[1:])
after = state()
print([name for name in before if before[name] != after[name]])
"""


def run(*parents: str, wraps: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [*wraps, sys.executable, "-c", SCRIPT, *parents]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_first_folder_that_can_be_used_is_used(tmp_path: Path) -> None:
    ran = run("/no/such/folder", str(tmp_path))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "[]\n", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("parents", [(), ("/no/such/folder",), ("/proc", "/dev/null")])
def test_without_any_folder_it_is_left_out(parents: tuple[str, ...]) -> None:
    ran = run(*parents)
    assert (ran.returncode, ran.stdout) == (0, "[]\n")
    assert "not warmed up" in ran.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="needs a file system of its own")
@pytest.mark.parametrize("room", ["4k", "16k", "64k", "200k"])
def test_a_full_folder_leaves_the_process_as_it_was(tmp_path: Path, room: str) -> None:
    mount = f'mount -t tmpfs -o size={room} none {tmp_path} && exec "$@"'
    ran = run(str(tmp_path), wraps=("unshare", "-m", "sh", "-c", mount, "sh"))
    if "unshare" in ran.stderr or "mount:" in ran.stderr:
        pytest.skip("no file system of its own")
    assert (ran.returncode, ran.stdout) == (0, "[]\n")


LOGGING_SCRIPT = """
import logging, sys
from odbctl.engine.telemetry.log_files import LogFiles
from odbctl.engine.telemetry.log_writer import LogWriter
from odbctl.engine.worker.process import use_log
from odbctl.engine.worker.warm_up import warm_up

warm_up(sys.argv[1:], rounds=2)
writer = LogWriter(LogFiles.of(sys.argv[1], "shop", "shop-1"))
writer.open()
use_log(writer)
logging.warning("once")
writer.close()
"""


def test_a_log_gets_each_record_once_after_warming_up(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LOGGING_SCRIPT, str(tmp_path)]
    subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert (tmp_path / "shop" / "shop-1.log").read_text().count("once") == 1
