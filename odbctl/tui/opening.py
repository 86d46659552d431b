"""Opening the dashboard: options, terminal, theme, keys. Imports Textual late.

Textual reads how many frames it may draw when it is imported: over SSH fewer,
because each is bytes on the wire.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from odbctl.errors import OdbctlError, UsageError
from odbctl.paths import Home
from odbctl.tui.hangup import HangupWatch
from odbctl.tui.views import BY_WORD, View

if TYPE_CHECKING:
    from odbctl.tui.app import DashboardApp
    from odbctl.tui.detail_reading import DetailBackend
    from odbctl.tui.flows.backend import FlowBackend
    from odbctl.tui.keymap import Groups
    from odbctl.tui.toolbox import Toolbox

SSH_FRAMES_PER_SECOND = 12
FRAMES_VARIABLE = "TEXTUAL_FPS"
PICTURE_SIZE = (120, 40)
_SIZE = re.compile(r"(\d{1,4})x(\d{1,4})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the dashboard is opened."""

    is_readonly: bool = False
    has_mouse: bool = True
    screenshot: Path | None = None
    screen: str = ""
    size: tuple[int, int] = PICTURE_SIZE
    theme: str = "auto"
    keys: Mapping[str, str] = field(default_factory=dict[str, str])
    # The file that `keys` come from, for messages.
    keys_path: str = ""


def parse_size(text: str) -> tuple[int, int]:
    """Return columns and rows of `120x40`.

    Raises:
        UsageError: It is no size of a terminal.
    """
    found = _SIZE.fullmatch(text)
    size = (int(found[1]), int(found[2])) if found else (0, 0)
    if not (1 <= size[0] <= 1000 and 1 <= size[1] <= 1000):
        raise UsageError(f"{text!r} is not a terminal size", hint="for example --size 120x40")
    return size


def parse_screen(text: str) -> str:
    """Return the full name of a screen by its name, its alias or its key.

    Raises:
        UsageError: There is no such screen.
    """
    found = BY_WORD.get(text)
    if found is None:
        raise UsageError(f"no screen {text!r}", hint=f"one of {', '.join(View)}")
    return found.value


def is_remote(environ: Mapping[str, str]) -> bool:
    """Tell whether the terminal is at the other end of an SSH connection."""
    return bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))


def limit_frames(environ: MutableMapping[str, str]) -> None:
    """Let Textual draw fewer frames over SSH, unless somebody has said how many."""
    if is_remote(environ):
        environ.setdefault(FRAMES_VARIABLE, str(SSH_FRAMES_PER_SECOND))


def open_dashboard(home: Home, options: Options) -> None:
    """Show the dashboard of a home until the person quits; services go on.

    Args:
        home: Whose services.
        options: With a screenshot it needs no terminal, and ends once the picture is written.

    Raises:
        UsageError: Standard output is no terminal, or an option cannot be meant.
    """
    limit_frames(os.environ)
    is_picture = options.screenshot is not None
    if options.screenshot is not None:
        from odbctl.tui.picture import check_picture

        check_picture(options.screenshot)
    elif not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the dashboard needs a terminal", hint="odbctl ps")
    app = make_app(home, options)
    asyncio.run(_run(app, options, is_headless=is_picture))
    app.views.save()
    if app.failure is not None:
        raise app.failure
    if app.return_code:
        raise OdbctlError("the dashboard crashed", hint="odbctl ps")


def make_app(home: Home, options: Options) -> DashboardApp:
    """Return the app over a real home.

    Raises:
        UsageError: A key was chosen that cannot be.
    """
    from odbctl.tui.app import DashboardApp
    from odbctl.tui.backend import EngineBackend

    toolbox = make_toolbox(home, options)
    return DashboardApp(
        EngineBackend(home),
        toolbox,
        picture=options.screenshot,
        first=BY_WORD.get(options.screen or toolbox.views.screen, View.SERVICES),
        is_readonly=options.is_readonly,
    )


def make_toolbox(home: Home, options: Options) -> Toolbox:
    """Return what the app over a real home works with.

    Raises:
        UsageError: A key was chosen that cannot be.
    """
    from odbctl.tui.keymap import check_keymap
    from odbctl.tui.toolbox import Toolbox
    from odbctl.tui.view_state import ViewStore

    def flows() -> FlowBackend:
        from odbctl.tui.flows.engine_flows import EngineFlows

        return EngineFlows(home)

    def details() -> DetailBackend:
        from odbctl.tui.detail_reading import EngineDetails

        return EngineDetails(home)

    keys, path = options.keys, options.keys_path
    return Toolbox(
        make_flows=flows,
        make_details=details,
        keymap=check_keymap(keys, key_groups(), path=path) if keys else {},
        theme=options.theme,
        views=ViewStore.of(home) if options.screenshot is None else ViewStore(),
    )


def key_groups() -> Groups:
    """Return the bindings there are, by what is seen when they are heard."""
    from odbctl.tui.detail_screen import DetailScreen
    from odbctl.tui.logs.panel import LogPanel
    from odbctl.tui.logs.screen import LogScreen
    from odbctl.tui.logs.view import LogView
    from odbctl.tui.resource_table import ResourceTable
    from odbctl.tui.screens.make import screen_class
    from odbctl.tui.table import RowTable

    table, log = (
        [*ResourceTable.BINDINGS, *RowTable.BINDINGS],
        [*LogPanel.BINDINGS, *LogView.BINDINGS],
    )
    return {
        **{view.value: [*screen_class(view).BINDINGS, *table] for view in View},
        "detail": [*DetailScreen.BINDINGS, *RowTable.BINDINGS],
        "logs": [*LogScreen.BINDINGS, *log],
    }


async def _run(app: DashboardApp, options: Options, *, is_headless: bool) -> None:
    """Run the app; a signal or a terminal that hangs up ends it as `q` does."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, app.exit)
    with ExitStack() as stack:
        if not is_headless:
            terminal = sys.__stdin__ or sys.stdin  # what Textual reads keys from
            watch = HangupWatch(terminal.fileno(), lambda: loop.call_soon_threadsafe(app.exit))
            stack.enter_context(watch)
        await app.run_async(
            headless=is_headless,
            size=options.size if is_headless else None,
            mouse=options.has_mouse,
        )
