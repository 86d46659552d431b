"""Use cases of log pages: a window on logs of any size, for who shows them on a screen."""

from __future__ import annotations

from odbctl.engine.api.engine import Engine
from odbctl.engine.api.logs import LogSelection
from odbctl.engine.telemetry.log_filter import EVERYTHING, LineFilter
from odbctl.engine.telemetry.log_find import SearchStoppedError, never
from odbctl.engine.telemetry.log_lanes import LaneChoice
from odbctl.engine.telemetry.log_link import Place
from odbctl.engine.telemetry.log_pages import (
    Found,
    LogPages,
    Look,
    MatchCounter,
    PageLine,
    Position,
)

__all__ = [
    "EVERYTHING",
    "Found",
    "LineFilter",
    "LogPages",
    "Look",
    "MatchCounter",
    "PageLine",
    "Place",
    "Position",
    "SearchStoppedError",
    "never",
    "open_pages",
]


def open_pages(engine: Engine, selection: LogSelection, *also: LogSelection) -> LogPages:
    """Return the pages of a selection; a context manager, which outlives the engine.

    Of a whole service also what its new instances write.

    Args:
        engine: The opened home.
        selection: Whose logs.
        also: Further selections, merged by time.
    """
    return LogPages(
        engine.home.logs,
        selection.service,
        instances=selection.instances,
        is_growing=selection.is_whole_service,
        also=[LaneChoice(*each) for each in also],
    )
