"""Reports that come late, twice or for another process change nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from stocked_home import stock

from odbctl.engine.managers.messages import Report, WorkerExited, WorkerRunning, WorkerStarted
from odbctl.engine.managers.record import record_reports
from odbctl.engine.model.core import Event, Release, Service, ServiceHost, ServiceInstance
from odbctl.engine.model.states import EventLevel, InstanceState
from odbctl.engine.odb import Database
from odbctl.engine.worker.identity import ProcessIdentity, read_boot_id
from odbctl.engine.worker.running import record_running
from odbctl.paths import Home


@pytest.fixture
def db(home: Home) -> Iterator[Database]:
    stock(home)
    with Database(home.database, run_dir=home.run) as opened:
        yield opened


@pytest.fixture
def instance(db: Database) -> ServiceInstance:
    """Return an instance that boots."""

    def make() -> ServiceInstance:
        service = Service.lookup_one(name="hello")
        release = service.release
        assert isinstance(release, Release)
        return ServiceInstance(
            name="hello-9",
            service=service,
            release=release,
            host=ServiceHost.lookup_one(name="local"),
            slot=0,
            created_at=time.time(),
        )

    return db.run(make)


def after(db: Database, *reports: Report, of: ServiceInstance) -> tuple[InstanceState, int | None]:
    """Record reports; return the instance's state and pid."""
    db.run(lambda: record_reports(reports, actor="local"))
    with db.view():
        return of.state, of.pid


def test_a_start_is_recorded_once(db: Database, instance: ServiceInstance) -> None:
    first = WorkerStarted(instance.oid, 100, 1, 1.0)
    assert after(db, first, of=instance) == (InstanceState.INITIALIZING, 100)
    second = WorkerStarted(instance.oid, 200, 2, 2.0)
    assert after(db, second, of=instance) == (InstanceState.INITIALIZING, 100)


def test_a_worker_that_said_itself_that_it_runs_stays(
    db: Database, instance: ServiceInstance
) -> None:
    running = WorkerRunning(instance.oid, 100, 1, 1.0)
    other = WorkerStarted(instance.oid, 200, 2, 2.0)
    its_end = WorkerExited(instance.oid, 200, 1, None, 3.0)
    assert after(db, running, other, its_end, of=instance) == (InstanceState.RUNNING, 100)


def test_what_has_ended_starts_no_more(db: Database, instance: ServiceInstance) -> None:
    ended = WorkerExited(instance.oid, None, None, None, 1.0, reason="it was never started")
    after(db, ended, of=instance)
    late = WorkerRunning(instance.oid, 100, 1, 2.0)
    assert after(db, late, of=instance)[0] is InstanceState.FAILED


def test_a_worker_works_on_whoever_was_quicker_to_write_it(
    db: Database, instance: ServiceInstance
) -> None:
    def write(pid: int) -> bool:
        identity = ProcessIdentity(read_boot_id(), pid, 1)
        return db.run(lambda: record_running(instance, identity, at=1.0))

    assert [write(100), write(100), write(200)] == [True, True, False]


def end_while_stopping(
    db: Database,
    instance: ServiceInstance,
    *,
    code: int | None = 1,
    signal: int | None = None,
    after_seconds: float = 0.5,
    stopped_by: str = "",
    desired_count: int = 1,
) -> tuple[InstanceState, str, EventLevel]:
    """End an instance that was stopped while it started; return its state and its event."""

    def stop() -> None:
        instance.state = InstanceState.STOPPING
        instance.stopping_at = 100.0
        instance.stopped_by = stopped_by
        instance.reason = "RuntimeError: no such table"
        instance.service.desired_count = desired_count

    db.run(stop)
    ended = WorkerExited(instance.oid, 100, code, signal, 100.0 + after_seconds)
    db.run(lambda: record_reports([ended], actor="local"))
    with db.view():
        event = max(Event.lookup_all(service="hello"), key=lambda found: found.oid)
        assert "RuntimeError: no such table" in event.message
        assert not instance.is_current
        assert instance.service.failed_starts == 0
        return instance.state, event.reason, event.level


FAILED = (InstanceState.FAILED, "failed", EventLevel.ERROR)
STOPPED = (InstanceState.STOPPED, "stopped", EventLevel.INFO)


def test_a_start_that_fails_while_its_rollout_is_given_up_has_failed(
    db: Database, instance: ServiceInstance
) -> None:
    assert end_while_stopping(db, instance) == FAILED


def test_a_start_that_ends_by_a_signal_of_its_own_has_failed(
    db: Database, instance: ServiceInstance
) -> None:
    assert end_while_stopping(db, instance, code=None, signal=11) == FAILED


def test_a_start_that_ends_after_the_stop_signal_was_stopped(
    db: Database, instance: ServiceInstance
) -> None:
    assert end_while_stopping(db, instance, after_seconds=6.0) == STOPPED


def test_a_start_that_a_person_stopped_has_not_failed(
    db: Database, instance: ServiceInstance
) -> None:
    assert end_while_stopping(db, instance, stopped_by="ann") == STOPPED


def test_a_start_of_a_service_scaled_down_has_not_failed(
    db: Database, instance: ServiceInstance
) -> None:
    assert end_while_stopping(db, instance, desired_count=0) == STOPPED
