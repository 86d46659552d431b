"""Histories of several processes are strictly serializable, and views are snapshots.

`HISTORY_TRANSACTIONS` and `HISTORY_SEED` in the environment make it larger, or another;
`fuzz_time` says how it runs for a time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fuzz_time
import history_worker
import pytest
from bank_schema import SOURCE_ROOT
from history_checker import Transaction, anomalies

from odbctl.engine.odb import Database

# What each process or thread runs.
KINDS = ("threads", "tasks", "threads", "tasks")
TRANSACTIONS = int(os.environ.get("HISTORY_TRANSACTIONS", "300"))
SEED = int(os.environ.get("HISTORY_SEED", "1"))


def history_of_processes(
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
                f"p{number}", str(seed * 100 + number), str(transactions), kind,
                *(["blind"] if is_blind else []),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
        )
        for number, kind in enumerate(KINDS)
    ]  # fmt: skip
    for child in children:
        _send_line(child)
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()
    for child in children:
        _send_line(child)
    told = [child.communicate()[0] for child in children]
    # Without the check a program may well stumble over what it finds.
    assert is_blind or all(child.returncode == 0 for child in children)
    return [_transaction(json.loads(line)) for text in told for line in text.splitlines()]


def _send_line(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    try:
        child.stdin.write("go\n")
        child.stdin.flush()
    except BrokenPipeError:
        return  # its return code tells


def history_of_threads(seed: int, transactions: int = TRANSACTIONS) -> list[Transaction]:
    """Do the same in memory, with several threads."""
    with Database.in_memory() as database, ThreadPoolExecutor(len(KINDS)) as pool:
        history_worker.set_up(database)
        watcher = history_worker.Watcher(database, "m", seed)
        together = threading.Barrier(len(KINDS))

        def run(number: int, kind: str) -> list[history_worker.Record]:
            together.wait()
            run_kind = history_worker.RUNS[kind]
            return run_kind(database, f"m{number}", seed * 100 + number, transactions)

        with watcher.reactor:
            running = [pool.submit(run, *each) for each in enumerate(KINDS)]
            records = [record for each in running for record in each.result()]
            assert watcher.has_seen_the_last(), "the reactor did not wake"
        assert not watcher.errors
    # As they are after JSON.
    told = json.dumps([*records, *watcher.records])
    return [_transaction(record) for record in json.loads(told)]


def _transaction(record: dict[str, Any]) -> Transaction:
    for name in ("entered", "left"):
        record[name] = {tuple(each) for each in record[name]}
    record["found"] = {name: set(members) for name, members in record["found"].items()}
    return Transaction(**record)


def _check(history: list[Transaction], seed: int) -> None:
    committed = [each for each in history if each.is_committed]
    assert len(committed) > len(history) / 4, "most transactions should come through"
    assert len(committed) < len(history), "some should conflict, or this shows nothing"
    assert anomalies(history) == [], f"seed {seed}"


def test_history_of_processes_is_strictly_serializable(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    for seed in fuzz_time.seeds(SEED):
        _check(history_of_processes(tmp_path_factory.mktemp("history"), seed), seed)


def test_history_of_threads_is_strictly_serializable() -> None:
    for seed in fuzz_time.seeds(SEED):
        _check(history_of_threads(seed), seed)


def test_without_the_check_for_conflicts_anomalies_are_found(tmp_path: Path) -> None:
    assert anomalies(history_of_processes(tmp_path, SEED, 400, is_blind=True))
