"""Reports that come late, twice or for another process change nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from stocked_home import stock

from odbctl.engine.managers.messages import Report, WorkerExited, WorkerRunning, WorkerStarted
from odbctl.engine.managers.record import record_reports
from odbctl.engine.model.core import Release, Service, ServiceHost, ServiceInstance
from odbctl.engine.model.states import InstanceState
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
            slot=8,
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
