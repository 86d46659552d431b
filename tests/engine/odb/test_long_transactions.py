"""Whoever stays in a transaction or view delays nobody.

`LONG_TRANSACTION_SECONDS` in the environment makes the sleeper sleep longer, e.g. 30.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from bank_schema import Account, RunProgram

from odbctl.engine.odb import Database
from odbctl.engine.odb.driver import WAL_LIMIT_BYTES

SECONDS = float(os.environ.get("LONG_TRANSACTION_SECONDS", "1.5"))
SLEEPER = """
with db.transaction():
    mine = Account(name='slept')
    read = Account.lookup_unique(name='{read}').balance
    say('asleep')
    time.sleep({seconds})
say('committed')
"""


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("read", "ends"), [("quiet", "committed"), ("busy", "")])
def test_sleeper_in_a_transaction_delays_no_commit(
    database: Database, run_program: RunProgram, read: str, ends: str
) -> None:
    with database.transaction():
        busy = Account(name="busy")
        Account(name="quiet")
    sleeper = run_program(SLEEPER.format(read=read, seconds=SECONDS))
    assert sleeper.stdout is not None
    assert sleeper.stdout.readline() == "asleep\n"
    commits, longest = 0, 0.0
    while sleeper.poll() is None:
        began = time.monotonic()
        with database.transaction():
            busy.balance += 1
        longest = max(longest, time.monotonic() - began)
        commits += 1
    assert commits > 100 * SECONDS, "commits go on while it sleeps"
    assert longest < SECONDS / 2, "none of them waits for it"
    # What it had read was changed, or was not.
    assert sleeper.stdout.readline().strip() == ends


def _wal_bytes(database: Database) -> int:
    return Path(f"{database.path}-wal").stat().st_size


def test_view_that_stays_open_blocks_no_commit_and_the_wal_shrinks_after_it(
    database: Database, run_program: RunProgram
) -> None:
    with database.transaction():
        account = Account(name="a", owner="x" * 3000)
    reader = run_program(
        "with db.view():\n    Account.lookup_all()\n    say('open')\n    hear()\nsay('closed')\n"
    )
    assert reader.stdout is not None
    assert reader.stdin is not None
    assert reader.stdout.readline() == "open\n"
    for _ in range(3000):
        with database.transaction():
            account.balance += 1
    assert _wal_bytes(database) > WAL_LIMIT_BYTES, "a pinned WAL grows"
    began = time.monotonic()
    database.checkpoint()
    assert time.monotonic() - began < 5, "a checkpoint does not wait for a view"
    reader.communicate("\n")
    database.checkpoint()
    with database.transaction():
        account.balance = 0
    database.checkpoint()
    assert _wal_bytes(database) <= WAL_LIMIT_BYTES
