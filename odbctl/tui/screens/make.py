"""The screen of each view."""

from __future__ import annotations

from typing import Any

from odbctl.tui.screens.instances import InstancesScreen
from odbctl.tui.screens.lists import (
    AwsScreen,
    CodebasesScreen,
    DeploysScreen,
    EventsScreen,
    HostsScreen,
)
from odbctl.tui.screens.overview import OverviewScreen
from odbctl.tui.screens.resource_screen import ResourceScreen
from odbctl.tui.screens.services import ServicesScreen
from odbctl.tui.state import DashboardState
from odbctl.tui.views import View

AnyScreen = ResourceScreen[Any]
SCREENS: dict[View, type[AnyScreen]] = {
    View.OVERVIEW: OverviewScreen,
    View.SERVICES: ServicesScreen,
    View.INSTANCES: InstancesScreen,
    View.HOSTS: HostsScreen,
    View.CODEBASES: CodebasesScreen,
    View.EVENTS: EventsScreen,
    View.AWS: AwsScreen,
    View.DEPLOYS: DeploysScreen,
}


def make_screen(view: View, state: DashboardState) -> AnyScreen:
    """Make the screen of a view."""
    return SCREENS[view](state)
