"""Points in time as people type them, for commands and screens."""

from __future__ import annotations

from odbctl.engine.telemetry.durations import parse_since
from odbctl.units import parse_duration

__all__ = ["parse_duration", "parse_since"]
