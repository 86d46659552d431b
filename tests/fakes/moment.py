"""When it is in the tests of the dashboard."""

from __future__ import annotations

NOW = 1_795_000_000.0
