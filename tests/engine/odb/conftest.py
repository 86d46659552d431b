"""A database in a folder of its own, and processes that share it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bank_schema import SOURCE_ROOT, RunProgram

from odbctl.engine.odb import Database

# What every child program starts with; the tests' own schema, written again.
PROLOGUE = """\
from __future__ import annotations
import os, sys, time
from odbctl.engine.odb import Database, DbObject, Indexed, Reactor, Schema, Unique
schema = Schema("bank")

@schema.define
class Account(DbObject):
    name: Unique[str]
    owner: Indexed[str] = ""
    balance: int = 0
    limit: int = 0

db = Database(sys.argv[1], run_dir=sys.argv[2])

def say(word):
    print(word, flush=True)

def hear():
    return sys.stdin.readline().strip()

"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A new database in a file."""
    with Database(tmp_path / "odb.db", run_dir=tmp_path / "run") as opened:
        yield opened


@pytest.fixture(params=["file", "memory"])
def any_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A new database in each of the stores: what is asked of it must hold in both."""
    is_file = request.param == "file"
    path, run_dir = tmp_path / "odb.db", tmp_path / "run"
    with Database(path, run_dir=run_dir) if is_file else Database.in_memory() as opened:
        yield opened


@pytest.fixture
def run_program(database: Database) -> Iterator[RunProgram]:
    """Start a Python program that has `db`, `Account`, `say` and `hear`."""
    children: list[subprocess.Popen[str]] = []

    def run(body: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-c", PROLOGUE + body, str(database.path), str(database.run_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
        )
        children.append(child)
        return child

    yield run
    for child in children:
        child.kill()
        child.communicate()
