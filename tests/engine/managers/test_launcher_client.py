"""Starting a launcher."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from real_world import is_running
from waiting import eventually

from odbctl.engine.managers.launcher_client import LauncherClient
from odbctl.paths import Home

KILLED_ONCE_IT_HAS_STARTED_A_LAUNCHER = dedent(
    """
    import os, signal, subprocess, sys
    from pathlib import Path
    from odbctl.engine.managers.launcher_client import LauncherClient
    from odbctl.paths import Home

    def start_and_die(*arguments, **options):
        Path(sys.argv[2]).write_text(str(start(*arguments, **options).pid))
        os.kill(os.getpid(), signal.SIGKILL)

    start, subprocess.Popen = subprocess.Popen, start_and_die
    LauncherClient(Path(sys.argv[1])).start(Home.default(), None, method="fork")
    """
)


@pytest.fixture
def launchers() -> Iterator[list[int]]:
    """Yield a list for pids; kill what is left of them."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        if is_running(pid):
            os.kill(pid, signal.SIGKILL)


def test_a_launcher_ends_when_its_manager_was_killed_before_it_came_up(
    home: Home, tmp_path: Path, launchers: list[int]
) -> None:
    home.create()
    code = KILLED_ONCE_IT_HAS_STARTED_A_LAUNCHER
    pid = tmp_path / "pid"
    command = [sys.executable, "-c", code, str(home.run / "l.sock"), str(pid)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    launchers.append(int(pid.read_text()))
    eventually(lambda: not is_running(launchers[0]))


def test_a_launcher_that_cannot_be_executed_leaves_no_connection(
    home: Home, tmp_path: Path
) -> None:
    home.create()
    client = LauncherClient(home.run / "l.sock")
    with pytest.raises(OSError, match="No such file"):
        client.start(home, str(tmp_path / "no-python"), method="fork")
    assert not client.is_connected
