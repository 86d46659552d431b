"""ServiceWorker: sets up, runs and tears down one ServiceInstance.

Runs in the main thread of a worker process, or in a thread of an in-process
manager. It writes two facts of its instance: that it runs, and why it failed;
that it ended, and how, is recorded by whoever sees it end.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import traceback
from typing import TYPE_CHECKING

from odbctl.engine.model.core import Service, ServiceInstance
from odbctl.engine.model.plain_text import MAX_REASON_CHARS, plain_text
from odbctl.engine.worker.configuration import build_config
from odbctl.engine.worker.error_line import last_line
from odbctl.engine.worker.identity import identify
from odbctl.engine.worker.launch import WorkerLaunch
from odbctl.engine.worker.loading import load_service_class
from odbctl.engine.worker.reporting import ReportRunning
from odbctl.engine.worker.running import record_running
from odbctl.engine.worker.service_base import Runtime, ServiceBase, StopSignal, run_work
from odbctl.engine.worker.spare_descriptors import SpareDescriptors

if TYPE_CHECKING:
    from odbctl.engine.odb import Database
    from odbctl.engine.worker.probes import ProbeRunner

EXIT_FAILURE = 1
_MAX_TRACEBACK_CHARS = 20_000


class ServiceWorker:
    """One run of one instance: `run()` returns the exit code of its process."""

    def __init__(
        self,
        launch: WorkerLaunch,
        db: Database,
        should_stop: StopSignal,
        report: ReportRunning,
        *,
        spare: SpareDescriptors | None = None,
    ) -> None:
        self.launch = launch
        self.db = db
        self.should_stop = should_stop
        self._pid = os.getpid()
        self.report = report
        self._spare = SpareDescriptors(0) if spare is None else spare
        self.running_at: float | None = None
        self._service: ServiceBase | None = None
        self._probes: ProbeRunner | None = None

    def run(self) -> int:
        """Load the class, initialize, work, tear down.

        Returns:
            0 when the work ended well or was asked to stop, 1 when the
            service raised, or the code that it left with.
        """
        service: ServiceBase | None = None
        try:
            self._service = service = self._make_service()
            service.configure_logging()
            service.initialize()
            if self._tell_running():
                run_work(service, self.should_stop)
            return 0
        except SystemExit as leaving:
            code = _exit_code(leaving)
            if code and (name := system_error_name(leaving)):
                self._record_error_name(name)
            return code
        except BaseException as error:  # noqa: BLE001 - the boundary to the author's code
            self.record_failure(error)
            return EXIT_FAILURE
        finally:
            if service is not None and not self.is_copy:
                self._tear_down(service)

    @property
    def is_copy(self) -> bool:
        """Whether this is a copy of the worker, which the author's code forked and did not end."""
        return os.getpid() != self._pid

    def _make_service(self) -> ServiceBase:
        launch = self.launch
        service_class = load_service_class(launch.module, launch.class_name)
        runtime = Runtime(launch, ServiceInstance.from_oid(launch.instance))
        config = build_config(service_class.Config, launch.config)
        return service_class(self.db, Service.from_oid(launch.service_id), runtime, config)

    def _tell_running(self) -> bool:
        """Say that the instance runs, or write it; False when it is no longer wanted."""
        if self.should_stop.is_set():
            return False
        self.running_at = time.time()
        return self.report(self.running_at) or self._write_running(self.running_at)

    def report_again(self) -> None:
        """Write that the instance runs, if it does; called by the control thread."""
        if self.running_at is not None:
            self._write_running(self.running_at)

    def answer_probe(self, question: bytes) -> None:
        """Have a probe run and answered; called by the control thread."""
        if self._probes is None:
            self._probes = self._spare.use(self._make_probes)
        self._probes.ask(question)

    def _make_probes(self) -> ProbeRunner:
        from odbctl.engine.worker.probes import ProbeRunner

        return ProbeRunner(self.launch.instance, self._health, self._spare)

    def _health(self) -> object:
        return self._service is not None and self._service.health()

    def _write_running(self, at: float) -> bool:
        identity = identify()
        assert identity is not None  # this process lives

        def write() -> bool:
            instance = ServiceInstance.from_oid(self.launch.instance)
            return record_running(instance, identity, at=at)

        return self.db.run(write)

    def _tear_down(self, service: ServiceBase) -> None:
        try:
            service.teardown()
        except BaseException as error:  # noqa: BLE001 - the boundary to the author's code
            self.record_failure(error)

    def _record_error_name(self, name: str) -> None:
        if self.is_copy:
            return

        def write() -> None:
            ServiceInstance.from_oid(self.launch.instance).error_name = name

        with contextlib.suppress(Exception):  # only a hint is lost
            self.db.run(write)

    def record_failure(self, error: BaseException) -> None:
        """Print the traceback and write the reason; the log has it if the database does not."""
        lines = traceback.format_exception(_without_our_frames(error))
        text = "".join(lines)
        _print_error(text)
        if self.is_copy:
            return

        def write() -> None:
            instance = ServiceInstance.from_oid(self.launch.instance)
            if instance.reason is None:
                instance.reason = plain_text(last_line(error), max_chars=MAX_REASON_CHARS)
                instance.traceback = plain_text(text[-_MAX_TRACEBACK_CHARS:])
                instance.error_name = system_error_name(error)

        try:
            self.db.run(write)
        except Exception as lost:  # noqa: BLE001 - the exit code still says that it failed
            _print_error(f"odbctl: the reason could not be recorded: {plain_text(lost)}\n")


def system_error_name(error: BaseException) -> str:
    """Return the name of the system error behind an exception, as EADDRINUSE; else empty.

    Looks at what the exception was raised from, too: a server that cannot listen often
    leaves with `sys.exit` while it handles that error.
    """
    import errno

    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        if isinstance(found, OSError) and found.errno is not None:
            return errno.errorcode.get(found.errno, "")
        found = found.__cause__ or found.__context__
    return ""


def _without_our_frames(error: BaseException) -> BaseException:
    """Drop the frames of odbctl itself, for a traceback starts at the author's code."""
    ours: tuple[str, ...] = (os.path.dirname(os.path.abspath(__file__)),)
    if (loops := sys.modules.get("asyncio")) is not None and loops.__file__:
        ours = (*ours, os.path.dirname(loops.__file__))  # between us and an `async def do_work`
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename.startswith(ours):
        frame = frame.tb_next
    return error.with_traceback(frame) if frame is not None else error


def _print_error(text: str) -> None:
    """Print to standard error, which may be closed or replaced by the author."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except Exception:  # noqa: BLE001 - the author's stream
        with contextlib.suppress(OSError):
            os.write(2, text.encode(errors="replace"))


def _exit_code(leaving: SystemExit) -> int:
    if leaving.code is None:
        return 0
    if isinstance(leaving.code, int):
        return leaving.code
    _print_error(f"{plain_text(leaving.code)}\n")
    return EXIT_FAILURE
