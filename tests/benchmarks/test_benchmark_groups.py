"""Each group of benchmarks runs: tiny, once, without the tools that it is compared with.

A group that fails would otherwise be noticed by whoever runs all of them next.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.harness import GROUPS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("group", GROUPS)
def test_group_runs_and_returns_rows(group: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--smoke", "--exact", group, "--json", str(report)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(report.read_text())
    assert document["failures"] == []
    assert document["rows"]
    assert all(row["ours"]["count"] > 0 for row in document["rows"])


def test_unknown_group_is_refused_with_the_known_ones() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--exact", "nothing"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "latency" in done.stderr
