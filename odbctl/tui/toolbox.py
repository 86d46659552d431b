"""What the dashboard works with beside its data: flows, details, keys, clock, theme."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from textual.screen import Screen

from odbctl.tui.view_state import ViewStore

if TYPE_CHECKING:
    from odbctl.tui.detail_reading import DetailBackend
    from odbctl.tui.flows.backend import FlowBackend


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolbox:
    """The backends of flows and details, and how the dashboard was opened.

    Backends are made when they are wanted: the first paint does not wait for their imports.
    """

    make_flows: Callable[[], FlowBackend]
    make_details: Callable[[], DetailBackend]
    keymap: Mapping[str, str] = field(default_factory=dict[str, str])
    clock: Callable[[], float] = time.time
    theme: str = "auto"
    views: ViewStore = field(default_factory=ViewStore)


def keymap_of(screen: Screen[Any]) -> Mapping[str, str]:
    """Return the keys that the person has chosen, by the id of a binding; none in other apps."""
    app = cast("object", screen.app)  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open
    found = getattr(app, "toolbox", None)
    return found.keymap if isinstance(found, Toolbox) else {}
