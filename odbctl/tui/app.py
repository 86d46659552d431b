"""The dashboard's application: one reader thread, one thread per order, screens.

The event loop only draws. What changes comes as messages; the state they add
up to is given to the screens that can be seen, and once a second again, for
the ages. Leaving stops nothing but the dashboard.
"""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.screen import ModalScreen

from odbctl.errors import OdbctlError
from odbctl.tui.backend import Backend
from odbctl.tui.frame_screen import FrameScreen
from odbctl.tui.history import History
from odbctl.tui.key_queue import KeyQueue, ScreenAwaited
from odbctl.tui.logs.source import LogRequest, LogSource
from odbctl.tui.messages import (
    CommandTyped,
    DescriptionWanted,
    NoticeRaised,
    ObjectDescribed,
    ReadFailed,
    RequestChanged,
    SnapshotRead,
    StatusChanged,
)
from odbctl.tui.paint import Cell, Tone
from odbctl.tui.reader import Reader, failure_text
from odbctl.tui.screens.make import AnyScreen, make_screen
from odbctl.tui.state import DashboardState, failed, with_notice
from odbctl.tui.theme import ANSI, THEMES, choose_theme
from odbctl.tui.toolbox import Toolbox
from odbctl.tui.views import View, parse_command

if TYPE_CHECKING:
    from odbctl.tui.flows.flow import Flows

# So long a picture waits for what it is to show.
PICTURE_SECONDS = 10.0
PICTURE_REST_SECONDS = 0.7


def _commands() -> type[Provider]:
    """Return what the palette offers; imported by who opens it only."""
    from odbctl.tui.palette import DashboardCommands

    return DashboardCommands


class DashboardApp(App[None]):
    """The dashboard over a backend."""

    TITLE = "odbctl"
    COMMANDS = {_commands}
    # Textual's own key for the palette comes before those of dialogs; screens bind it themselves.
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True),
    ]

    def __init__(
        self,
        backend: Backend,
        toolbox: Toolbox,
        *,
        picture: Path | None = None,
        first: View = View.SERVICES,
        is_readonly: bool = False,
    ) -> None:
        """Store what it shows.

        Args:
            backend: Where data comes from.
            toolbox: What flows and details work with, and how the dashboard was opened.
            picture: Write a picture there once something is shown, and end.
            first: The view to begin with.
            is_readonly: Offer and do nothing that changes anything.
        """
        # An app takes NO_COLOR out of the environment as it begins. A picture has no terminal.
        environ = {} if picture is not None else dict(os.environ)
        self._theme_name = choose_theme(toolbox.theme, environ)
        super().__init__(ansi_color=True if self._theme_name == ANSI.name else None)
        self.use_command_palette = True
        self.toolbox = toolbox
        self.views = toolbox.views
        # What kept a picture from being made.
        self.failure: OdbctlError | None = None
        self.set_keymap(dict(toolbox.keymap))
        self._backend = backend
        self._clock = toolbox.clock
        self._picture = picture
        self._history = History(first)
        self._views: dict[View, AnyScreen] = {}
        self.state = DashboardState(now=toolbox.clock(), is_readonly=is_readonly)
        self.keys = KeyQueue(self, super().on_event)
        self._reader = Reader(
            backend,
            on_snapshot=lambda snapshot: self._post(SnapshotRead(snapshot)),
            on_failure=lambda text: self._post(ReadFailed(text)),
            clock=toolbox.clock,
        )

    # What only some keys lead to is imported then: the first paint does not wait for it.

    @cached_property
    def flows(self) -> Flows:
        """What begins orders and flows."""
        from odbctl.tui.flows.flow import Flows

        return Flows(self, self.toolbox.make_flows(), clock=self._clock)

    async def on_event(self, event: events.Event) -> None:
        """Handle an event; every key that is typed goes through the key queue."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            await self.keys.put(event)
        else:
            await super().on_event(event)

    def on_screen_awaited(self, message: ScreenAwaited) -> None:
        """Hold keys until the screen that the last key opens is there."""
        if message.is_over:
            self.keys.release()
        else:
            self.keys.hold()

    def on_mount(self) -> None:
        """Show the first screen and start reading."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self._theme_name
        self.push_screen(self._screen_of(self._history.current))
        self.set_interval(1.0, self._tick)
        if self._picture is not None:  # a home that cannot be read has its picture, too
            self.set_timer(PICTURE_SECONDS, partial(self._take_picture, self._picture))
        self.call_after_refresh(self._reader.start)  # it would take from the first frame

    def on_unmount(self) -> None:
        """End the reader, and remember how the screens were left."""
        self._reader.stop()
        self.views.screen = self._history.current.value
        for view, screen in self._views.items():
            self.views.keep(view.value, screen.table.arrangement)

    def on_snapshot_read(self, message: SnapshotRead) -> None:
        """Show what was read."""
        self._change(replace(self.state, snapshot=message.snapshot, failure=""))
        if self._picture is not None and self._is_complete():
            path, self._picture = self._picture, None
            # Panes that read for themselves come after.
            self.set_timer(PICTURE_REST_SECONDS, partial(self._take_picture, path))

    def on_read_failed(self, message: ReadFailed) -> None:
        """Keep what was read, and say that it is not fresh."""
        self._change(replace(self.state, failure=message.text))

    def on_status_changed(self, message: StatusChanged) -> None:
        """Say it in the status line."""
        self._say(message.status)

    def on_notice_raised(self, message: NoticeRaised) -> None:
        """Show it until it is dismissed; the status line says no more that it goes on."""
        notices = with_notice(self.state.notices, message.text)
        self._change(replace(self.state, notices=notices, status=Cell("")))

    def dismiss_notice(self) -> bool:
        """Take the newest notice away; return whether there was one."""
        notices = self.state.notices
        if notices:
            self._change(replace(self.state, notices=notices[:-1]))
        return bool(notices)

    def on_request_changed(self, message: RequestChanged) -> None:
        """Let the reader read what the screen in front looks at."""
        self._reader.ask(message.request)

    def on_command_typed(self, message: CommandTyped) -> None:
        """Go where the person typed, or say why not."""
        command = parse_command(message.text)
        if isinstance(command, str):
            self._say(failed(command))
        elif command.view is not None:
            self.go_to(command.view, filter_text=command.rest or None)
        elif command.word == "quit":
            self.exit()
        elif isinstance(self.screen, FrameScreen):
            self.screen.action_help()

    def go_to(self, view: View, *, filter_text: str | None = None) -> None:
        """Show a view's screen, filtered if a text is given."""
        self._history.go(view)
        self._show(view)
        if filter_text is not None:
            self._screen_of(view).set_filter(filter_text)

    def go_up(self) -> None:
        """Leave the screen in front; of a view's own screen, go back to the view before."""
        if self._is_view_in_front:
            self.action_history(-1)
        else:
            self.pop_screen()

    def open_detail(self, service: str, *, instance: str | None = None) -> None:
        """Open the screen of a service, or of one of its instances."""
        from odbctl.tui.detail_screen import DetailScreen

        self.push_screen(DetailScreen(self.state, service, instance=instance))

    def open_logs(
        self,
        service: str,
        *,
        instance: str | None = None,
        also: tuple[str, ...] = (),
        is_previous: bool = False,
    ) -> None:
        """Open the log of a service or of one of its instances, merged with others'."""
        from odbctl.tui.logs.screen import LogScreen

        request = LogRequest(service=service, instance=instance, also=also, is_previous=is_previous)
        self.push_screen(LogScreen(self.log_source, request, clock=self._clock))

    def log_source(self, request: LogRequest) -> LogSource:
        """Open logs for the calling thread."""
        return self._backend.open_logs(request)

    def action_go(self, view: str) -> None:
        """Show a view's screen."""
        self.go_to(View(view))

    def action_history(self, step: int) -> None:
        """Go back or forward among the views that were shown."""
        if (view := self._history.move(step)) is not None:
            self._show(view)

    @property
    def _is_view_in_front(self) -> bool:
        return self.screen is self._views.get(self._history.current)

    def _show(self, view: View) -> None:
        """Bring a view's screen to the front, in the place of the one before and all on it."""
        # The first of the stack is Textual's own.
        while len(self.screen_stack) > 2:
            self.pop_screen()
        screen = self._screen_of(view)
        if screen is not self.screen:
            # What was said about another screen says nothing here; what still goes on does.
            if self.state.status.tone is not Tone.BUSY:
                self.state = replace(self.state, status=Cell(""))
            screen.state = self.state
            self.switch_screen(view.value)  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open

    def _screen_of(self, view: View) -> AnyScreen:
        """Return the screen of a view; it stays, with its cursor and filter."""
        screen = self._views.get(view)
        if screen is None:
            screen = self._views[view] = make_screen(view, self.state)
            screen.table.choose(self.views.view(view.value))
            self.install_screen(screen, view.value)  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open
        return screen

    def on_description_wanted(self, message: DescriptionWanted) -> None:
        """Read an object in a thread of its own; keys wait for the screen that shows it."""
        self.keys.hold()
        threading.Thread(
            target=self._describe,
            args=(message.view, message.key),
            name="dashboard-describe",
            daemon=True,
        ).start()

    def _describe(self, view: View, key: str) -> None:
        title = f"{view.value}\n{key}"
        try:
            described = ObjectDescribed(title, self._backend.describe(view, key))
        except Exception as error:  # noqa: BLE001 - the thread's boundary; it is shown
            described = ObjectDescribed(title, "", failure_text(error))
        self._post(described)

    def on_object_described(self, message: ObjectDescribed) -> None:
        """Show an object, or why it cannot be shown."""
        self.keys.release()
        if message.failure:
            self._say(failed(message.failure))
        elif self._is_view_in_front:
            from odbctl.tui.screens.text_screen import TextScreen

            self.push_screen(TextScreen(self.state, message.title, message.text))

    def _post(self, message: SnapshotRead | ReadFailed | StatusChanged | ObjectDescribed) -> None:
        """Post from another thread; an app that has ended hears nothing."""
        if self.is_running:
            self.post_message(message)

    def _say(self, status: Cell) -> None:
        self._change(replace(self.state, status=status, status_at=self._clock()))

    def _tick(self) -> None:
        state = replace(self.state, now=self._clock(), read_at=self._reader.read_at)
        if state.is_status_over:
            state = replace(state, status=Cell(""))
        self._change(state)

    def _change(self, state: DashboardState) -> None:
        """Give the state to the screen that can be seen, also under dialogs, and to no other."""
        self.state = replace(state, now=self._clock(), read_at=self._reader.read_at)
        for screen in reversed(self.screen_stack):
            if isinstance(screen, FrameScreen):
                if screen.is_mounted:
                    screen.show_state(self.state)
                else:
                    screen.state = self.state
                return
            if not isinstance(screen, ModalScreen):
                return

    def _is_complete(self) -> bool:
        """Tell whether everything that the screen in front shows has been read."""
        snapshot = self.state.snapshot
        if snapshot is None or snapshot.view is not self._history.current:
            return False
        is_alone = snapshot.view is not View.SERVICES or not snapshot.services
        return is_alone or snapshot.detail is not None

    def _take_picture(self, path: Path) -> None:
        from odbctl.tui.picture import write_picture

        try:
            write_picture(self.export_screenshot(title="odbctl tui", simplify=True), path)
        except OdbctlError as error:
            self.failure = error
        self.exit()
