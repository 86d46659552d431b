"""The keeper starts a manager again that died, and one at a time."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from waiting import eventually

from odbctl.engine.managers import keeper
from odbctl.engine.managers.keeper import ManagerKeeper


def pids_in(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_manager_that_comes_up_slowly_is_not_started_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "FIRST_DELAY_SECONDS", 0.0)
    told = tmp_path / "pids"
    kept = ManagerKeeper()
    kept.learn(("sh", "-c", f"echo $$ >> {told}; exec sleep 600"), os.devnull)
    kept.step()
    assert not kept.is_pending
    kept.lost()
    try:
        kept.step()
        (first,) = eventually(lambda: pids_in(told))
        for _ in range(5):
            kept.step()
        os.kill(first, signal.SIGKILL)
        os.waitpid(first, 0)
        kept.step()  # it is gone, and had not connected
        assert len(eventually(lambda: pids_in(told)[1:])) == 1
        kept.forget()
        kept.lost()
        assert not kept.is_pending
    finally:
        for pid in pids_in(told)[1:]:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
