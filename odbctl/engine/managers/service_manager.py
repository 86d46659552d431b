"""ServiceManager: the reconciler of one host. Observe, decide, act, record.

One background process per host runs `run()`. It sleeps until the database
changes, a worker ends or a timer is due, and holds nothing that is not in the
database or can be read again from the kernel: killed with -9 it harms nobody,
and its successor adopts every worker.

A subclass is a way of launching workers: it says how they are started
(`start_service_workers`) and what has become of them (`collect_reports`).
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from odbctl.engine.managers.adoption import AdoptedWorkers
from odbctl.engine.managers.apply import apply_actions
from odbctl.engine.managers.descriptors import DescriptorWatch
from odbctl.engine.managers.health import HealthChecks
from odbctl.engine.managers.hooks import HookRunner
from odbctl.engine.managers.host import (
    HostLock,
    HostSettings,
    record_host_down,
    record_host_up,
    take_over_instances,
)
from odbctl.engine.managers.housekeeping import Housekeeper
from odbctl.engine.managers.identities import worker_identity
from odbctl.engine.managers.instance_groups import InstanceGroups
from odbctl.engine.managers.interpreters import hash_text
from odbctl.engine.managers.launches import make_launch
from odbctl.engine.managers.messages import Report, WorkerExited
from odbctl.engine.managers.observe import observe_workers, observe_world
from odbctl.engine.managers.own_workers import OwnWorkers
from odbctl.engine.managers.pace import Pace
from odbctl.engine.managers.ports import assign_ports, require_port
from odbctl.engine.managers.rate_limit import RateLimit
from odbctl.engine.managers.record import record_reports
from odbctl.engine.managers.report_queue import ReportQueue
from odbctl.engine.managers.settling import instances_with_run_files, remove_run_files, settle_logs
from odbctl.engine.managers.strategy import LaunchStrategy
from odbctl.engine.model.core import Hook, ServiceHost, ServiceInstance
from odbctl.engine.model.events import record_event
from odbctl.engine.model.plain_text import plain_text
from odbctl.engine.model.states import EventLevel
from odbctl.engine.odb import Database, Listener
from odbctl.engine.reconcile.actions import (
    Action,
    Kill,
    Plan,
    RecordGone,
    ReportHostDown,
    Retire,
    Stop,
    Terminate,
)
from odbctl.engine.reconcile.plan import plan_world
from odbctl.engine.reconcile.snapshot import ServiceSnapshot, WorldSnapshot
from odbctl.engine.worker.control import REPORT, STOP, control_path, send_control
from odbctl.engine.worker.identity import ProcessIdentity
from odbctl.engine.worker.launch import WorkerLaunch
from odbctl.engine.worker.wake_pipe import WakePipe
from odbctl.errors import OdbctlError, StoreError, is_transient
from odbctl.paths import Home

RETRY_SECONDS = 1.0
# How long cleaning up after exits waits at most, while others end.
LONGEST_CLEAN_UP_DELAY_SECONDS = 0.25

logger = logging.getLogger("odbctl.manager")


class ServiceManager(LaunchStrategy):
    """Makes what runs on one host equal what is wanted."""

    def __init__(self, home: Home, db: Database, settings: HostSettings | None = None) -> None:
        self.home = home
        self.db = db
        self.settings = settings or HostSettings()
        self.host_id = 0
        self.adopted = AdoptedWorkers(home.run)
        self._own = OwnWorkers(self)
        self._house = Housekeeper(home, db, self.settings.name, self.hold_logs)
        self._groups = InstanceGroups(None)
        self._hooks = HookRunner(db, home.run)
        self._reports = ReportQueue()
        self._recorded: list[Report] = []  # what is not cleaned up after yet
        self._clean_up_by = 0.0  # monotonic
        self._wake = WakePipe()
        self._is_stopping = False
        self._decided_seq = -1  # the last commit that the newest plan knows of
        self._pace = Pace()
        self._limit = RateLimit()
        self._descriptors = DescriptorWatch(db)
        self._has_failed_step = False
        self._database_file: tuple[int, int] | None = None
        fifo = home.run / f"h-{hash_text(self.settings.name):08x}"
        self._health = HealthChecks(fifo, self.ask_probe)

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._is_stopping

    # The loop.

    def run(self) -> None:
        """Supervise until `stop()` is called.

        Raises:
            ConflictError: Another manager supervises this host.
            StoreError: The database was deleted or replaced meanwhile.
        """
        lock = HostLock(self.home, self.settings.name)
        lock.acquire()
        try:
            self._groups = InstanceGroups.find()
            told = self.find_workers()
            self.host_id = self.db.run(self._record_host)
            self._health.open()
            self._adopt(told)
            self._house.start(self.host_id)
            self._database_file = _file_identity(self.home.database)
            with self.db.listen(lambda: self._decided_seq) as listener:
                self._loop(listener)
            self._clean_up()
            self._check_database()
            self.db.run(lambda: record_host_down(self.host_id))
        finally:
            self._house.stop()
            self._hooks.stop()
            self._health.close()
            self.cleanup()
            self.adopted.close()
            lock.release()

    def _record_host(self, *, deleted: int | None = None) -> int:
        host_id = record_host_up(
            self.settings,
            strategy=self.strategy,
            start_method=self.start_method,
            limits_held_by=self._groups.held_by,
            is_kept=bool(self.keep_command),
        )
        take_over_instances(ServiceHost.from_oid(host_id), deleted=deleted)
        return host_id

    def _have_host(self) -> None:
        """Make the record of this manager's host again when somebody has deleted it."""
        with self.db.view():
            if ServiceHost.from_oid(self.host_id).exists():
                return
        self.host_id = self.db.run(partial(self._record_host, deleted=self.host_id))
        self._house.follow_host(self.host_id)
        self._hooks.stop()  # started again for the new record
        logger.warning("the record of host %s was deleted; made it again", self.settings.name)

    def stop(self) -> None:
        """Make `run` return soon; callable from any thread and from a signal handler."""
        self._is_stopping = True
        self._wake.wake()

    def stop_on(self, *numbers: signal.Signals) -> None:
        """Stop when one of these signals comes; main thread only."""
        for number in numbers:
            signal.signal(number, lambda _number, _frame: self.stop())
        self._wake.wake_on_signals()

    def _loop(self, listener: Listener) -> None:
        while not self._is_stopping:
            self._check_database()
            try:
                wake_at = self._pass()
            except OdbctlError as error:
                logger.warning("%s; retrying in %g s", error, RETRY_SECONDS)
                self._wake.sleep(RETRY_SECONDS)
            except Exception as error:  # the manager outlives its own defects
                self._descriptors.note(error)
                logger.exception("reconciling failed; retrying in %g s", RETRY_SECONDS)
                self._wake.sleep(RETRY_SECONDS)
            else:
                self._attempt("waiting", partial(self._wait, listener, wake_at))
                self._pace.keep()

    def _check_database(self) -> None:
        """End this manager when the file that it has opened is the home's database no longer.

        It would go on with data that nobody else sees. Its services are left as they are, and
        its launchers are told not to start it again.

        Raises:
            StoreError: The database was deleted or replaced.
        """
        try:
            found = _file_identity(self.home.database)
        except OSError:
            return  # it cannot be told now
        if found != self._database_file:
            self._is_stopping = True
            what = "deleted" if found is None else "replaced by another file"
            raise StoreError(
                f"the database {self.home.database} was {what}; this manager exits, and its"
                " services keep running",
                hint="odbctl manager start",
            )

    def _pass(self) -> float | None:
        self._has_failed_step = False
        self._have_host()
        self._attempt("housekeeping", self._house.step)
        self._attempt("counting descriptors", partial(self._descriptors.step, self.host_id))
        for source in (self.collect_reports, self.adopted.collect, self._health.step):
            self._attempt("collecting reports", partial(self._collect, source))
        reports = self._reports.take()
        try:
            world, plan = self._record_and_decide(reports)
        except BaseException:
            self._reports.put_back(reports)  # nothing was written
            raise
        self._own.signal(plan.actions)
        if plan.actions:
            done, (world, plan) = plan.actions, self._decide()
            if set(plan.actions) - set(done):
                plan = replace(plan, wake_at=time.time())
        self._attempt("starting workers", partial(self._own.act, world))
        self._attempt("following probes", partial(self._health.follow, world))
        self._attempt("hooks", partial(self._follow_hooks, is_leader=world.is_leader))
        self._note_recorded(reports)
        return plan.wake_at

    def _attempt(self, what: str, step: Callable[[], object]) -> None:
        """Take one step of a pass; when it fails, log that, and have a pass follow soon."""
        try:
            step()
        except Exception as error:
            self._has_failed_step = True
            self._descriptors.note(error)
            if self._limit.allows((what, type(error))):
                is_foreseen = isinstance(error, OdbctlError | OSError)
                logger.warning("%s failed: %s", what, error, exc_info=not is_foreseen)

    def _collect(self, source: Callable[[], Iterable[Report]]) -> None:
        self._reports.add(*self._groups.explained(source()))

    def _follow_hooks(self, *, is_leader: bool) -> None:
        """Have hooks called while there are any, and this manager leads."""
        with self.db.view():
            is_wanted = is_leader and Hook.lookup_count() > 0
        if is_wanted and not self._hooks.is_running:
            self._hooks.start(self.host_id)
        elif self._hooks.is_running and not is_wanted:
            self._hooks.stop()

    def _record_and_decide(self, reports: Sequence[Report]) -> tuple[WorldSnapshot, Plan]:
        """Write the reports and what follows from them.

        When they cannot be written together, each one is written by itself, and so are the moves
        of each service. What cannot be written even so is dropped, and logged.
        """
        try:
            return self._record_and_decide_together(reports)
        except Exception as error:
            if is_transient(error):
                raise
            if self._limit.allows(("together", type(error))):
                logger.warning(
                    "cannot record a batch of reports: %s; recording them one by one",
                    error,
                    exc_info=True,
                )
        self._record_each(reports)
        world, plan = self._decide()
        self._apply_each(world, plan)
        return world, plan

    def _record_and_decide_together(self, reports: Sequence[Report]) -> tuple[WorldSnapshot, Plan]:
        """Write reports and plan in as few commits as possible.

        An exit and the boot that follows it are one commit, because the service is down meanwhile.
        """
        ended = [r.instance for r in reports if isinstance(r, WorkerExited)]

        def write() -> tuple[WorldSnapshot, Plan]:
            self._record(reports)
            world, plan = self._observe(without=ended)
            apply_actions(plan.actions, actor=self.settings.name)
            return world, plan

        if ended:
            world, plan = self.db.run(write)
            self._own.forget(ended)
            return world, plan
        if reports:
            self.db.run(lambda: self._record(reports))
        world, plan = self._decide()
        if plan.actions:
            self.db.run(lambda: apply_actions(plan.actions, actor=self.settings.name))
        return world, plan

    def _record_each(self, reports: Sequence[Report]) -> None:
        """Write each report by itself; drop those that cannot be written."""
        for report in reports:
            try:
                self.db.run(partial(self._record, [report]))
            except Exception as error:
                if is_transient(error):
                    raise
                self._drop(report, error)
        self._own.forget(r.instance for r in reports if isinstance(r, WorkerExited))

    def _drop(self, report: Report, error: Exception) -> None:
        """Say that a report is lost, in the log and as an event, once in a while."""
        if not self._limit.allows(("dropped", type(report), report.instance)):
            return
        text = f"dropped a {type(report).__name__} of instance {report.instance}: {error!r}"
        logger.error("%s", text)
        self._record_problem("report-dropped", text)

    def _record_problem(self, reason: str, text: str) -> None:
        """Record an event about a problem of this manager."""
        subject, actor = f"host/{self.settings.name}", self.settings.name
        self.db.run(
            lambda: record_event(subject, reason, text, actor=actor, level=EventLevel.WARNING)
        )

    def _apply_each(self, world: WorldSnapshot, plan: Plan) -> None:
        """Apply the moves of each service in a transaction of its own."""
        service_of = {i.id: service.id for service in world.services for i in service.instances}
        by_service: dict[int, list[Action]] = defaultdict(list)
        for action in plan.actions:
            if isinstance(action, ReportHostDown):
                report = partial(apply_actions, (action,), actor=self.settings.name)
                self._attempt("recording a host", partial(self.db.run, report))
            elif isinstance(action, Stop | Terminate | Kill | Retire | RecordGone):
                by_service[service_of[action.instance]].append(action)
            else:
                by_service[action.service].append(action)
        names = {service.id: service.name for service in world.services}
        for service, actions in by_service.items():
            moves = partial(apply_actions, tuple(actions), actor=self.settings.name)
            self._attempt(f"changing service {names[service]}", partial(self.db.run, moves))

    def _record(self, reports: Sequence[Report]) -> None:
        record_reports(reports, actor=self.settings.name)

    def _decide(self) -> tuple[WorldSnapshot, Plan]:
        """Plan; what is committed from now on has to wake this manager."""
        with self.db.view() as view:
            self._decided_seq = view.seq
            return self._observe()

    def _observe(self, *, without: Collection[int] = ()) -> tuple[WorldSnapshot, Plan]:
        """Read the world and plan; `without` has ended just now. Needs an open view."""
        asked_at = {i: at for i, at in self._own.asked_at().items() if i not in without}
        world = observe_world(
            self.host_id,
            asked_at=asked_at,
            terminated=self._own.terminated,
            on_broken=self._leave_out,
            run=self.home.run,
        )
        now = time.time()
        try:
            return world, plan_world(world, now=now)
        except Exception:  # noqa: BLE001 - data that no plan can be made of; logged below
            world = self._without_broken(world, now)
            return world, plan_world(world, now=now)

    def _without_broken(self, world: WorldSnapshot, now: float) -> WorldSnapshot:
        """Return the world without the services that cannot be planned."""
        sound: list[ServiceSnapshot] = []
        for service in world.services:
            try:
                plan_world(world._replace(services=(service,)), now=now)
            except Exception as error:  # noqa: BLE001 - logged
                self._leave_out(service.name, error)
            else:
                sound.append(service)
        return world._replace(services=tuple(sound))

    def _leave_out(self, service: str, error: Exception) -> None:
        """Say that a service is not supervised, because it cannot be read or planned."""
        if self._limit.allows(("broken", service)):
            logger.error("skipped service %s: %r", service, error)

    def _note_recorded(self, reports: Sequence[Report]) -> None:
        """Remember what to clean up after, in the next quiet moment or when it is late."""
        if reports and not self._recorded:
            self._clean_up_by = time.monotonic() + LONGEST_CLEAN_UP_DELAY_SECONDS
        self._recorded += reports
        if time.monotonic() >= self._clean_up_by:
            self._clean_up()

    def _clean_up(self) -> None:
        """Do what can wait until wanted workers have been started and exits recorded."""
        reports, self._recorded = self._recorded, []
        if not reports:
            return
        ended = [r.instance for r in reports if isinstance(r, WorkerExited)]
        self._attempt("settling logs", lambda: settle_logs(self.home, self.db, ended))
        self._attempt("removing run files", lambda: remove_run_files(self.home, self.db, ended))
        self._attempt("removing control groups", self._groups.clean_up)
        self._attempt("acknowledging reports", self.reports_recorded)

    def report(self, report: Report) -> None:
        """Add a report that the next pass writes."""
        self._reports.add(report)

    def launches(self, instances: Iterable[int]) -> list[WorkerLaunch]:
        """Return what workers of these instances need to know.

        An instance of which that cannot be told, because its checkout is broken, has failed.
        """
        found: list[WorkerLaunch] = []
        wanted = list(instances)
        assign_ports(self.db, self.host_id, wanted, salt=self.home.data_text)
        with self.db.view():
            for number in wanted:
                instance, group = ServiceInstance.from_oid(number), self._groups.group_of(number)
                try:
                    require_port(instance)
                    found.append(make_launch(self.home, instance, cgroup=group))
                except Exception as error:
                    if is_transient(error):
                        raise
                    reason = f"cannot start: {plain_text(error)}"
                    now = time.time()
                    self.report(WorkerExited(number, None, None, None, now, reason=reason))
        self.hold_logs({launch.service: launch.log_quota_bytes for launch in found})
        return found

    def worker_of(self, instance: int) -> ProcessIdentity | None:
        """Return the process of an instance, None when it has none yet."""
        with self.db.view():
            found = ServiceInstance.from_oid(instance)
            if found.exists():
                return worker_identity(found)
        return self.watched_worker(instance)

    def watched_worker(self, instance: int) -> ProcessIdentity | None:
        """Return the process of an instance as far as it is watched, whatever is recorded."""
        return self.adopted.identity_of(instance)

    def deleted(self, instances: Collection[int]) -> set[int]:
        """Return the instances whose records somebody has deleted."""
        with self.db.view():
            return {i for i in instances if not ServiceInstance.from_oid(i).exists()}

    def _wait(self, listener: Listener, wake_at: float | None) -> None:
        """Sleep until something changes, a worker ends or `wake_at`."""
        if self._reports.is_due() or listener.arm():
            listener.drain()
            return
        poll = select.poll()
        poll.register(listener.fileno(), select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        for descriptor in self.adopted.descriptors():
            poll.register(descriptor, select.POLLIN)
        for descriptor, wants_write in self.descriptors():
            poll.register(descriptor, select.POLLIN | (select.POLLOUT if wants_write else 0))
        try:
            if self._recorded and not poll.poll(0):  # whoever waits for the next exit comes first
                self._clean_up()
            poll.poll(self._timeout_seconds(wake_at) * 1000)
        except OSError:  # the limit of descriptors was lowered under what is open: poll(2), EINVAL
            self._wake.sleep(RETRY_SECONDS)
        self._wake.drain()
        listener.drain()

    def _timeout_seconds(self, wake_at: float | None) -> float:
        waits = (
            self._house.due_seconds(),
            self._reports.due_seconds(),
            self._health.due_seconds(),
            self._own.retry_seconds,
            self.poll_seconds,
            self._descriptors.look_seconds,
            RETRY_SECONDS if self._has_failed_step else None,
            self.adopted.due_seconds(),
            wake_at - time.time() if wake_at is not None else None,
        )
        return max(0.0, min(seconds for seconds in waits if seconds is not None))

    def _adopt(self, told: Collection[int]) -> None:
        """Find the workers that an earlier manager of this host left running.

        Args:
            told: Those whose end this manager will be told of.
        """
        reports = self._reports.take(everything=True)
        self._record_each(reports)
        self._recorded += reports
        self._clean_up()
        remove_run_files(self.home, self.db, instances_with_run_files(self.home))
        with self.db.view():
            living = observe_workers(self.host_id)
        for instance, identity in living:
            if instance in told:
                self._own.remember(instance)
            elif identity is not None:
                self._own.remember(instance)
                self.adopt_worker(instance, identity)
        if living:
            logger.info("adopted %d instances", len(living))

    def adopt_worker(self, instance: int, identity: ProcessIdentity) -> None:
        """Watch a worker whose exit no launcher will report; it may have exited already."""
        if self.adopted.adopt(instance, identity):
            with contextlib.suppress(OSError):  # out of descriptors; it may have reported before
                send_control(control_path(self.home.run, instance), REPORT)

    def request_stop_elsewhere(self, instance: int) -> None:
        """Ask a worker of a host without a manager to stop, however that host started it."""
        send_control(control_path(self.home.run, instance), STOP)

    def hold_logs(self, quota_bytes: Mapping[str, int]) -> None:
        """Have the raw output of services held to their quotas, where there is any."""

    def relaunch(self, instances: Iterable[int]) -> None:
        """Forget that workers were asked for, so that those still wanted are started again."""
        self._own.forget(instances)


def _file_identity(path: Path) -> tuple[int, int] | None:
    """Return what tells one file from another at the same path; None when there is none."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
