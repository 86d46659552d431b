"""Backends of flows and details that are values in memory."""

from __future__ import annotations

import threading
from dataclasses import replace
from types import TracebackType
from typing import Any, Self, cast

from fakes.moment import NOW

from odbctl.engine.api.documents import InstanceDocument, ServiceDocument
from odbctl.errors import OdbctlError
from odbctl.tui.detail_rows import DetailFacts, Presence, Question
from odbctl.tui.flows.backend import ShouldStop, Tell
from odbctl.tui.flows.orders import Order, outcome_text
from odbctl.tui.flows.rows import CommitRow, LogRow, PlanView, RefRow, RolloutRow, RolloutView
from odbctl.tui.resource_rows import ReleaseRow
from odbctl.tui.toolbox import Toolbox

OLD, NEW = "0123abc" * 6, "fedcba9" * 6


def a_ref(name: str, *, kind: str = "branch", commit: str = NEW, subject: str = "") -> RefRow:
    return RefRow(
        key=name,
        kind=kind,
        commit=commit,
        subject=subject or f"Subject of {name}",
        changed_at=NOW - 60,
        is_deployed=commit == OLD,
    )


def a_release(number: int, outcome: str = "superseded") -> ReleaseRow:
    return ReleaseRow(
        key=f"api/{number}",
        number=number,
        service="api",
        ref="main",
        commit=OLD,
        outcome=outcome,
        reason="",
        class_spec="app:App",
        created_at=NOW - 100,
        finished_at=NOW - 90,
        actor="ann",
        action="deploy",
        changes=("commit 0123abc",),
    )


def a_plan(service: str = "api", *, refusal: str = "", to_release: int | None = None) -> PlanView:
    return PlanView(
        service=service,
        release=5,
        to_release=to_release,
        old="main@0123abc",
        new="main@fedcba9",
        target="main",
        new_commit=NEW,
        old_subject="Say hi",
        new_subject="Say [bold]hello[/]",
        relation="ahead",
        commits=(CommitRow(sign="+", commit=NEW, subject="Say [bold]hello[/]", author="Ann"),),
        hidden_count=3,
        instances=((f"{service}-1", "running"), (f"{service}-2", "running")),
        order=("2 new instances start while the old ones keep running",),
        keeps=("2 wanted",),
        refusal=refusal,
    )


def a_rollout(outcome: str = "rolling", *, ready: int = 0, reason: str = "") -> RolloutView:
    rows = [
        RolloutRow(
            key=f"api-{number}",
            state="running" if number - 3 < ready else "initializing",
            is_ready=number - 3 < ready,
            is_new=True,
            release=5,
            running_at=NOW - 3,
            note="",
        )
        for number in (3, 4)
    ]
    return RolloutView(
        service="api", release=5, outcome=outcome, reason=reason, wanted=2, instances=tuple(rows)
    )


def service_document(name: str = "api", **fields: Any) -> ServiceDocument:
    """Return what the menu and the flows look at of a service."""
    document = {
        "name": name,
        "desired_count": 2,
        "paused": False,
        "target_count": 2,
        "lock": "unlocked",
        "restart": "always",
        "failed_starts": 0,
        "crashes": 0,
        "schedule": None,
        "singleton": False,
        "instances": [instance_document(f"{name}-{number}") for number in (1, 2)],
    }
    return cast("ServiceDocument", document | fields)


def instance_document(name: str, *, state: str = "running", pid: int | None = 42) -> Any:
    return cast("InstanceDocument", {"id": name, "state": state, "pid": pid})


class FakeFlows:
    """Answers what a test puts into it; remembers what was asked and ordered.

    While `is_held` is set, answers wait: for what takes long.
    """

    def __init__(self) -> None:
        self.refs_found: tuple[RefRow, ...] = (a_ref("main"), a_ref("v1", kind="tag", commit=OLD))
        self.releases_found: tuple[ReleaseRow, ...] = (
            a_release(4, "active"),
            a_release(3),
            a_release(2, "failed"),
        )
        self.document = service_document()
        self.documents: dict[str, ServiceDocument] = {}
        self.plan = a_plan()
        self.failure: OdbctlError | None = None
        # Why single targets take no order.
        self.refusals: dict[str, OdbctlError] = {}
        self.orders: list[Order] = []
        self.planned: list[str] = []
        self.carried_out: list[PlanView] = []
        self.fresh: list[bool] = []
        self.told_stop = threading.Event()
        self._changed = threading.Condition()
        self._is_held = False
        self._view = a_rollout()

    def hold(self) -> None:
        """Let answers wait."""
        self._is_held = True

    def let_go(self) -> None:
        """Let answers come."""
        with self._changed:
            self._is_held = False
            self._changed.notify_all()

    def put(self, view: RolloutView) -> None:
        """Let a rollout stand like this from now on."""
        with self._changed:
            self._view = view
            self._changed.notify_all()

    def _answer(self, should_stop: ShouldStop | None = None) -> None:
        with self._changed:
            while self._is_held:
                self._changed.wait(0.01)
                if should_stop is not None and should_stop():
                    self.told_stop.set()
                    return
        if self.failure is not None:
            raise self.failure

    def refs(
        self, service: str, *, is_fresh: bool, tell: Tell, should_stop: ShouldStop
    ) -> tuple[RefRow, ...]:
        del service
        self.fresh.append(is_fresh)
        tell("fetching from somewhere")
        self._answer(should_stop)
        return self.refs_found

    def releases(self, service: str) -> tuple[ReleaseRow, ...]:
        del service
        self._answer()
        return self.releases_found

    def facts(self, service: str) -> ServiceDocument:
        self._answer()
        return self.documents.get(service, self.document)

    def instance_facts(self, instance: str) -> InstanceDocument:
        self._answer()
        return cast("InstanceDocument", instance_document(instance))

    def plan_deploy(
        self, service: str, ref: str, *, tell: Tell, should_stop: ShouldStop
    ) -> PlanView:
        del tell
        self.planned.append(f"{service} {ref}")
        self._answer(should_stop)
        return replace(self.plan, service=service)

    def plan_rollback(self, service: str, number: int, *, should_stop: ShouldStop) -> PlanView:
        self.planned.append(f"{service} {number}")
        self._answer(should_stop)
        return replace(self.plan, service=service, to_release=number)

    def carry_out(self, plan: PlanView, *, tell: Tell) -> int:
        self.carried_out.append(plan)
        tell("checking the class")
        self._answer()
        return plan.release

    def watch(self, service: str, release: int) -> FakeRollout:
        del service, release
        return FakeRollout(self)

    def perform(self, order: Order, *, tell: Tell) -> str:
        self.orders.append(order)
        tell("a step")
        self._answer()
        refused = [self.refusals[target] for target in order.targets if target in self.refusals]
        taken = [target for target in order.targets if target not in self.refusals]
        return outcome_text([f"{order.verb} {target}: done" for target in taken], refused)

    def view(self) -> RolloutView:
        with self._changed:
            return self._view

    def wait_for_other(self, view: RolloutView | None, timeout_seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._view != view, timeout_seconds)


class FakeRollout:
    """A rollout over a FakeFlows."""

    def __init__(self, flows: FakeFlows) -> None:
        self._flows = flows
        self._view: RolloutView | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def read(self) -> RolloutView:
        self._view = self._flows.view()
        return self._view

    def wait(self, timeout_seconds: float) -> None:
        self._flows.wait_for_other(self._view, timeout_seconds)

    def wake(self) -> None:
        pass


class FakeDetails:
    """Answers every question with the same facts; counts the reads."""

    def __init__(self, facts: DetailFacts | None = None) -> None:
        self._changed = threading.Condition()
        self._version = 0
        self.facts = facts or DetailFacts(question=Question(service="api"), presence=Presence.HERE)
        self.questions: list[Question] = []
        self.failure: OdbctlError | None = None
        self.open_count = 0

    def put(self, facts: DetailFacts) -> None:
        """Answer with this from now on."""
        self.facts = facts
        self.wake()

    def wake(self) -> None:
        with self._changed:
            self._version += 1
            self._changed.notify_all()

    def open(self) -> FakeDetailSource:
        if self.failure is not None:
            raise self.failure
        return FakeDetailSource(self)

    def read(self, question: Question) -> tuple[int, DetailFacts]:
        self.questions.append(question)
        with self._changed:
            return self._version, replace(self.facts, question=question)

    def wait_for_other(self, version: int, timeout_seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._version != version, timeout_seconds)


class FakeDetailSource:
    """A source over a FakeDetails."""

    def __init__(self, details: FakeDetails) -> None:
        self._details = details
        self._version = -1

    def __enter__(self) -> Self:
        self._details.open_count += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._details.open_count -= 1

    def read(self, question: Question) -> DetailFacts:
        self._version, facts = self._details.read(question)
        return facts

    def wait(self, timeout_seconds: float) -> None:
        self._details.wait_for_other(self._version, timeout_seconds)

    def wake(self) -> None:
        self._details.wake()


def a_toolbox(
    flows: FakeFlows | None = None, details: FakeDetails | None = None, **fields: Any
) -> Toolbox:
    found_flows, found_details = flows or FakeFlows(), details or FakeDetails()
    return Toolbox(
        make_flows=lambda: found_flows,
        make_details=lambda: found_details,
        clock=lambda: NOW,
        **fields,
    )


def a_log(text: str, *, level: str = "INFO", instance: str = "api-1") -> LogRow:
    return LogRow(at=NOW - 5, instance=instance, level=level, text=text)
