"""What a manager does with a worker whose instance somebody has deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from signal import SIGKILL, Signals

import pytest
from builders import HOST, a_service, a_world, an_instance

from odbctl.engine.managers import own_workers
from odbctl.engine.managers.messages import Report, WorkerExited
from odbctl.engine.managers.own_workers import OwnWorkers
from odbctl.engine.worker.identity import ProcessIdentity
from odbctl.engine.worker.launch import WorkerLaunch


class FakeStrategy:
    """Remembers what it was asked for; its database holds no instance of `gone`."""

    host_id = HOST

    def __init__(self) -> None:
        self.gone: set[int] = set()
        self.asked: list[int] = []
        self.sent: list[tuple[int, Signals]] = []

    def start_service_workers(self, launches: list[WorkerLaunch]) -> None:
        """Start none."""

    def request_stop(self, instance: int) -> bool:
        """Remember it."""
        self.asked.append(instance)
        return True

    def request_stop_elsewhere(self, instance: int) -> None:
        """Ask none."""

    def send_signal_to(self, instance: int, worker: ProcessIdentity, number: Signals) -> None:
        """Remember it."""
        self.sent.append((instance, number))

    def launches(self, instances: Iterable[int]) -> list[WorkerLaunch]:
        """Return none."""
        return []

    def worker_of(self, instance: int) -> ProcessIdentity | None:
        """Return a process that does not exist."""
        return ProcessIdentity("boot", 1, 1)

    def deleted(self, instances: Collection[int]) -> set[int]:
        """Return those that are gone."""
        return self.gone & set(instances)

    def report(self, report: Report | WorkerExited) -> None:
        """Take no report."""


@pytest.mark.parametrize("is_patient", [True, False])
def test_the_worker_of_a_deleted_instance_is_asked_and_killed_after_its_grace(
    monkeypatch: pytest.MonkeyPatch, *, is_patient: bool
) -> None:
    monkeypatch.setattr(own_workers, "DELETED_GRACE_SECONDS", 1000.0 if is_patient else 0.0)
    strategy = FakeStrategy()
    own = OwnWorkers(strategy)
    for number in (1, 2, 3):
        own.remember(number)
    strategy.gone = {1}  # 2 is seen, and 3 belongs to a service that cannot be read
    world = a_world(a_service(1, an_instance(2)))
    own.act(world)
    own.act(world)
    assert strategy.asked == [1]
    assert strategy.sent == ([] if is_patient else [(1, SIGKILL)])
    assert own.retry_seconds is not None
    own.forget([1])
    assert own.retry_seconds is None
