"""LaunchStrategy: a way of launching workers, and what has become of them.

What a subclass of ServiceManager provides; the rest of it is the same for all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from signal import Signals
from typing import ClassVar

from odbctl.engine.managers.messages import Report
from odbctl.engine.managers.processes import signal_group
from odbctl.engine.worker.control import STOP, control_path, send_control
from odbctl.engine.worker.identity import ProcessIdentity
from odbctl.engine.worker.launch import WorkerLaunch
from odbctl.paths import Home


class LaunchStrategy(ABC):
    """How workers are started, asked and signalled.

    Attributes:
        strategy: The name of this way of launching workers.
        start_method: Which of several ways of starting a process, where there are several.
        poll_seconds: How often `collect_reports` is called when nothing
            happens; None if its descriptors tell of everything.
        keep_command: How a manager like this one is started again; empty if nobody is to.
    """

    strategy: ClassVar[str]
    start_method: str | None = None
    poll_seconds: float | None = None
    keep_command: Sequence[str] = ()
    home: Home

    @abstractmethod
    def start_service_workers(self, launches: Sequence[WorkerLaunch]) -> None:
        """Start one worker for each launch; what becomes of it is reported later."""

    @abstractmethod
    def collect_reports(self) -> Iterable[Report]:
        """Return what has become of workers since the last call, without waiting."""

    def descriptors(self) -> Iterable[tuple[int, bool]]:
        """Return (descriptor, wants to write) pairs that wake the manager."""
        return ()

    def reports_recorded(self) -> None:
        """Hear that all collected reports are in the database."""

    def find_workers(self) -> Collection[int]:
        """Find, at the start, the instances whose end this manager will be told of."""
        return ()

    def request_stop(self, instance: int) -> bool:
        """Ask a worker to stop; return whether it could be asked."""
        return send_control(control_path(self.home.run, instance), STOP)

    def ask_probe(self, instance: int, question: bytes) -> bool:
        """Ask a worker how it is; return whether it could be asked."""
        return send_control(control_path(self.home.run, instance), question)

    def send_signal(self, worker: ProcessIdentity, number: Signals) -> None:
        """Send a signal to a worker and all of its process group."""
        signal_group(worker, number)

    def send_signal_to(self, instance: int, worker: ProcessIdentity, number: Signals) -> None:
        """Send a signal to the worker of an instance; `send_signal` is what does it."""
        del instance
        self.send_signal(worker, number)

    def cleanup(self) -> None:
        """Let go of what the strategy holds; workers go on where they can."""
