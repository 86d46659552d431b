"""Running a `do_work` that is a coroutine function; imported by workers whose service has one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from odbctl.engine.worker.service_base import ServiceBase, StopSignal


def run_coroutine(
    service: ServiceBase, work: Coroutine[Any, Any, None], should_stop: StopSignal
) -> None:
    """Run the work of a service in an event loop of its own, in this thread.

    Args:
        service: Whose work it is; its tasks may wait for `stop_requested()`.
        work: What `do_work` returned.
        should_stop: Watched by a thread, which wakes the loop when it is set.
    """

    async def run() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        service.async_stop = stop

        def watch() -> None:
            should_stop.wait()
            if not loop.is_closed():
                loop.call_soon_threadsafe(stop.set)

        threading.Thread(target=watch, name="stop signal", daemon=True).start()
        await work

    try:
        asyncio.run(run())
    finally:
        work.close()
