"""Histories of several processes are strictly serializable, and views are snapshots.

`HISTORY_TRANSACTIONS` and `HISTORY_SEED` in the environment make it larger, or another.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import history_worker
import pytest
from bank_schema import SOURCE_ROOT
from history_checker import Transaction, anomalies

from odbctl.engine.odb import Database

PROCESSES = 4
TRANSACTIONS = int(os.environ.get("HISTORY_TRANSACTIONS", "400"))
SEED = int(os.environ.get("HISTORY_SEED", "1"))


def history_of(
    folder: Path, seed: int, transactions: int = TRANSACTIONS, *, is_blind: bool = False
) -> list[Transaction]:
    """Run random transactions in several processes, and collect what they saw."""
    path, run_dir = folder / "odb.db", folder / "run"
    with Database(path, run_dir=run_dir) as database:
        history_worker.set_up(database)
    children = [
        subprocess.Popen(
            [
                sys.executable, str(Path(history_worker.__file__)), str(path), str(run_dir),
                f"p{number}", str(seed * 100 + number), str(transactions),
                *(["blind"] if is_blind else []),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
        )
        for number in range(PROCESSES)
    ]  # fmt: skip
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    told = [child.communicate()[0] for child in children]
    # Without the check a program may well stumble over what it finds.
    assert is_blind or all(child.returncode == 0 for child in children)
    return [_transaction(json.loads(line)) for text in told for line in text.splitlines()]


def _transaction(record: dict[str, Any]) -> Transaction:
    for name in ("entered", "left"):
        record[name] = {tuple(each) for each in record[name]}
    record["found"] = {name: set(members) for name, members in record["found"].items()}
    return Transaction(**record)


@pytest.mark.parametrize("seed", [SEED, SEED + 1])
def test_history_is_strictly_serializable(tmp_path: Path, seed: int) -> None:
    history = history_of(tmp_path, seed)
    committed = [each for each in history if each.is_committed]
    assert len(committed) > len(history) / 4, "most transactions should come through"
    assert len(committed) < len(history), "some should conflict, or this shows nothing"
    assert anomalies(history) == [], f"seed {seed}"


def test_without_the_check_for_conflicts_anomalies_are_found(tmp_path: Path) -> None:
    assert anomalies(history_of(tmp_path, SEED, 400, is_blind=True))
