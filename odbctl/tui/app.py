"""The dashboard's application: one reader thread, one thread per action, screens.

The event loop only draws. What changes comes as messages; the state they add
up to is given to the screens that can be seen, and once a second again, for
the ages. Leaving stops nothing but the dashboard.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from odbctl.errors import OdbctlError
from odbctl.tui.backend import Action, Backend, Verb
from odbctl.tui.main_screen import MainScreen
from odbctl.tui.messages import (
    ActionWanted,
    ReadFailed,
    RequestChanged,
    SnapshotRead,
    StatusChanged,
)
from odbctl.tui.picture import write_picture
from odbctl.tui.reader import Reader, failure_text
from odbctl.tui.service_screen import ServiceScreen
from odbctl.tui.state import DashboardState, done, failed, told
from odbctl.tui.theme import AUTO, DARK, LIGHT, choose_theme
from odbctl.tui.toolbox import Toolbox
from odbctl.tui.view_state import ViewStore

_STEPS = {
    Verb.START: "starting",
    Verb.STOP: "stopping",
    Verb.RESTART: "restarting",
    Verb.SCALE: "scaling",
}


class DashboardApp(App[None]):
    """The dashboard over a backend."""

    TITLE = "odbctl"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True),
    ]

    def __init__(
        self,
        backend: Backend,
        *,
        clock: Callable[[], float] = time.time,
        picture: Path | None = None,
        toolbox: Toolbox | None = None,
    ) -> None:
        """Store what it shows.

        Args:
            backend: Where data comes from and actions go to.
            clock: Seconds since the epoch.
            picture: Write a picture there once something is shown, and end.
            toolbox: What flows and details work with, and how the dashboard was opened.
        """
        super().__init__()
        self.toolbox = toolbox
        self.views = toolbox.views if toolbox is not None else ViewStore()
        # What kept a picture from being made.
        self.failure: OdbctlError | None = None
        self.set_keymap(dict(toolbox.keymap) if toolbox is not None else {})
        self._backend = backend
        self._clock = clock
        self._picture = picture
        self.state = DashboardState(now=clock())
        self._reader = Reader(
            backend,
            on_snapshot=lambda snapshot: self._post(SnapshotRead(snapshot)),
            on_failure=lambda text: self._post(ReadFailed(text)),
        )

    def on_mount(self) -> None:
        """Show the first screen and start reading."""
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = choose_theme(self.toolbox.theme if self.toolbox else AUTO, os.environ)
        self.push_screen(MainScreen(self.state))
        self.set_interval(1.0, self._tick)
        self._reader.start()

    def on_unmount(self) -> None:
        """End the reader."""
        self._reader.stop()

    def on_snapshot_read(self, message: SnapshotRead) -> None:
        """Show what was read."""
        self._change(replace(self.state, snapshot=message.snapshot, failure=""))
        if self._picture is not None and self._is_complete():
            self.call_after_refresh(self._take_picture, self._picture)

    def on_read_failed(self, message: ReadFailed) -> None:
        """Keep what was read, and say that it is not fresh."""
        self._change(replace(self.state, failure=message.text))

    def on_status_changed(self, message: StatusChanged) -> None:
        """Say it in the status line."""
        self._change(replace(self.state, status=message.status))

    def on_request_changed(self, message: RequestChanged) -> None:
        """Let the reader read what the screen in front looks at."""
        self._reader.ask(message.request)

    def on_action_wanted(self, message: ActionWanted) -> None:
        """Do it in a thread of its own, for it may take seconds."""
        action = message.action
        self._change(replace(self.state, status=told(f"{_STEPS[action.verb]} {action.service}")))
        threading.Thread(
            target=self._perform, args=(action,), name=f"dashboard-{action.verb}", daemon=True
        ).start()

    def _perform(self, action: Action) -> None:
        def tell(text: str) -> None:
            self._post(StatusChanged(told(text)))

        try:
            status = done(self._backend.perform(action, tell))
        except Exception as error:  # noqa: BLE001 - the thread's boundary; it is shown
            status = failed(failure_text(error))
        self._post(StatusChanged(status))

    def _post(self, message: SnapshotRead | ReadFailed | StatusChanged) -> None:
        """Post from another thread; an app that has ended hears nothing."""
        if self.is_running:
            self.post_message(message)

    def _tick(self) -> None:
        self._change(self.state)

    def _change(self, state: DashboardState) -> None:
        """Give the state to the screens that can be seen: the top one, and under dialogs."""
        self.state = replace(state, now=self._clock())
        for screen in reversed(self.screen_stack):
            if isinstance(screen, ServiceScreen):
                if screen.is_mounted:
                    screen.show_state(self.state)
                else:
                    screen.state = self.state
                return

    def _is_complete(self) -> bool:
        snapshot = self.state.snapshot
        return snapshot is not None and (snapshot.detail is not None or not snapshot.services)

    def _take_picture(self, path: Path) -> None:
        try:
            write_picture(self.export_screenshot(title="odbctl tui", simplify=True), path)
        except OdbctlError as error:
            self.failure = error
        self.exit()
