"""The launcher: a small process that forks workers, reaps them and outlives its manager.

It imports the worker's runtime once, freezes its heap and then forks: a new
worker starts in milliseconds and shares its memory. It runs no code of an
author, has one thread, and never opens the database, whose locks must not be
inherited. Exits go to a journal on disk first, then to the manager.
"""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from odbctl.engine.managers.exec_worker import execute_worker
from odbctl.engine.managers.exit_journal import ExitJournal
from odbctl.engine.managers.free_blocks import fill_free_blocks
from odbctl.engine.managers.keeper import ManagerKeeper
from odbctl.engine.managers.leftovers import Leftovers
from odbctl.engine.managers.log_guard import LogGuard, guard_logs
from odbctl.engine.managers.manager_connection import ManagerConnection
from odbctl.engine.managers.messages import Message, WorkerExited, WorkerRunning, WorkerStarted
from odbctl.engine.managers.retry_pause import RetryPause
from odbctl.engine.managers.spare import Spare, wait_for_launch
from odbctl.engine.managers.subreaper import become_subreaper, own_children
from odbctl.engine.worker import mark as mark_module
from odbctl.engine.worker import process
from odbctl.engine.worker.identity import read_start_ticks
from odbctl.engine.worker.launch import WorkerLaunch
from odbctl.engine.worker.reporting import parse_lines
from odbctl.engine.worker.wake_pipe import WakePipe
from odbctl.engine.worker.warm_up import scratch_folders, warm_up

# So long nothing has to happen before a spare worker is made.
QUIET_SECONDS = 0.02
# So long an exit is not reported at most, because something that the worker left lives on.
HOLD_SECONDS = 10.0
_REPORT_EVERY = 25
_PIPE_BYTES = 1 << 16


class _Held(NamedTuple):
    """The exit of a worker that has left something, and until when it is not reported."""

    child: WorkerStarted
    exited: WorkerExited
    until: float


class Launcher:
    """Forks (or executes) workers for one manager at a time."""

    def __init__(self, listener: socket.socket, *, method: str, journal: ExitJournal) -> None:
        self._listener = listener
        self._method = method
        self._journal = journal
        self._children: dict[int, WorkerStarted] = {}
        self._leftovers = Leftovers(journal.path.parent)
        self._held: list[_Held] = []
        self._connections: dict[socket.socket, ManagerConnection] = {}
        self._selector = selectors.DefaultSelector()
        self._wake = WakePipe()
        self._running: dict[int, WorkerRunning] = {}
        self._report_read, self._report_write = os.pipe()
        self._report_rest = b""
        self._spare: Spare | None = None
        self._spare_pause = RetryPause()  # after spares that ended before they were used
        self._guard = LogGuard()
        self._keeper = ManagerKeeper()
        self._kept: ManagerConnection | None = None  # the connection of the manager that is kept

    def run(self) -> None:
        """Serve until no manager is connected and no child lives, nor what a child left."""
        signal.signal(signal.SIGCHLD, lambda _signal, _frame: None)
        self._wake.wake_on_signals()
        os.set_blocking(self._report_read, False)
        for source in (self._listener, self._wake, self._report_read):
            self._selector.register(source, selectors.EVENT_READ)
        had_manager = False
        while self._has_work() or not had_manager:
            events = self._selector.select(self._timeout_seconds())
            for key, mask in events:
                self._serve(key.fileobj, mask)
            self._have_guard()
            if not events:
                self._prepare_spare()
            if not (self._connections or self._children):
                self._leftovers.hurry()
            self._leftovers.end()
            self._release_held()
            self._keeper.step()
            had_manager = had_manager or bool(self._connections)

    def _has_work(self) -> bool:
        is_kept = self._keeper.is_pending
        return bool(self._connections or self._children or self._leftovers or self._held or is_kept)

    def _timeout_seconds(self) -> float | None:
        waits = [self._leftovers.due_seconds(), self._keeper.due_seconds()]
        if self._wants_guard():
            waits.append(self._guard.pause.due_seconds())
        if self._wants_spare():
            waits.append(max(QUIET_SECONDS, self._spare_pause.due_seconds()))
        return min((seconds for seconds in waits if seconds is not None), default=None)

    def _wants_spare(self) -> bool:
        return self._spare is None and self._method == "fork" and bool(self._connections)

    def _wants_guard(self) -> bool:
        return self._guard.pid is None and self._guard.has_work

    def _have_guard(self) -> None:
        """Fork the log guard, once there is a log to guard; after a failure not before a pause."""
        if not self._wants_guard() or not self._guard.pause.is_due():
            return
        try:
            read, write = os.pipe()
        except OSError:
            self._guard.pause.put_off()
            return
        try:
            pid = os.fork()
        except OSError:
            self._guard.pause.put_off()
            os.close(write)
        else:
            if pid == 0:
                os.close(write)
                lock = f"{str(self._journal.path).rpartition('-')[0]}.logs"
                self._become_worker(lambda: guard_logs(read, lock))
            self._guard.begin(pid, write)
        os.close(read)

    def _prepare_spare(self) -> None:
        """Fork a spare worker, in a quiet moment; after a failure not before a pause."""
        if not self._wants_spare() or not self._spare_pause.is_due():
            return
        try:
            read, write = os.pipe()
        except OSError:
            self._spare_pause.begin()
            return
        try:
            pid = os.fork()
        except OSError:
            self._spare_pause.begin()
            os.close(write)
        else:
            if pid == 0:
                os.close(write)
                scratch = scratch_folders(str(self._journal.path.parent))
                self._become_worker(lambda: wait_for_launch(read, self._report_write, scratch))
            self._spare = Spare(pid, write)
        os.close(read)

    def _take_spare(self, launch: WorkerLaunch) -> int | None:
        """Give a launch to the spare, if there is one that can take it."""
        spare, self._spare = self._spare, None
        if spare is None:
            return None
        if spare.give(launch):
            return spare.pid
        spare.close()
        return None

    def _serve(self, source: Any, mask: int) -> None:
        if source is self._listener:
            self._accept()
        elif source is self._wake:
            self._wake.drain()
            self._reap()
        elif source == self._report_read:
            self._hear_running()
        else:
            self._serve_connection(source, mask)

    def _serve_connection(self, source: socket.socket, mask: int) -> None:
        connection = self._connections.get(source)  # None: dropped by an event before this one
        if connection is not None and mask & selectors.EVENT_WRITE:
            connection.flush()
            if connection.is_behind and not connection.wants_write:
                connection.catch_up(self._everything())
            self._watch(connection)
        if connection is not None and mask & selectors.EVENT_READ:
            self._read(connection)

    def _watch(self, connection: ManagerConnection) -> None:
        """Wake for what a manager says, and when it can take more."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.wants_write else 0)
        if self._selector.get_key(connection.socket).events != events:
            self._selector.modify(connection.socket, events)

    def _hear_running(self) -> None:
        """Pass on what workers say of themselves."""
        data = b""
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._report_read, _PIPE_BYTES)
        lines, self._report_rest = parse_lines(self._report_rest + data)
        reports: list[WorkerRunning] = []
        for line in lines:
            child = self._children.get(line.pid)
            if child is not None and child.instance == line.instance:
                report = WorkerRunning(child.instance, child.pid, child.start_ticks, line.at)
                self._running[child.pid] = report
                reports.append(report)
        if reports:
            self._broadcast({"running": reports})

    def _accept(self) -> None:
        try:
            connection, _address = self._listener.accept()
        except OSError:  # out of descriptors: it waits in the queue, and so do we, for a moment
            time.sleep(QUIET_SECONDS)
            return
        made = self._connections[connection] = ManagerConnection(connection)
        self._selector.register(connection, selectors.EVENT_READ)
        self._send(made, self._everything())

    def _everything(self) -> Message:
        """Return what a manager has to know that has just connected, or had not read for long."""
        children, running = list(self._children.values()), list(self._running.values())
        # The manager hears of the end of these when nothing of them is left.
        held = {each.exited.number for each in self._held}
        children += [each.child for each in self._held]
        ended = [exited for exited in self._journal.pending if exited.number not in held]
        return {"hello": True, "started": children, "running": running, "exited": ended}

    def _read(self, connection: ManagerConnection) -> None:
        try:
            messages = connection.receive()
            if messages is None:
                self._drop(connection)
                return
            for message in messages:
                self._obey(connection, message)
        except (ValueError, TypeError, KeyError) as error:
            sys.stderr.write(f"odbctl launcher: invalid message on a connection: {error!r}\n")
            self._drop(connection)

    def _drop(self, connection: ManagerConnection) -> None:
        self._selector.unregister(connection.socket)
        if connection is self._kept:
            self._kept = None
            self._keeper.lost()
        del self._connections[connection.socket]
        connection.socket.close()

    def _send(self, connection: ManagerConnection, message: Message) -> None:
        connection.send(message)
        self._watch(connection)

    def _broadcast(self, message: Message) -> None:
        for connection in self._connections.values():
            self._send(connection, message)

    def _obey(self, connection: ManagerConnection, message: Message) -> None:
        if number := message.get("ack"):
            held = {each.exited.number for each in self._held}
            self._journal.acknowledge(int(number), without=held)
        if keep := message.get("keep"):
            self._keeper.learn(*keep)
            self._kept = connection
        if message.get("bye"):
            self._keeper.forget()
        if quotas := message.get("quotas"):
            limits = {str(name): int(limit) for name, limit in dict(quotas).items()}
            self._guard.hold(str(message["logs"]), limits)
        launches = [WorkerLaunch.from_fields(fields) for fields in message.get("spawn", ())]
        for launch in launches:
            self._guard.hold(launch.logs, {launch.service: launch.log_quota_bytes})
        self._have_guard()
        for first in range(0, len(launches), _REPORT_EVERY):
            if started := self._spawn(launches[first : first + _REPORT_EVERY]):
                self._send(connection, {"started": started})

    def _spawn(self, launches: list[WorkerLaunch]) -> list[WorkerStarted]:
        """Start workers; those that an earlier manager asked for are reported, not started again.

        The forks follow each other closely: a page that this process writes between two of
        them is copied, and the earlier child keeps the old one for itself alone. Looking at
        each child before the next fork cost every worker 0.1 MB.
        """
        known = {child.instance: child for child in self._children.values()}
        missing = [launch for launch in launches if launch.instance not in known]
        pids: list[int | None] = []
        errors: list[tuple[int, str]] = []
        if missing and (spare := self._take_spare(missing[0])) is not None:
            pids.append(spare)
        for launch in missing[len(pids) :]:
            try:
                pids.append(self._begin(launch))
            except (OSError, ValueError) as error:  # ValueError: a NUL in the interpreter's path
                pids.append(None)
                errors.append((launch.instance, f"cannot start a process: {error}"))
        for launch, pid in zip(missing, pids, strict=True):
            if pid is None:
                continue
            try:
                ticks = self._start_ticks(pid)
            except OSError as error:
                errors.append((launch.instance, f"cannot start a process: {error}"))
                continue
            child = WorkerStarted(launch.instance, pid, ticks, time.time())
            self._children[pid] = known[launch.instance] = child
        for instance, reason in errors:
            self._broadcast({"exited": [(instance, None, None, None, time.time(), 0, reason)]})
        return [known[launch.instance] for launch in launches if launch.instance in known]

    def _start_ticks(self, pid: int) -> int:
        """Return when a child started; end one of which that cannot be told.

        Raises:
            OSError: No descriptor is left. Nobody could tell the child from another process.
        """
        try:
            return read_start_ticks(pid) or 0
        except OSError:
            os.kill(pid, signal.SIGKILL)
            raise

    def _begin(self, launch: WorkerLaunch) -> int:
        if self._method != "fork":
            return execute_worker(launch, self._report_write)
        pid = os.fork()
        if pid == 0:
            self._become_worker(lambda: process.run_process(launch, self._report_write))
        return pid

    def _become_worker(self, live: Callable[[], NoReturn]) -> NoReturn:
        """Leave the launcher's session and descriptors behind, and live; never returns."""
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for source in (self._listener, *self._connections):
                os.close(source.fileno())
            self._wake.close()
            os.close(self._report_read)
            self._guard.close()
            if self._spare is not None:
                self._spare.close()
            # Only its descriptor: clearing its table would copy memory of the launcher.
            os.close(self._selector.fileno())
            live()
        finally:
            os._exit(1)

    def _reap(self) -> None:
        """Record every child that has ended; end what it left in its session."""
        self._hear_running()  # the last words of those that have ended
        exits: list[tuple[WorkerStarted, WorkerExited]] = []
        while (info := _next_exit()) is not None:
            child = self._children.pop(info.si_pid, None)
            if self._spare is not None and self._spare.pid == info.si_pid:
                self._spare.close()
                self._spare = None
                self._spare_pause.begin()
            if self._guard.pid == info.si_pid:
                self._guard.end()
            self._running.pop(info.si_pid, None)
            if child is not None:  # anything else is left by a worker, or none of ours
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(info.si_pid, signal.SIGTERM)
            os.waitpid(info.si_pid, 0)
            if child is not None:
                exits.append((child, self._record(child, info)))
        ended = self._without_leftovers(exits)
        if self._held:
            self._leftovers.hurry()
        if ended:
            self._broadcast({"exited": ended})

    def _without_leftovers(
        self, exits: list[tuple[WorkerStarted, WorkerExited]]
    ) -> list[WorkerExited]:
        """Return the exits to report now; hold those of workers of which something is left.

        Whatever they left has this process as its parent by now (PR_SET_CHILD_SUBREAPER), so
        that one read of its children serves for all, and the process table for none.
        """
        if not exits:
            return []
        spare = self._spare.pid if self._spare is not None else None
        ours = {*self._children, spare, self._guard.pid}
        strays = [pid for pid in own_children() if pid not in ours]
        ended: list[WorkerExited] = []
        for child, exited in exits:
            has_left = self._has_left_one_of(strays, child)
            self._leftovers.note(child.instance, child.pid, child.start_ticks, is_due_now=has_left)
            if has_left:
                self._held.append(_Held(child, exited, time.monotonic() + HOLD_SECONDS))
            else:
                ended.append(exited)
        return ended

    def _has_left_one_of(self, strays: list[int], child: WorkerStarted) -> bool:
        """Tell whether one of some processes is of a worker that has ended."""
        if not strays:
            return False
        mark = ""
        with contextlib.suppress(OSError):  # the home is gone: sessions will do
            mark = mark_module.mark_of(self._journal.path.parent, child.instance)
        return any(_is_of(pid, child.pid, mark) for pid in strays)

    def _release_held(self) -> None:
        """Report the exits of workers of which nothing is left, or that cannot be ended."""
        now = time.monotonic()
        gone = [h for h in self._held if h.child.pid not in self._leftovers or now >= h.until]
        if gone:
            self._held = [h for h in self._held if h not in gone]
            self._broadcast({"exited": [h.exited for h in gone]})

    def _record(self, child: WorkerStarted, info: os.waitid_result) -> WorkerExited:
        by_exit = info.si_code == os.CLD_EXITED
        return self._journal.record(
            child.instance,
            child.pid,
            code=info.si_status if by_exit else None,
            signal=None if by_exit else info.si_status,
            at=time.time(),
        )


def _is_of(pid: int, session: int, mark: str) -> bool:
    """Tell whether a living process is in a session, or wears a mark."""
    try:
        if read_start_ticks(pid) is None:
            return False
        return os.getsid(pid) == session or bool(mark and mark_module.worn_mark(pid) == mark)
    except OSError:  # it has just ended, or no descriptor is left
        return False


def _next_exit() -> os.waitid_result | None:
    """Return a child that has ended and is not reaped, so that its pid is still its own."""
    with contextlib.suppress(ChildProcessError):
        return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return None


def main() -> None:
    """Run a launcher: `listener-descriptor method journal-path` are its arguments."""
    descriptor, method, journal = sys.argv[1:4]
    listener = socket.socket(fileno=int(descriptor))
    os.set_inheritable(listener.fileno(), False)
    mark_module.find_room()
    become_subreaper()
    warm_up(scratch_folders(os.path.dirname(journal)))
    gc.collect()
    _kept = fill_free_blocks()
    gc.freeze()
    Launcher(listener, method=method, journal=ExitJournal(Path(journal))).run()
