"""Records that several tests store."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Point:
    x: float
    y: float = 0.0


class Size(NamedTuple):
    width: int
    height: int = 1


class Access(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()
