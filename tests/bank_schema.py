"""The schema that the tests of the object database share with their child programs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import odbctl
from odbctl.engine.odb import DbObject, Indexed, Schema, Unique

SOURCE_ROOT = Path(odbctl.__file__).parent.parent
# Starts a Python program that has `db`, `Account`, `say` and `hear`.
RunProgram = Callable[[str], "subprocess.Popen[str]"]

schema = Schema("bank")


@schema.define
class Account(DbObject):
    name: Unique[str]
    owner: Indexed[str] = ""
    balance: int = 0
    limit: int = 0
