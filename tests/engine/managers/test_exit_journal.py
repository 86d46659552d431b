"""A damaged exit journal is set aside; what can be read of it is not lost."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from odbctl.engine.managers.exit_journal import ExitJournal, read_journal
from odbctl.engine.managers.messages import WorkerExited

GOOD = WorkerExited(7, 100, 3, None, 1.5, 1)
LINE = json.dumps(GOOD).encode() + b"\n"


def write(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "garbage": write(LINE + os.urandom(500).replace(b"\n", b"") + b"\n"),
    "not utf-8": write(LINE + b"\xff\xfe\x00\n"),
    "broken json": write(LINE + b'[7, 100, 3, nul\n'),
    "an object": write(LINE + b'{"instance": 7}\n'),
    "a number": write(LINE + b"7\n"),
    "too few fields": write(LINE + b"[]\n[7]\n"),
    "too many fields": write(LINE + b"[7, 1, 2, 3, 4, 5, 6, 7, 8]\n"),
    "wrong types": write(LINE + b'["x", "y", "z", null, "now", 0]\n'),
    "too large numbers": write(LINE + b"[%d, 1, 0, null, 1.0, 1]\n" % 2**70),
    "deep json": write(LINE + b"[" * 50_000 + b"\n"),
    "a huge line": write(LINE + LINE[:-2] + b" " * 10**6 + b"]\n"),
    "a huge unfinished line": write(LINE + b"x" * 10**6),
    "an empty line": write(LINE + b"\n"),
    "a folder": Path.mkdir,
    "a full folder": lambda path: (path / "x").mkdir(parents=True),
    "a fifo": os.mkfifo,
    "a loop": lambda path: path.symlink_to(path),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_journal_is_set_aside(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "l-1.exits"
    DAMAGES[damage](path)
    has_good_line = path.is_file()
    assert read_journal(path) == ([GOOD] if has_good_line else [])
    assert not os.path.lexists(path)
    (aside,) = tmp_path.iterdir()
    assert aside.name.startswith("l-1.exits.damaged-")
    assert read_journal(path) == []


@pytest.mark.parametrize("data", [b"", LINE, LINE + b"[7, 100, 3"])
def test_a_half_written_last_line_is_no_damage(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "l-1.exits"
    path.write_bytes(data)
    assert read_journal(path) == [GOOD] * data.count(b"\n")
    assert path.exists()


@pytest.mark.parametrize("damage", ["a folder", "a fifo", "a loop"])
def test_an_exit_is_kept_in_memory_where_it_cannot_be_written(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "l-1.exits"
    DAMAGES[damage](path)
    journal = ExitJournal(path)
    journal.record(7, 100, code=3, signal=None, at=1.5)
    assert journal.pending == (GOOD,)
