"""InProcessServiceManager: a thread of the manager's own process per worker.

For tests and tiny services: nothing is isolated. A thread cannot be killed;
one that does not stop is shown as what it is, and the services end with the
manager.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from signal import SIGKILL, Signals

from odbctl.engine.managers.host import HostSettings
from odbctl.engine.managers.messages import Report, WorkerExited, WorkerHangs, WorkerStarted
from odbctl.engine.managers.service_manager import ServiceManager
from odbctl.engine.odb import Database
from odbctl.engine.telemetry.log_files import LogFiles, LogLimits
from odbctl.engine.telemetry.log_writer import LogWriter
from odbctl.engine.telemetry.thread_streams import ThreadStreams
from odbctl.engine.worker.control import PROBE
from odbctl.engine.worker.identity import ProcessIdentity, identify
from odbctl.engine.worker.launch import WorkerLaunch
from odbctl.engine.worker.loading import forget_other_codebases, use_codebase
from odbctl.engine.worker.service_base import StopSignal
from odbctl.engine.worker.service_worker import EXIT_FAILURE, ServiceWorker
from odbctl.engine.worker.wake_pipe import WakePipe
from odbctl.paths import Home

logger = logging.getLogger("odbctl.manager")


class InProcessServiceManager(ServiceManager):
    """Runs each worker in a thread."""

    strategy = "in-process"

    def __init__(self, home: Home, db: Database, settings: HostSettings | None = None) -> None:
        super().__init__(home, db, settings)
        self._threads: dict[int, tuple[threading.Thread, StopSignal]] = {}
        self._workers: dict[int, ServiceWorker] = {}
        self._hanging: set[int] = set()
        self._news: list[Report] = []
        self._news_lock = threading.Lock()
        self._news_wake = WakePipe()
        self._streams = ThreadStreams()
        self._streams.install()

    def start_service_workers(self, launches: Sequence[WorkerLaunch]) -> None:
        """Start a thread for each launch."""
        identity = identify()
        assert identity is not None  # this process lives
        for launch in launches:
            should_stop = StopSignal()
            thread = threading.Thread(
                target=self._work,
                args=(launch, should_stop),
                name=launch.name,
                daemon=True,
            )
            self._threads[launch.instance] = (thread, should_stop)
            now = time.time()
            self._tell(WorkerStarted(launch.instance, identity.pid, identity.start_ticks, now))
            try:
                thread.start()
            except RuntimeError as error:  # the system gives no more threads
                reason = f"cannot start a thread: {error}"
                gone = WorkerExited(launch.instance, identity.pid, None, None, now, reason=reason)
                self._tell(gone)

    def _work(self, launch: WorkerLaunch, should_stop: StopSignal) -> None:
        """Run one instance; the body of its thread."""
        files = LogFiles.of(Path(launch.logs), launch.service, launch.name)
        limits = LogLimits(
            segment_bytes=launch.log_segment_bytes, quota_bytes=launch.log_quota_bytes
        )
        writer = LogWriter(files, limits)
        code = EXIT_FAILURE
        try:
            writer.open()
            with self._streams.bind(writer):
                os.makedirs(launch.storage, mode=0o700, exist_ok=True)
                forget_other_codebases(launch.source_roots, str(self.home.checkouts))
                use_codebase(launch.source_roots, launch.pycache)
                worker = ServiceWorker(launch, self.db, should_stop, lambda _at: False)
                self._workers[launch.instance] = worker
                code = worker.run()
            writer.close()
        except Exception:  # a thread's boundary
            logger.exception("the thread of %s failed", launch.name)
        finally:
            self._tell(WorkerExited(launch.instance, os.getpid(), code, None, time.time()))

    def _tell(self, report: Report) -> None:
        with self._news_lock:
            self._news.append(report)
        self._news_wake.wake()

    def collect_reports(self) -> list[Report]:
        """Return what has become of the threads."""
        if not self._news_wake.drain():
            return []
        with self._news_lock:
            news, self._news = self._news, []
        for report in news:
            if isinstance(report, WorkerExited):
                self._threads.pop(report.instance, None)
                self._workers.pop(report.instance, None)
                self._hanging.discard(report.instance)
        return news

    def descriptors(self) -> Iterable[tuple[int, bool]]:
        """Wake when a thread has news."""
        return [(self._news_wake.fileno(), False)]

    def request_stop(self, instance: int) -> bool:
        """Set the stop signal of an instance's thread."""
        found = self._threads.get(instance)
        if found is not None:
            found[1].set()
        return found is not None

    def ask_probe(self, instance: int, question: bytes) -> bool:
        """Have the probe run in a thread of its own."""
        found = self._workers.get(instance)
        if found is not None:
            found.answer_probe(question[len(PROBE) :])
        return found is not None

    def send_signal_to(self, instance: int, worker: ProcessIdentity, number: Signals) -> None:
        """Report a thread that does not stop, once: it ends by itself or never.

        A signal would end the manager itself.
        """
        del worker
        found = self._threads.get(instance)
        if number is SIGKILL and found is not None and instance not in self._hanging:
            self._hanging.add(instance)
            text = f"its thread has not stopped, and threads cannot be killed{_place(found[0])}"
            logger.warning("%s: %s", found[0].name, text)
            self.report(WorkerHangs(instance, text, time.time()))

    def cleanup(self) -> None:
        """Ask all threads to stop, and wait for them for a moment."""
        for _thread, should_stop in self._threads.values():
            should_stop.set()
        deadline = time.monotonic() + 2.0
        for thread, _should_stop in tuple(self._threads.values()):
            thread.join(max(0.0, deadline - time.monotonic()))
        self._streams.uninstall()


def _place(thread: threading.Thread) -> str:
    """Say where a thread is, as `: at svc.py:12 in do_work`."""
    frame = sys._current_frames().get(thread.ident or 0)  # pyright: ignore[reportPrivateUsage] - documented in `sys`
    if frame is None:
        return ""
    code = frame.f_code
    return f": at {os.path.basename(code.co_filename)}:{frame.f_lineno} in {code.co_name}"
