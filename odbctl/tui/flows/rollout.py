"""A deploy or roll back that goes on, whoever looks at it: one thread from order to end.

It says how it stands to whoever listens, and at the end to the app's status line.
Leaving the dashboard ends the watching only: managers carry the rollout through.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any

from textual.app import App
from textual.message import Message
from textual.message_pump import MessagePump

from odbctl.tui.flows.backend import FlowBackend, RolloutSource
from odbctl.tui.flows.paint import end_text
from odbctl.tui.flows.rows import PlanView, RolloutView
from odbctl.tui.messages import NoticeRaised, StatusChanged
from odbctl.tui.paint import Cell
from odbctl.tui.reader import failure_text
from odbctl.tui.state import done, failed, told
from odbctl.tui.text import visible

# Logs announce nothing: they are looked at so often.
LOOK_SECONDS = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutState:
    """How it stands: what it is at, what is seen, and how it ended."""

    plan: PlanView
    step: str = ""
    view: RolloutView | None = None
    end: Cell | None = None


class RolloutChanged(Message):
    """It stands otherwise now."""

    def __init__(self, state: RolloutState) -> None:
        super().__init__()
        self.state = state


class Rollout:
    """One plan that is carried out and watched."""

    def __init__(self, app: App[Any], backend: FlowBackend, plan: PlanView) -> None:
        self._app = app
        self._backend = backend
        self._lock = threading.Lock()
        self._listener: MessagePump | None = None
        self.state = RolloutState(plan=plan, step="preparing the release")

    def start(self) -> None:
        """Begin, in a thread."""
        threading.Thread(target=self._run, name="dashboard-rollout", daemon=True).start()

    def listen(self, listener: MessagePump | None) -> None:
        """Tell this one how it stands from now on; None lets it go on in the background."""
        with self._lock:
            self._listener = listener
        if listener is None and self.state.end is None:
            self._say(told(self._background_text()))

    def _run(self) -> None:
        try:
            self._carry_out()
        except Exception as error:  # noqa: BLE001 - the thread's boundary; it is shown
            name = visible(self.state.plan.service)
            self._finish(f"{name}: {visible(failure_text(error))}", is_failed=True)

    def _carry_out(self) -> None:
        """Order it, and watch: to its end, and as long as somebody looks."""
        plan = self.state.plan
        number = self._backend.carry_out(
            plan, tell=lambda text: self._change(replace(self.state, step=text))
        )
        with self._backend.watch(plan.service, number) as source:
            while self._app.is_running and (self.state.end is None or self._is_watched):
                self._look(source)
                source.wait(LOOK_SECONDS)

    def _look(self, source: RolloutSource) -> None:
        view = source.read()
        if view != self.state.view:
            self._change(replace(self.state, view=view, step=""))
        if view.is_over and self.state.end is None:
            self._finish(end_text(view), is_failed=view.outcome == "failed")

    def _finish(self, text: str, *, is_failed: bool) -> None:
        """Say how it ended: where it is watched, and in the frame of every screen.

        A failure that nobody watched is a notice: it stays until it is dismissed.
        """
        if self.state.end is not None:
            return
        end = failed(text) if is_failed else done(text)
        was_watched = self._is_watched
        self._change(replace(self.state, end=end, step=""))
        if is_failed and not was_watched:
            self._post(NoticeRaised(text))
        else:
            self._say(end)

    @property
    def _is_watched(self) -> bool:
        with self._lock:
            return self._listener is not None

    def _change(self, state: RolloutState) -> None:
        self.state = state
        with self._lock:
            listener = self._listener
        if listener is None:
            if state.end is None:
                self._say(told(self._background_text()))
        elif listener.is_running:  # one that is not yet reads the state when it is
            listener.post_message(RolloutChanged(state))

    def _background_text(self) -> str:
        name, view = visible(self.state.plan.service), self.state.view
        if view is None:
            return f"{name}: {visible(self.state.step)}"
        return f"{name}: release {view.release}, {view.ready_count}/{view.wanted} ready"

    def _say(self, status: Cell) -> None:
        self._post(StatusChanged(status))

    def _post(self, message: StatusChanged | NoticeRaised) -> None:
        if self._app.is_running:
            self._app.post_message(message)
