"""The screens that are a table and no more: hosts, codebases, events, machines, deploys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from odbctl.tui.frame_screen import ALWAYS, EVERYWHERE
from odbctl.tui.keymap import identified
from odbctl.tui.resource_rows import AwsRow, CodebaseRow, HostRow, ReleaseRow
from odbctl.tui.resources import AWS, CODEBASES, DEPLOYS, EVENTS, HOSTS
from odbctl.tui.screens.resource_screen import FILTER, ROW_KEYS, ResourceScreen
from odbctl.tui.snapshot import DashboardSnapshot, EventRow
from odbctl.tui.views import View


def _keys(open_text: str) -> list[BindingType]:
    return identified(
        [
            Binding("enter,d", "open", open_text, key_display="enter"),
            FILTER,
            *ROW_KEYS,
            *ALWAYS,
            *EVERYWHERE,
        ]
    )


class HostsScreen(ResourceScreen[HostRow], inherit_bindings=False):
    """Where instances run; enter shows those of a host."""

    BINDINGS: ClassVar[list[BindingType]] = _keys("Instances")
    RESOURCE = HOSTS

    @property
    def what_to_type(self) -> str:
        """How to come to a host."""
        return "No hosts yet.  The first manager adds one; type in a shell:  odbctl manager start"

    def rows_of(self, snapshot: DashboardSnapshot) -> Sequence[HostRow]:
        """Return the hosts."""
        return snapshot.hosts

    def action_open(self) -> None:
        """Show the instances of the host."""
        if (key := self.table.cursor_key) is not None:
            self.navigator.go_to(View.INSTANCES, filter_text=f"host={_exactly(key)}")


class CodebasesScreen(ResourceScreen[CodebaseRow], inherit_bindings=False):
    """The commits that were added; enter shows the services that run one."""

    BINDINGS: ClassVar[list[BindingType]] = _keys("Services")
    RESOURCE = CODEBASES

    @property
    def what_to_type(self) -> str:
        """How to come to a codebase."""
        return "No codebases yet.  Type in a shell:\n\n  odbctl codebase add main --repo PATH"

    def rows_of(self, snapshot: DashboardSnapshot) -> Sequence[CodebaseRow]:
        """Return the codebases."""
        return snapshot.codebases

    def action_open(self) -> None:
        """Show the services of the codebase."""
        if (row := self.table.cursor_row) is not None:
            self.navigator.go_to(View.SERVICES, filter_text=f"codebase={_exactly(row.name)}")


class EventsScreen(ResourceScreen[EventRow], inherit_bindings=False):
    """What happened, the newest first; enter opens the service."""

    BINDINGS: ClassVar[list[BindingType]] = _keys("YAML")
    RESOURCE = EVENTS

    @property
    def what_to_type(self) -> str:
        """Why there is none."""
        return "No events yet."

    def rows_of(self, snapshot: DashboardSnapshot) -> Sequence[EventRow]:
        """Return the events."""
        return snapshot.events


class DeploysScreen(ResourceScreen[ReleaseRow], inherit_bindings=False):
    """The releases of all services, the newest first; enter opens the service."""

    # The reason of a failed release is what one comes here for: there is room for all of it.
    DEFAULT_CSS = "DeploysScreen #status, DeploysScreen.-high #status { max-height: 50%; }"
    BINDINGS: ClassVar[list[BindingType]] = _keys("Service")
    RESOURCE = DEPLOYS

    @property
    def what_to_type(self) -> str:
        """How to come to a release."""
        return "No releases yet.  Type in a shell:  odbctl service deploy NAME REF"

    def rows_of(self, snapshot: DashboardSnapshot) -> Sequence[ReleaseRow]:
        """Return the releases."""
        return snapshot.deploys

    def reason_of(self, row: ReleaseRow) -> str:
        """Return why a release failed."""
        return row.reason

    def action_open(self) -> None:
        """Open the service of the release."""
        if (row := self.table.cursor_row) is not None:
            self.navigator.open_detail(row.service)


class AwsScreen(ResourceScreen[AwsRow], inherit_bindings=False):
    """Machines in the cloud."""

    BINDINGS: ClassVar[list[BindingType]] = _keys("YAML")
    RESOURCE = AWS

    @property
    def what_to_type(self) -> str:
        """What to say of a home without them."""
        return (
            "No machines in the cloud: no service of this home starts any.\n\n"
            "What runs on this machine:  3 instances, 4 hosts"
        )

    def rows_of(self, snapshot: DashboardSnapshot) -> Sequence[AwsRow]:
        """Return the machines."""
        return snapshot.aws


def _exactly(text: str) -> str:
    """Return a pattern for exactly this word; a filter's words have no blanks."""
    import re

    return f"^{re.escape(text)}$".replace("\\ ", ".")
