"""The processes whose first paint is timed: an empty app, and the dashboard.

Run as `python -m benchmarks.first_paint NAME`; prints seconds since BENCH_BEGAN_AT. It
imports nothing that one of them would not need.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time

SIZE = (200, 60)


def empty() -> float:
    """Paint an app without anything in it; return when that was."""
    from textual.app import App

    painted: list[float] = []

    class Empty(App[None]):
        def on_mount(self) -> None:
            self.call_after_refresh(self.end)

        def end(self) -> None:
            painted.append(time.time())
            self.exit()

    asyncio.run(Empty().run_async(headless=True, size=SIZE))
    return painted[0]


def dashboard(*, has_services: bool) -> float:
    """Paint the dashboard: its first frame, or the first one with services in it."""
    from odbctl.paths import Home
    from odbctl.tui.app import DashboardApp
    from odbctl.tui.backend import EngineBackend
    from odbctl.tui.messages import SnapshotRead
    from odbctl.tui.opening import Options, make_toolbox

    painted: list[float] = []

    class Painted(DashboardApp):  # Textual calls the handlers of both classes
        def on_mount(self) -> None:
            if not has_services:
                self.call_after_refresh(self.end)

        def on_snapshot_read(self, message: SnapshotRead) -> None:
            if message.snapshot.services:
                self.call_after_refresh(self.end)

        def end(self) -> None:
            painted.append(time.time())
            self.exit()

    home = Home.default()
    app = Painted(EngineBackend(home), make_toolbox(home, Options()))
    asyncio.run(app.run_async(headless=True, size=SIZE))
    return painted[0]


def main(name: str) -> None:
    """Paint, and print how long that took."""
    at = empty() if name == "empty" else dashboard(has_services=name == "services")
    print(at - float(os.environ["BENCH_BEGAN_AT"]))


if __name__ == "__main__":
    main(sys.argv[1])
