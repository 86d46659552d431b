"""What screens may need of the app beside its state: flows, details, keys.

An app that has it names it `toolbox`; screens ask for it here, so that they can be
shown by any app.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.screen import Screen

from odbctl.tui.view_state import ViewStore

if TYPE_CHECKING:
    from odbctl.tui.detail_reading import DetailBackend
    from odbctl.tui.flows.backend import FlowBackend


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolbox:
    """The backends of flows and details, and how the dashboard was opened."""

    flows: FlowBackend
    details: DetailBackend
    keymap: Mapping[str, str] = field(default_factory=dict[str, str])
    clock: Callable[[], float] = time.time
    theme: str = "auto"
    views: ViewStore = field(default_factory=ViewStore)


def app_of(screen: Screen[Any]) -> App[Any]:
    """Return the app of a screen."""
    return screen.app  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - Textual leaves it open


def toolbox_of(screen: Screen[Any]) -> Toolbox | None:
    """Return the toolbox of a screen's app, None when it has none."""
    found = getattr(app_of(screen), "toolbox", None)
    return found if isinstance(found, Toolbox) else None


def keymap_of(screen: Screen[Any]) -> Mapping[str, str]:
    """Return the keys that the person has chosen, by the id of a binding."""
    found = toolbox_of(screen)
    return found.keymap if found is not None else {}
