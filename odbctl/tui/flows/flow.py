"""The flows: which dialog comes after which. Runs in the dashboard's event loop.

A flow is about names and ids that are fixed when it begins; whatever moves on
the screens below, it stays about them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
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
    service_menu,
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


class Flows:
    """Begins flows in an app, with a backend."""

    def __init__(
        self, app: App[Any], backend: FlowBackend, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._app = app
        self._backend = backend
        self._clock = clock

    def deploy(self, service: str) -> None:
        """Choose a ref, look at the plan, confirm, watch."""

        def planned(ref: str | None) -> None:
            if ref is not None:
                title = f"Deploy {visible(ref)} to {visible(service)}"
                self._plan(title, "Deploy", lambda work: self._deploy_plan(service, ref, work))

        self._push(RefDialog(self._backend, service, now=self._clock()), planned)

    def roll_back(self, service: str) -> None:
        """Choose a release, look at the plan, confirm, watch."""

        def planned(number: int | None) -> None:
            if number is not None:
                title = f"Roll {visible(service)} back to release {number}"
                self._plan(
                    title,
                    "Roll back",
                    lambda work: self._backend.plan_rollback(
                        service, number, should_stop=work.should_stop
                    ),
                )

        self._push(ReleaseDialog(self._backend, service, now=self._clock()), planned)

    def service_actions(
        self, service: str, *, blocked: str = "", is_readonly: bool = False
    ) -> None:
        """Show every action of a service, and do the one that is chosen."""
        seen: list[ServiceDocument] = []

        def read() -> tuple[MenuItem, ...]:
            seen[:] = [self._backend.facts(service)]
            items = service_menu(seen[0], blocked=blocked)
            return read_only(items) if is_readonly else items

        def chosen(key: str | None) -> None:
            if key is not None:
                self._do_to_service(key, service, seen[0])

        self._push(ActionsDialog(f"Actions of service {visible(service)}", read), chosen)

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

        one = f"instance {visible(instances[0])}"
        what = one if len(instances) == 1 else counted(len(instances), "instance")
        self._push(ActionsDialog(f"Actions of {what}", read), chosen)

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

    def _do_to_service(self, key: str, service: str, seen: ServiceDocument) -> None:
        if key == DEPLOY:
            self.deploy(service)
        elif key == ROLL_BACK:
            self.roll_back(service)
        elif key == OrderVerb.SCALE:
            self.scale((service,), seen["desired_count"])
        else:
            living = living_ids(seen)
            verb = OrderVerb(key)
            targets = living if verb is OrderVerb.KILL_INSTANCE else (service,)
            self.order(Order(verb=verb, targets=targets), {service: len(living)})

    def _deploy_plan(self, service: str, ref: str, work: Work) -> PlanView:
        return self._backend.plan_deploy(service, ref, tell=work.tell, should_stop=work.should_stop)

    def _plan(self, title: str, verb: str, make_plan: MakePlan) -> None:
        def agreed(plan: PlanView | None) -> None:
            if plan is not None:
                rollout = Rollout(self._app, self._backend, plan)
                screen = WatchScreen(rollout, clock=self._clock)
                rollout.listen(screen)
                self._push(screen)
                rollout.start()

        self._push(PlanDialog(title, verb, make_plan), agreed)

    def _say(self, status: Cell) -> None:
        self._post(StatusChanged(status))

    def _post(self, message: StatusChanged | NoticeRaised) -> None:
        if self._app.is_running:
            self._app.post_message(message)

    def _push(
        self, screen: Screen[Answer], answer: Callable[[Answer | None], None] | None = None
    ) -> None:
        self._app.push_screen(screen, answer)  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open
