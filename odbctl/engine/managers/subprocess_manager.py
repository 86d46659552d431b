"""SubprocessServiceManager: a process per worker, by way of launchers.

One launcher per interpreter forks the workers (`fork`), or executes a new
interpreter for each (`exec`, portable). Launchers outlive the manager: the
next one connects to those it finds and is told all exits that it missed.
"""

from __future__ import annotations

import logging
import select
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from odbctl.engine.managers.background import manager_log
from odbctl.engine.managers.host import HostSettings
from odbctl.engine.managers.identities import worker_identity
from odbctl.engine.managers.launcher_client import LauncherClient, find_launchers, launcher_path
from odbctl.engine.managers.messages import (
    Message,
    Report,
    WorkerExited,
    WorkerRunning,
    WorkerStarted,
    parse_reports,
)
from odbctl.engine.managers.processes import signal_group
from odbctl.engine.managers.reclaim import reclaim_orphans
from odbctl.engine.managers.retry_pause import RetryPause
from odbctl.engine.managers.service_manager import ServiceManager
from odbctl.engine.model.core import ServiceInstance
from odbctl.engine.model.states import ENDED_STATES
from odbctl.engine.odb import Database
from odbctl.engine.worker.identity import ProcessIdentity, read_boot_id
from odbctl.engine.worker.launch import WorkerLaunch
from odbctl.errors import OdbctlError
from odbctl.paths import Home

HELLO_TIMEOUT_SECONDS = 2.0
MAX_LOST_LAUNCHERS = 3
FORK = "fork"
EXEC = "exec"
DEFAULT_METHOD = FORK if sys.platform == "linux" else EXEC

logger = logging.getLogger("odbctl.manager")


class SubprocessServiceManager(ServiceManager):
    """Runs each worker in a process of its own."""

    strategy = "subprocess"

    def __init__(
        self,
        home: Home,
        db: Database,
        settings: HostSettings | None = None,
        *,
        method: str = DEFAULT_METHOD,
    ) -> None:
        super().__init__(home, db, settings)
        self.start_method = self._method = method
        self._clients: dict[str, LauncherClient] = {}
        self._workers: dict[str, dict[int, WorkerStarted]] = defaultdict(dict)
        self._requested: dict[str, set[int]] = defaultdict(set)
        self._numbers: dict[str, int] = {}
        self._buried: list[LauncherClient] = []
        self._log_quotas: dict[str, int] = {}  # of raw output, in bytes
        self._default = RetryPause()
        self._lost: Counter[int] = Counter()  # launchers that ended with an instance to start
        self._newcomers: list[WorkerStarted | WorkerRunning] = []

    def start_service_workers(self, launches: Sequence[WorkerLaunch]) -> None:
        """Ask the launcher of each interpreter for its workers."""
        by_python: dict[str | None, list[WorkerLaunch]] = defaultdict(list)
        for launch in launches:
            by_python[launch.python].append(launch)
        for python, group in by_python.items():
            try:
                client = self._client(python)
                client.spawn(group)
            except (OSError, ValueError) as error:
                self._refuse(group, f"cannot run {python or sys.executable}: {error}")
                continue
            self._requested[str(client.path)].update(launch.instance for launch in group)

    def watched_worker(self, instance: int) -> ProcessIdentity | None:
        """Return the process of an instance, as its launcher has reported it."""
        for workers in self._workers.values():
            if (worker := workers.get(instance)) is not None:
                return _identity(worker)
        return super().watched_worker(instance)

    def _refuse(self, launches: Iterable[WorkerLaunch], reason: str) -> None:
        for refusal in _refusals((launch.instance for launch in launches), reason):
            self.report(refusal)

    def _client(self, python: str | None) -> LauncherClient:
        path = launcher_path(self.home, self.settings.name, python, method=self._method)
        client = self._clients.get(str(path))
        if client is not None and not client.is_connected:
            self._lose(client)
            client = None
        if client is None:
            client = LauncherClient(path)
            client.start(self.home, python, method=self._method)
            self._clients[str(path)] = client
            if python is None:
                self._default.begin()
                self._introduce(client)
        return client

    def hold_logs(self, quota_bytes: Mapping[str, int]) -> None:
        """Have the default launcher hold the raw output of services to their quotas."""
        changed = {k: v for k, v in quota_bytes.items() if self._log_quotas.get(k) != v}
        self._log_quotas.update(changed)
        path = launcher_path(self.home, self.settings.name, None, method=self._method)
        client = self._clients.get(str(path))
        if changed and client is not None:
            client.hold_logs(str(self.home.logs), changed)

    def _introduce(self, client: LauncherClient) -> None:
        """Have the default launcher guard the logs, and start this manager again when it dies."""
        if self._log_quotas:
            client.hold_logs(str(self.home.logs), self._log_quotas)
        if self.keep_command:
            log = str(manager_log(self.home, self.settings.name))
            client.keep(self.keep_command, log)

    def find_workers(self) -> Collection[int]:
        """Connect to the launchers that are there; have the default one ready.

        What launchers that are gone have left is adopted, or ended.
        """
        gone: list[LauncherClient] = []
        default = launcher_path(self.home, self.settings.name, None, method=self._method)
        for path in find_launchers(self.home, self.settings.name):
            client = LauncherClient(path)
            if client.connect():
                self._clients[str(path)] = client
                self._wait_for_hello(client)
                if path == default:
                    self._introduce(client)
            else:
                gone.append(client)
        for client in gone:
            self._bury(client)
        reclaim_orphans(self, [client.journal for client in gone])
        self._have_default_launcher()
        return {instance for workers in self._workers.values() for instance in workers}

    def _wait_for_hello(self, client: LauncherClient) -> None:
        poll = select.poll()
        poll.register(client.fileno(), select.POLLIN)
        deadline = time.monotonic() + HELLO_TIMEOUT_SECONDS
        while client.is_connected and (rest := deadline - time.monotonic()) > 0:
            poll.poll(rest * 1000)
            messages = client.receive()
            for report in self._take(client, messages):
                self.report(report)
            if client.has_spoken:
                return

    def descriptors(self) -> Iterable[tuple[int, bool]]:
        """Wake for what launchers say, and when one can take more."""
        return [(c.fileno(), c.wants_write) for c in self._clients.values() if c.is_connected]

    def collect_reports(self) -> list[Report]:
        """Return what the launchers reported; adopt the workers of a launcher that died."""
        reports: list[Report] = []
        for client in tuple(self._clients.values()):
            client.flush()
            reports += self._take(client, client.receive())
        for client in tuple(self._clients.values()):
            if not client.is_connected:
                try:
                    self._lose(client)
                except (OSError, OdbctlError) as error:  # the next pass tries again
                    logger.warning("cannot adopt the workers of a launcher yet: %s", error)
                    self._default.put_off()
        self._have_default_launcher()
        return reports

    def _have_default_launcher(self) -> None:
        """Start the launcher of odbctl's own interpreter again at once when it has died.

        It keeps this manager: without it, nobody would start a manager that is killed. A
        launcher that does not live is started again with growing pauses.
        """
        path = str(launcher_path(self.home, self.settings.name, None, method=self._method))
        client = self._clients.get(path)
        if client is None and self._default.is_due():
            try:
                self._client(None)
            except OSError as error:
                logger.warning("cannot start a launcher: %s", error)
        is_complete = path in self._clients and all(c.is_connected for c in self._clients.values())
        self.poll_seconds = None if is_complete else max(0.1, self._default.due_seconds())

    def _take(self, client: LauncherClient, messages: Iterable[Message]) -> list[Report]:
        key = str(client.path)
        reports: list[Report] = []
        for message in messages:
            for started in parse_reports(WorkerStarted, message.get("started")):
                self._workers[key][started.instance] = started
                self._requested[key].discard(started.instance)
                self._lost.pop(started.instance, None)
                reports.append(started)
                self._newcomers.append(started)
            running = parse_reports(WorkerRunning, message.get("running"))
            self._newcomers += running
            reports += running
            for exited in parse_reports(WorkerExited, message.get("exited")):
                self._workers[key].pop(exited.instance, None)
                self._requested[key].discard(exited.instance)
                self._numbers[key] = max(self._numbers.get(key, 0), exited.number)
                reports.append(exited)
        return reports

    def _lose(self, client: LauncherClient) -> None:
        """Take over from a launcher that died: adopt its workers, start again what it did not.

        Raises:
            OSError: The process table cannot be read now. Nothing has been forgotten, and this
                can be called again.
        """
        key = str(client.path)
        exits = client.take_over_journal()
        ended = {exited.instance for exited in exits}
        workers = self._workers[key]
        requested = self._requested[key] - ended
        known = ended | workers.keys()
        found = reclaim_orphans(self, [client.journal], requested=requested, known=known)
        del self._clients[key], self._workers[key], self._requested[key]
        self._numbers.pop(key, None)  # the next launcher counts from the beginning
        self._buried.append(client)
        for exited in exits:
            self.report(exited)
        for worker in workers.values():
            if worker.instance not in ended:
                self.adopt_worker(worker.instance, _identity(worker))
        self._start_again(client, requested - found.instances)

    def _start_again(self, client: LauncherClient, requested: set[int]) -> None:
        """Have another launcher start what one that died has not started."""
        if not client.could_run():
            reason = "its interpreter could not run odbctl's launcher; see odbctl manager logs"
            for refusal in _refusals(requested, reason):
                self.report(refusal)
            return
        logger.warning("a launcher exited; its workers keep running and will be adopted")
        self._lost.update(requested)
        hopeless = {i for i in requested if self._lost[i] >= MAX_LOST_LAUNCHERS}
        self.relaunch(requested - hopeless)
        reason = (
            f"{MAX_LOST_LAUNCHERS} launchers exited before starting it; see odbctl manager logs"
        )
        for refusal in _refusals(hopeless, reason):
            self.report(refusal)

    def _bury(self, client: LauncherClient) -> None:
        """Report the exits that a launcher, which is gone, wrote down."""
        self._buried.append(client)
        for exited in client.take_over_journal():
            self.report(exited)

    def reports_recorded(self) -> None:
        """Tell the launchers which exits they may forget; end workers that nobody wants."""
        self._end_strangers()
        for key, number in self._numbers.items():
            if number and (client := self._clients.get(key)):
                client.acknowledge(number)
        self._numbers.clear()
        for client in self._buried:
            if str(client.path) not in self._clients:  # no other has taken its place
                client.remove_files()
        self._buried.clear()

    def _end_strangers(self) -> None:
        """Kill workers that began for an instance which is over, or has another worker.

        A launcher that was stopped does late what an earlier manager asked of it, when the
        instance may have been stopped, or taken for one that never started.
        """
        newcomers, self._newcomers = self._newcomers, []
        if not newcomers:
            return
        with self.db.view():
            strangers = {_identity(each) for each in newcomers if _is_stranger(each)}
        for each in strangers:
            if signal_group(each, signal.SIGKILL):
                logger.warning(
                    "killed worker %d: its instance already has another process", each.pid
                )

    def cleanup(self) -> None:
        """Leave the launchers, which go on with their workers."""
        for client in self._clients.values():
            if self.is_stopping:
                client.say_goodbye()
            client.close()


def _refusals(instances: Iterable[int], reason: str) -> list[WorkerExited]:
    return [WorkerExited(i, None, None, None, time.time(), 0, reason) for i in instances]


def _identity(worker: WorkerStarted | WorkerRunning) -> ProcessIdentity:
    return ProcessIdentity(read_boot_id(), worker.pid, worker.start_ticks)


def _is_stranger(worker: WorkerStarted | WorkerRunning) -> bool:
    """Tell whether a worker is not the one of its instance. Needs an open view."""
    found = ServiceInstance.from_oid(worker.instance)
    if not found.exists() or found.state in ENDED_STATES:
        return True
    return worker_identity(found) not in (None, _identity(worker))
