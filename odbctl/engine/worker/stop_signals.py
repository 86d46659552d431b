"""SIGTERM and SIGINT in a worker: they set its stop signal, whatever the main thread does.

A handler runs in the main thread, between two instructions. It may not set an event, whose
lock this thread may hold just then; and it runs late when the signal comes just before a sleep,
or in a long call of C code. So the interpreter writes the number of the signal into a
pipe, and the control thread, which reads it, sets the event.
"""

from __future__ import annotations

import signal
from types import FrameType

from odbctl.engine.telemetry.fork_watch import forget_forks, watch_forks
from odbctl.engine.worker.service_base import StopSignal
from odbctl.engine.worker.wake_pipe import WakePipe

STOPPING = (signal.SIGTERM, signal.SIGINT)


class StopSignals:
    """What the signals of one worker do; made in its main thread."""

    def __init__(self, should_stop: StopSignal) -> None:
        self._should_stop = should_stop
        self._pipe = WakePipe()
        for number in STOPPING:
            signal.signal(number, self._pass_on)
        self._pipe.wake_on_signals()
        watch_forks(self)

    def fileno(self) -> int:
        """Return the descriptor that is readable when a signal has come."""
        return self._pipe.fileno()

    def hear(self) -> None:
        """Heed the signals that have come; any thread but the main one."""
        if any(signal.getsignal(number) == self._pass_on for number in self._pipe.drain()):
            self._should_stop.set()

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        # Once more: asyncio, for one, has the interpreter write to a pipe of its own.
        self._pipe.wake(bytes([number]))

    def become_child(self) -> None:
        """Have a copy, which the author's code forked, end on these signals like any process."""
        signal.set_wakeup_fd(-1)
        for number in STOPPING:
            if signal.getsignal(number) == self._pass_on:
                signal.signal(number, signal.SIG_DFL)
        self._pipe.close()

    def close(self) -> None:
        """Heed no signal any more, and do not end on one either."""
        signal.set_wakeup_fd(-1)
        for number in STOPPING:
            if signal.getsignal(number) == self._pass_on:
                signal.signal(number, lambda _number, _frame: None)
        forget_forks(self)
        self._pipe.close()
