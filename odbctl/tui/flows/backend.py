"""The seam between the flows and the engine.

Every method may take long and is called in a thread of the caller's own. What
is told on the way may raise `Abandoned`: then the person has turned away.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from odbctl.engine.api.documents import InstanceDocument, ServiceDocument
from odbctl.tui.flows.orders import Order
from odbctl.tui.flows.rows import PlanView, RefRow, RolloutView
from odbctl.tui.resource_rows import ReleaseRow
from odbctl.tui.source import WokenSource

Tell = Callable[[str], None]
ShouldStop = Callable[[], bool]


class RolloutSource(WokenSource, Protocol):
    """A rollout that is looked at."""

    def read(self) -> RolloutView:
        """Return how far it has come."""
        ...


class FlowBackend(Protocol):
    """What the flows ask and order. Failures are OdbctlErrors."""

    def refs(
        self, service: str, *, is_fresh: bool, tell: Tell, should_stop: ShouldStop
    ) -> tuple[RefRow, ...]:
        """Return the refs that a service can be deployed from, the newest first."""
        ...

    def releases(self, service: str) -> tuple[ReleaseRow, ...]:
        """Return the releases of a service, the newest first."""
        ...

    def facts(self, service: str) -> ServiceDocument:
        """Return what is known of a service."""
        ...

    def instance_facts(self, instance: str) -> InstanceDocument:
        """Return what is known of an instance."""
        ...

    def plan_deploy(
        self, service: str, ref: str, *, tell: Tell, should_stop: ShouldStop
    ) -> PlanView:
        """Say what deploying a ref would change."""
        ...

    def plan_rollback(self, service: str, number: int, *, should_stop: ShouldStop) -> PlanView:
        """Say what rolling back to a release would change."""
        ...

    def carry_out(self, plan: PlanView, *, tell: Tell) -> int:
        """Deploy or roll back as planned; return the number of the new release.

        Raises:
            ConflictError: The ref means another commit by now.
        """
        ...

    def watch(self, service: str, release: int) -> RolloutSource:
        """Open a rollout for the calling thread."""
        ...

    def perform(self, order: Order, *, tell: Tell) -> str:
        """Do what is ordered, and return a line that says what was done.

        Raises:
            PartlyDoneError: Some of it was refused.
        """
        ...
