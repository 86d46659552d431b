"""A thousand writers are killed with -9; nothing acknowledged is lost, nothing is torn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from bank_schema import SOURCE_ROOT

KILLS = int(os.environ.get("CHAOS_KILLS", "1000"))


@pytest.mark.timeout(400)
def test_killed_writers_lose_and_tear_nothing(tmp_path: Path) -> None:
    program = SOURCE_ROOT / "tests" / "chaos" / "store_chaos.py"
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path), str(KILLS), "20261124"],
        env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=380,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["faults"] == []
    assert report["kills"] >= KILLS
    assert report["acknowledged"] > 10 * KILLS, "the writers should get something done"
