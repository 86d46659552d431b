"""The screen of each view. Each is imported when it is wanted first."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from odbctl.tui.screens.resource_screen import ResourceScreen
from odbctl.tui.state import DashboardState
from odbctl.tui.views import View

AnyScreen = ResourceScreen[Any]
_PLACES = {
    View.OVERVIEW: "overview:OverviewScreen",
    View.SERVICES: "services:ServicesScreen",
    View.INSTANCES: "instances:InstancesScreen",
    View.HOSTS: "lists:HostsScreen",
    View.CODEBASES: "lists:CodebasesScreen",
    View.EVENTS: "lists:EventsScreen",
    View.AWS: "lists:AwsScreen",
    View.DEPLOYS: "lists:DeploysScreen",
}


def screen_class(view: View) -> type[AnyScreen]:
    """Return the class of a view's screen."""
    module, _, name = _PLACES[view].partition(":")
    found: type[AnyScreen] = getattr(import_module(f"odbctl.tui.screens.{module}"), name)
    return found


def make_screen(view: View, state: DashboardState) -> AnyScreen:
    """Make the screen of a view."""
    return screen_class(view)(state)
