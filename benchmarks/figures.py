"""Figures, targets and verdicts: the values that a row of the table is made of. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number that stands for several measurements, and how far these lie apart."""

    value: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, samples: Sequence[float], *, quantile: float = 0.5) -> Figure:
        """Return a quantile of measurements, by default their median."""
        if quantile == 0.5:
            value = statistics.median(samples)
        else:
            value = sorted(samples)[round(quantile * (len(samples) - 1))]
        return cls(value=value, low=min(samples), high=max(samples), count=len(samples))


class Measure(StrEnum):
    """What a target limits."""

    RATIO = "x"  # ours divided by the reference
    VALUE = ""  # ours as it is


class Verdict(StrEnum):
    """What a row says of its target."""

    REACHED = "ok"
    MISSED = "MISSED"
    NONE = "-"  # there is no target: the row is for information


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A limit that a ratio or a value has to keep."""

    limit: float
    measure: Measure = Measure.RATIO
    is_lower_limit: bool = False

    def judge(self, number: float) -> Verdict:
        """Say whether a number keeps the limit."""
        is_kept = number >= self.limit if self.is_lower_limit else number <= self.limit
        return Verdict.REACHED if is_kept else Verdict.MISSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes:
        name: What was measured.
        unit: Of both figures: "ms", "s", "MB", "MB/s" or "%".
        ours: What odbctl did.
        reference: What it is compared with, measured in the same run.
        against: What the reference is.
        target: The limit, if there is one.
        note: A line that is shown below the table.
    """

    name: str
    unit: str
    ours: Figure
    reference: Figure | None = None
    against: str = ""
    target: Target | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours divided by the reference."""
        if self.reference is None or not self.reference.value:
            return None
        return self.ours.value / self.reference.value

    @property
    def verdict(self) -> Verdict:
        """Whether the target was reached."""
        if self.target is None:
            return Verdict.NONE
        if self.target.measure is Measure.VALUE:
            return self.target.judge(self.ours.value)
        if self.ratio is None:  # the reference could not be had
            return Verdict.NONE
        return self.target.judge(self.ratio)
