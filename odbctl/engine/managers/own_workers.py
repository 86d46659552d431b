"""What a manager remembers of its own host's workers: launched, asked, terminated.

Memory only: a manager that lost it asks again, which does no harm.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Mapping
from signal import SIGKILL, Signals
from typing import Protocol

from odbctl.engine.managers.messages import Report, WorkerExited
from odbctl.engine.managers.processes import signal_group
from odbctl.engine.managers.rate_limit import RateLimit
from odbctl.engine.model.plain_text import plain_text
from odbctl.engine.model.states import InstanceState
from odbctl.engine.reconcile.actions import Action, Kill, Terminate
from odbctl.engine.reconcile.snapshot import WorldSnapshot
from odbctl.engine.worker.identity import ProcessIdentity
from odbctl.engine.worker.launch import WorkerLaunch
from odbctl.errors import is_transient

ASK_AGAIN_SECONDS = 0.05
# How long the worker of an instance whose record was deleted has to end.
DELETED_GRACE_SECONDS = 10.0
LOOK_SECONDS = 1.0

logger = logging.getLogger("odbctl.manager")


class Strategy(Protocol):
    """What is needed of a ServiceManager."""

    host_id: int

    def start_service_workers(self, launches: list[WorkerLaunch]) -> None:
        """Start workers."""

    def request_stop(self, instance: int) -> bool:
        """Ask a worker to stop; return whether it could be asked."""
        ...

    def request_stop_elsewhere(self, instance: int) -> None:
        """Ask a worker of a host without a manager to stop."""

    def send_signal_to(self, instance: int, worker: ProcessIdentity, number: Signals) -> None:
        """Signal the worker of an instance, and its group."""

    def launches(self, instances: Iterable[int]) -> list[WorkerLaunch]:
        """Return what the workers of instances need to know."""
        ...

    def worker_of(self, instance: int) -> ProcessIdentity | None:
        """Return the process of an instance."""
        ...

    def deleted(self, instances: Collection[int]) -> set[int]:
        """Return the instances whose records somebody has deleted."""
        ...

    def report(self, report: Report) -> None:
        """Add a report that the next pass writes."""


class OwnWorkers:
    """Starts, asks and signals the workers of one manager's host."""

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self._launched: set[int] = set()
        self._asked: dict[int, float] = {}  # monotonic time of the first try
        self._unheard: set[int] = set()
        self._elsewhere: set[int] = set()  # stopping on hosts without a manager
        self.terminated: set[int] = set()
        self._limit = RateLimit()
        self._deleted: dict[int, float] = {}  # monotonic time at which they are killed

    @property
    def retry_seconds(self) -> float | None:
        """When to try again to ask those that could not be asked; None when there are none."""
        if self._unheard:
            return ASK_AGAIN_SECONDS
        return LOOK_SECONDS if self._deleted else None

    def asked_at(self) -> Mapping[int, float]:
        """Return when each was asked to stop, by a clock that nobody can set back."""
        shift = time.time() - time.monotonic()
        return {instance: at + shift for instance, at in self._asked.items()}

    def remember(self, instance: int) -> None:
        """Know that an instance has its worker."""
        self._launched.add(instance)

    def forget(self, instances: Iterable[int]) -> None:
        """Know nothing more of instances, for they ended or are to be started again."""
        for instance in instances:
            self._launched.discard(instance)
            self._asked.pop(instance, None)
            self._unheard.discard(instance)
            self.terminated.discard(instance)
            self._deleted.pop(instance, None)

    def act(self, world: WorldSnapshot) -> None:
        """Start booting instances and ask stopping ones to end, each once.

        Each service is a step of its own: a failure in one affects no other.
        """
        for service in world.services:
            own = [i for i in service.instances if i.host == self._strategy.host_id]
            booting = [
                i.id for i in own if i.state is InstanceState.BOOTING and i.id not in self._launched
            ]
            if booting:
                self._start(booting)
            for instance in own:
                if instance.is_stopping and not instance.is_killed:
                    self._ask(instance.id)
        self._act_elsewhere(world)
        self._end_deleted(world)

    def _end_deleted(self, world: WorldSnapshot) -> None:
        """End the workers of instances whose records were deleted: ask, and kill after a while."""
        unseen = self._launched - {i.id for service in world.services for i in service.instances}
        if not unseen:
            return
        now = time.monotonic()
        for instance in self._strategy.deleted(unseen):
            if instance not in self._deleted:
                self._deleted[instance] = now + DELETED_GRACE_SECONDS
                logger.warning("ending a worker: the record of instance %d was deleted", instance)
                self._request_stop(instance)
            elif now >= self._deleted[instance]:
                self._send(instance, SIGKILL)

    def _act_elsewhere(self, world: WorldSnapshot) -> None:
        """Ask what is stopping on hosts without a manager, each once."""
        hosts = world.supervised_hosts - {self._strategy.host_id}
        if not hosts:
            self._elsewhere.clear()
            return
        stopping = {
            i.id for s in world.services for i in s.instances if i.host in hosts and i.is_stopping
        }
        for instance in stopping - self._elsewhere:
            self._asked.setdefault(instance, time.monotonic())
            self._strategy.request_stop_elsewhere(instance)
        for instance in self._elsewhere - stopping:
            self._asked.pop(instance, None)
            self.terminated.discard(instance)
        self._elsewhere = stopping

    def _start(self, instances: list[int]) -> None:
        """Start workers; when the strategy raises, report each of them as failed."""
        self._launched.update(instances)
        try:
            self._strategy.start_service_workers(self._strategy.launches(instances))
        except Exception as error:
            if is_transient(error):  # the database; the next pass tries again
                self._launched.difference_update(instances)
                raise
            reason = f"its strategy could not start it: {plain_text(repr(error))}"
            for instance in instances:
                self._strategy.report(
                    WorkerExited(instance, None, None, None, time.time(), reason=reason)
                )

    def _ask(self, instance: int) -> None:
        if instance in self._asked and instance not in self._unheard:
            return
        if instance not in self._launched:
            self._strategy.report(
                WorkerExited(instance, None, None, None, time.time(), reason="it was never started")
            )
            return
        self._asked.setdefault(instance, time.monotonic())
        if self._request_stop(instance):
            self._unheard.discard(instance)
        else:
            self._unheard.add(instance)

    def _request_stop(self, instance: int) -> bool:
        try:
            return self._strategy.request_stop(instance)
        except Exception as error:  # noqa: BLE001 - the boundary to a strategy's code
            if self._limit.allows(("stop", instance)):
                logger.warning("cannot stop instance %d: %s", instance, error)
            return False

    def signal(self, actions: Iterable[Action]) -> None:
        """Send the signals of a plan. One that cannot be sent is sent again by a later pass."""
        for action in actions:
            match action:
                case Terminate(instance=instance, signal=name):
                    if self._send(instance, Signals[name]):
                        self.terminated.add(instance)
                case Kill(instance=instance):
                    self._send(instance, SIGKILL)
                case _:
                    pass

    def _send(self, instance: int, number: Signals) -> bool:
        """Signal a worker; False when that could not be done."""
        try:
            worker = self._strategy.worker_of(instance)
            if worker is not None and instance in self._elsewhere:
                signal_group(worker, number)
            elif worker is not None:
                self._strategy.send_signal_to(instance, worker, number)
        except Exception as error:  # noqa: BLE001 - the boundary to a strategy's code
            if self._limit.allows(("signal", instance)):
                logger.warning("cannot signal instance %d: %s", instance, error)
            return False
        return True
