"""The flows: which dialog comes after which. Runs in the dashboard's event loop.

A flow is about names and ids that are fixed when it begins; whatever moves on
the screens below, it stays about them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from textual.app import App
from textual.screen import Screen

from odbctl.engine.api.documents import ServiceDocument
from odbctl.tui.dialogs import Answer, ConfirmDialog, CountDialog, TypedDialog
from odbctl.tui.flows.backend import FlowBackend
from odbctl.tui.flows.confirmations import confirmation
from odbctl.tui.flows.menu import (
    DEPLOY,
    ROLL_BACK,
    MenuItem,
    instances_menu,
    living_ids,
    read_only,
    services_menu,
)
from odbctl.tui.flows.menu_dialog import ActionsDialog
from odbctl.tui.flows.orders import Order, OrderVerb, names_text, step_text
from odbctl.tui.flows.plan_dialog import MakePlan, PlanDialog
from odbctl.tui.flows.ref_dialog import RefDialog
from odbctl.tui.flows.release_dialog import ReleaseDialog
from odbctl.tui.flows.rollout import Rollout
from odbctl.tui.flows.rows import PlanView
from odbctl.tui.flows.watch_screen import WatchScreen
from odbctl.tui.flows.work import Work
from odbctl.tui.messages import NoticeRaised, StatusChanged
from odbctl.tui.paint import Cell
from odbctl.tui.reader import failure_text
from odbctl.tui.state import done, told
from odbctl.tui.text import counted, visible


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One plan of a flow: what its dialog says, and what makes it in a thread."""

    title: str
    verb: str
    make_plan: MakePlan


class Flows:
    """Begins flows in an app, with a backend."""

    def __init__(
        self, app: App[Any], backend: FlowBackend, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._app = app
        self._backend = backend
        self._clock = clock

    def deploy(self, *services: str) -> None:
        """Choose a ref; then, service by service, look at the plan, confirm, watch."""

        def chosen(ref: str | None) -> None:
            if ref is None:
                return
            self._plan_each(
                [
                    Step(
                        title=f"Deploy {visible(ref)} to {visible(service)}",
                        verb="Deploy",
                        make_plan=partial(self._deploy_plan, service, ref),
                    )
                    for service in services
                ]
            )

        self._push(RefDialog(self._backend, *services, now=self._clock()), chosen)

    def roll_back(self, *services: str) -> None:
        """Service by service, choose a release, look at the plan, confirm, watch."""
        service, *others = services

        def chosen(number: int | None) -> None:
            if number is None:
                return
            step = Step(
                title=f"Roll {visible(service)} back to release {number}",
                verb="Roll back",
                make_plan=partial(self._rollback_plan, service, number),
            )
            self._plan_each([step], then=partial(self.roll_back, *others) if others else None)

        self._push(ReleaseDialog(self._backend, service, now=self._clock()), chosen)

    def service_actions(self, *services: str, blocked: str = "", is_readonly: bool = False) -> None:
        """Show every action of services, and do the one that is chosen to all of them."""
        seen: list[ServiceDocument] = []

        def read() -> tuple[MenuItem, ...]:
            seen[:] = [self._backend.facts(service) for service in services]
            items = services_menu(seen, blocked=blocked)
            return read_only(items) if is_readonly else items

        def chosen(key: str | None) -> None:
            if key is not None:
                self._do_to_services(key, services, seen)

        self._push(ActionsDialog(f"Actions of {_named(services, 'service')}", read), chosen)

    def instance_actions(
        self, *instances: str, blocked: str = "", is_readonly: bool = False
    ) -> None:
        """Show every action of instances, and do the one that is chosen to all of them."""

        def read() -> tuple[MenuItem, ...]:
            found = [self._backend.instance_facts(instance) for instance in instances]
            items = instances_menu(found, blocked=blocked)
            return read_only(items) if is_readonly else items

        def chosen(key: str | None) -> None:
            if key is not None:
                self.order(Order(verb=OrderVerb(key), targets=instances), {})

        self._push(ActionsDialog(f"Actions of {_named(instances, 'instance')}", read), chosen)

    def order(self, order: Order, instance_counts: Mapping[str, int]) -> None:
        """Do what is ordered, once it was confirmed where it has to be.

        Args:
            order: Its targets are fixed by now.
            instance_counts: How many instances live of each service, as was shown.
        """
        asked = confirmation(order, instance_counts)
        if asked is None:
            self.perform(order)
            return

        def answered(is_confirmed: bool | None) -> None:
            if is_confirmed:
                self.perform(order)

        if asked.typed:
            self._push(TypedDialog(asked.question, asked.button, asked.typed), answered)
        else:
            self._push(ConfirmDialog(asked.question, asked.button), answered)

    def scale(self, services: tuple[str, ...], count: int) -> None:
        """Ask how many instances of each are wanted, and want them."""

        def answered(wanted: int | None) -> None:
            if wanted is not None:
                self.perform(Order(verb=OrderVerb.SCALE, targets=services, count=wanted))

        each = "" if len(services) == 1 else "each of "
        names = visible(names_text(services))
        self._push(CountDialog(f"How many instances of {each}{names}?", count), answered)

    def perform(self, order: Order) -> None:
        """Do it in a thread, and say in the status line what is done and what was."""
        self._say(told(visible(step_text(order))))
        threading.Thread(
            target=self._perform, args=(order,), name="dashboard-order", daemon=True
        ).start()

    def _perform(self, order: Order) -> None:
        try:
            text = self._backend.perform(order, tell=lambda text: self._say(told(visible(text))))
        except Exception as error:  # noqa: BLE001 - the thread's boundary; it is shown
            self._post(NoticeRaised(visible(failure_text(error))))
        else:
            self._say(done(visible(text)))

    def _do_to_services(
        self, key: str, services: tuple[str, ...], seen: Sequence[ServiceDocument]
    ) -> None:
        if key == DEPLOY:
            self.deploy(*services)
        elif key == ROLL_BACK:
            self.roll_back(*services)
        elif key == OrderVerb.SCALE:
            self.scale(services, seen[0]["desired_count"])
        else:
            living = [living_ids(document) for document in seen]
            verb = OrderVerb(key)
            is_kill = verb is OrderVerb.KILL_INSTANCE
            targets = tuple(chain.from_iterable(living)) if is_kill else services
            counts = dict(zip(services, map(len, living), strict=True))
            self.order(Order(verb=verb, targets=targets), counts)

    def _deploy_plan(self, service: str, ref: str, work: Work) -> PlanView:
        return self._backend.plan_deploy(service, ref, tell=work.tell, should_stop=work.should_stop)

    def _rollback_plan(self, service: str, number: int, work: Work) -> PlanView:
        return self._backend.plan_rollback(service, number, should_stop=work.should_stop)

    def _plan_each(self, steps: Sequence[Step], *, then: Callable[[], None] | None = None) -> None:
        """Show the first plan; once it is agreed to, carry it out and show the next.

        The last one is watched; those before it run in the background. Turning a plan
        down also ends what would follow.

        Args:
            steps: One for each service.
            then: What follows the last one, which then runs in the background, too.
        """
        step, *others = steps
        proceed = partial(self._plan_each, others, then=then) if others else then

        def agreed(plan: PlanView | None) -> None:
            if plan is None:
                return
            rollout = Rollout(self._app, self._backend, plan)
            if proceed is None:
                screen = WatchScreen(rollout, clock=self._clock)
                rollout.listen(screen)
                self._push(screen)
            rollout.start()
            if proceed is not None:
                proceed()

        more = f" ({len(others)} more to follow)" if others else ""
        self._push(PlanDialog(step.title + more, step.verb, step.make_plan), agreed)

    def _say(self, status: Cell) -> None:
        self._post(StatusChanged(status))

    def _post(self, message: StatusChanged | NoticeRaised) -> None:
        if self._app.is_running:
            self._app.post_message(message)

    def _push(
        self, screen: Screen[Answer], answer: Callable[[Answer | None], None] | None = None
    ) -> None:
        self._app.push_screen(screen, answer)  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open


def _named(names: tuple[str, ...], noun: str) -> str:
    """Return `service api`, or `2 services: api, web`."""
    if len(names) == 1:
        return f"{noun} {visible(names[0])}"
    return f"{counted(len(names), noun)}: {visible(names_text(names))}"
