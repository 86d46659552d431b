"""The life of a worker process, from its first instruction to its last.

Entered by a forked child of the launcher, or by a new interpreter (the exec
start method, `python -c …` with the launch as JSON on standard input).
"""

from __future__ import annotations

import atexit
import faulthandler
import json
import logging
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from odbctl.engine.odb import Database
from odbctl.engine.telemetry.log_files import LogFiles, LogLimits
from odbctl.engine.telemetry.log_handler import LogHandler
from odbctl.engine.telemetry.log_writer import LogWriter
from odbctl.engine.worker.control import REPORT, STOP, ControlSocket, control_path
from odbctl.engine.worker.exit_note import leave_exit_note
from odbctl.engine.worker.launch import WorkerLaunch
from odbctl.engine.worker.loading import use_codebase
from odbctl.engine.worker.mark import mark_of, wear
from odbctl.engine.worker.reporting import PipeReport, ReportRunning
from odbctl.engine.worker.service_base import StopSignal
from odbctl.engine.worker.service_worker import EXIT_FAILURE, ServiceWorker
from odbctl.engine.worker.spare_descriptors import SpareDescriptors
from odbctl.engine.worker.stop_signals import StopSignals
from odbctl.errors import NotPermittedError
from odbctl.ownership import require_private_folder
from odbctl.paths import HOME_VARIABLE

# What the kernel keeps of a thread's name, without the NUL (TASK_COMM_LEN).
COMM_BYTES = 15
# The handler of this process, once there is one. A worker has it from its launcher, which
# makes it when it warms up: to make one runs much code, and so copies shared memory.
_handlers: list[LogHandler] = []
# More than any launcher or worker has; a larger area is not overwritten.
LONGEST_ARGUMENTS_BYTES = 1 << 16


def run_process(launch: WorkerLaunch, report: int | None) -> NoReturn:
    """Run one instance in this process, then end the process.

    Args:
        launch: What to run.
        report: The descriptor to say on that it runs, if there is one.
    """
    code = EXIT_FAILURE
    own, parent = os.getpid(), os.getppid()
    files = LogFiles.of(launch.logs, launch.service, launch.name)
    limits = LogLimits(segment_bytes=launch.log_segment_bytes, quota_bytes=launch.log_quota_bytes)
    writer = LogWriter(files, limits)
    try:
        set_process_name(launch.name)
        wear(mark_of(launch.run, launch.instance))
        # After the mark: a fork without a mark is recognized by its launcher's command line.
        set_process_title(f"odbctl: instance {launch.name} of service {launch.service}")
        _open_log(writer)
        code = live(launch, PipeReport(report, launch.instance), is_last=True)
    except BaseException as error:  # noqa: BLE001 - nothing may unwind into the launcher
        sys.stderr.write(f"odbctl: worker failed: {error!r}\n")
    finally:
        _finish()
        writer.close()
        if os.getpid() == own and os.getppid() != parent:
            leave_exit_note(launch.run, launch.instance, code & 0xFF)
        os._exit(code & 0xFF)


def live(launch: WorkerLaunch, report: ReportRunning, *, is_last: bool = False) -> int:
    """Run one instance and return its exit code; the process is one that may be changed.

    Args:
        launch: What to run.
        report: Says that it runs.
        is_last: Whether the process ends next. Then the kernel closes the database, the control
            socket and the signal pipe: code that does would copy memory that is shared with the
            launcher, and take a third of the time in which a hundred workers stop. Until the end,
            also in exit functions, the worker answers and ignores further signals.
    """
    should_stop = StopSignal()
    signals = StopSignals(should_stop)
    db = Database(launch.database, run_dir=launch.run)
    spare = SpareDescriptors()
    worker = ServiceWorker(launch, db, should_stop, report, spare=spare)
    path = control_path(launch.run, launch.instance)
    actions = {STOP: should_stop.set, REPORT: worker.report_again}
    control = ControlSocket(path, actions, worker.answer_probe, signals)
    try:
        try:
            _prepare(launch)
            control.open()
        except (OSError, ValueError, NotPermittedError) as error:
            worker.record_failure(error)
            return EXIT_FAILURE
        return worker.run()
    finally:
        if not worker.is_copy:  # all this is the worker's, which goes on
            if is_last:
                spare.close_if_short()  # exit functions and the exit note may need them
            else:
                control.close()
                spare.close()
                signals.close()
                db.close()


def set_process_name(instance: str) -> None:
    """Name the process after its instance, as `ps -o comm` and `top` show it: `odb:hello-3`.

    The kernel keeps 15 bytes (prctl(2), PR_SET_NAME), so a long service name is cut and the
    instance's number kept. Written to /proc, which needs no ctypes; elsewhere without effect.
    """
    try:
        comm = os.open("/proc/self/comm", os.O_WRONLY)
    except OSError:
        return  # no Linux, or no /proc
    try:
        os.write(comm, process_name(instance).encode("ascii", "replace"))
    except OSError:
        pass  # it keeps its launcher's name
    finally:
        os.close(comm)


def process_name(instance: str) -> str:
    """Return the name of an instance's process, in at most `COMM_BYTES`."""
    service, dash, number = instance.rpartition("-")
    room = COMM_BYTES - len(f"odb:{dash}{number}")
    return f"odb:{service[: max(0, room)]}{dash}{number}"[:COMM_BYTES]


def set_process_title(title: str) -> None:
    """Replace the command line of this process, as `ps aux` shows it.

    The kernel shows the memory that held the arguments at the start (proc(5), /proc/pid/stat,
    fields 48 and 49), so the title is cut to their length. It is written through
    /proc/self/mem, which needs neither ctypes nor a privilege; elsewhere without effect.
    """
    try:
        with open("/proc/self/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        start, end = int(fields[45]), int(fields[46])
        room = end - start
        if not start or not 0 < room <= LONGEST_ARGUMENTS_BYTES:
            return
        text = title.encode("utf-8", "replace")[: room - 1]
        memory = os.open("/proc/self/mem", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.pwrite(memory, text.ljust(room, b"\0"), start)
        finally:
            os.close(memory)
    except (OSError, ValueError, IndexError):
        pass  # no Linux, or no /proc


def _prepare(launch: WorkerLaunch) -> None:
    """Make the process one of this instance: its limits, its folder, its code.

    Raises:
        OSError, ValueError: Something of it could not be done.
        NotPermittedError: The run folder is not the user's alone.
    """
    require_private_folder(launch.run)
    if launch.memory_limit_bytes is not None or launch.cpu_limit is not None:
        from odbctl.engine.worker.limits import hold

        hold(launch)
    _enter_storage(launch)
    use_codebase(launch.source_roots, launch.pycache)


def _open_log(writer: LogWriter) -> None:
    """Send all that is printed, logged or written to the instance's own log.

    A log that cannot be opened (a full disk) stops no service.
    """
    try:
        writer.open()
        writer.attach_descriptors()
    except OSError as error:
        sys.stderr.write(f"odbctl: no log: {error}\n")
        return
    faulthandler.enable(file=2)
    use_log(writer)


def use_log(writer: LogWriter) -> LogHandler:
    """Send what Python prints and logs to an opened log."""
    writer.replace_streams()
    if _handlers:
        handler = _handlers[0]
        handler.writer = writer
    else:
        handler = LogHandler(writer)
        _handlers.append(handler)
    logging.getLogger().addHandler(handler)
    return handler


def _enter_storage(launch: WorkerLaunch) -> None:
    try:
        os.mkdir(launch.storage, 0o700)
    except FileExistsError:
        pass
    except FileNotFoundError:
        os.makedirs(launch.storage, mode=0o700, exist_ok=True)
    os.chdir(launch.storage)
    for name, value in launch.env.items():
        os.environ[name] = value
    if launch.home_data == launch.home_state:
        os.environ[HOME_VARIABLE] = launch.home_data
    os.environ["ODBCTL_INSTANCE"] = launch.name


def _finish() -> None:
    """Do what a finishing interpreter does for the author, without freeing the heap.

    Freeing it would copy every page that is shared with the launcher.
    """
    # The function that the interpreter itself calls when it finishes.
    run_exit_functions: Callable[[], None] = vars(atexit)["_run_exitfuncs"]
    try:
        run_exit_functions()
    except BaseException as error:  # noqa: BLE001 - the author's exit functions
        sys.stderr.write(f"odbctl: an exit function failed: {error!r}\n")


def main() -> NoReturn:
    """Run the launch that stands on standard input (the exec start method)."""
    fields = json.loads(sys.stdin.buffer.read())
    run_process(WorkerLaunch.from_fields(fields["launch"]), fields["report"])
