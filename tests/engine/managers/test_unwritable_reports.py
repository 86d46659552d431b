"""What cannot be written or started affects its own service only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from fakes.scripted_manager import ScriptedManager, supervising
from stocked_home import stock
from waiting import eventually

from odbctl.engine.managers.messages import HealthReport, WorkerRunning, WorkerStarted
from odbctl.engine.model.core import Codebase, Event, Release, Service, ServiceHost, ServiceInstance
from odbctl.engine.model.states import InstanceState, ReleaseOutcome
from odbctl.engine.odb import Database
from odbctl.paths import Home

LARGE = 2**70  # more than a column holds


@pytest.fixture
def db(home: Home) -> Iterator[Database]:
    stock(home)
    with Database(home.database, run_dir=home.run) as opened:
        yield opened


@pytest.fixture
def manager(home: Home, db: Database) -> Iterator[ScriptedManager]:
    db.run(lambda: None)
    with supervising(home) as made:
        yield made


def add_service(db: Database, name: str, *, source_root: str | None = None) -> int:
    """Write a service that wants one instance; return the instance, which boots."""

    def write() -> ServiceInstance:
        now = time.time()
        codebase = Codebase(
            name=name, location="/nowhere", ref="main", commit=name, tree="/nowhere",
            added_at=now, source_root=source_root,
        )  # fmt: skip
        service = Service(name=name, created_at=now, desired_count=1)
        service.release = Release(
            service=service, number=1, codebase=codebase, module="m", class_name="C",
            created_at=now, actor="ann", outcome=ReleaseOutcome.ACTIVE,
        )  # fmt: skip
        host = ServiceHost.lookup_unique(name="local") or ServiceHost(name="local")
        return ServiceInstance(
            name=f"{name}-1", service=service, release=service.release, host=host, slot=0,
            created_at=now,
        )  # fmt: skip

    return db.run(write).oid


def read(db: Database, function: Callable[[], object]) -> object:
    with db.view():
        return function()


def state_of(db: Database, instance: int) -> object:
    return read(db, lambda: ServiceInstance.from_oid(instance).state)


def events_of(db: Database, reason: str) -> list[str]:
    with db.view():
        return [e.message for e in Event.lookup_all() if e.reason == reason]


def test_a_report_that_cannot_be_written_is_dropped_with_one_event(
    db: Database, manager: ScriptedManager
) -> None:
    good, bad = add_service(db, "good"), add_service(db, "bad")
    eventually(lambda: {i.service for i in manager.started} >= {"good", "bad"})
    for _ in range(3):
        manager.news += [
            WorkerStarted(bad, LARGE, 1, 1.0),
            WorkerStarted(good, 100, 1, 1.0),
            WorkerRunning(good, 100, 1, 1.0),
        ]
        eventually(lambda: not manager.news)
    eventually(lambda: state_of(db, good) is InstanceState.RUNNING)
    dropped = eventually(lambda: events_of(db, "report-dropped"))
    assert len(dropped) == 1
    assert f"instance {bad}" in dropped[0]


@pytest.mark.parametrize("text", [None, ("a", 1), "caf\udce9"])
def test_an_odd_health_text_is_written_and_holds_up_nobody(
    db: Database, manager: ScriptedManager, text: object
) -> None:
    odd, other = add_service(db, "odd"), add_service(db, "other")
    manager.news += [WorkerRunning(odd, 100, 1, 1.0)]
    eventually(lambda: state_of(db, odd) is InstanceState.RUNNING)
    fields: tuple[object, ...] = (odd, False, False, text, False, 1.0)
    manager.news += [HealthReport(*fields), WorkerRunning(other, 101, 1, 1.0)]  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - that is the point
    eventually(lambda: state_of(db, other) is InstanceState.RUNNING)
    assert read(db, lambda: ServiceInstance.from_oid(odd).is_ready) is False
    assert not events_of(db, "report-dropped")


def test_a_collector_that_fails_loses_nothing(db: Database, manager: ScriptedManager) -> None:
    found = add_service(db, "svc")
    manager.failures_left = 3
    manager.news += [WorkerRunning(found, 100, 1, 1.0)]
    eventually(lambda: state_of(db, found) is InstanceState.RUNNING)
    assert manager.failures_left == 0


def test_a_broken_checkout_fails_its_own_service_only(
    db: Database, manager: ScriptedManager
) -> None:
    broken: list[int] = []

    def write() -> None:  # in one commit, so that one pass starts all of them
        good.extend(add_in(name) for name in ("a", "b"))
        broken.append(add_in("broken", source_root="../outside"))
        good.append(add_in("c"))

    good: list[int] = []

    def add_in(name: str, source_root: str | None = None) -> int:
        return add_service(db, name, source_root=source_root)

    manager.refused.add("refused")
    write()
    refused = add_service(db, "refused")
    eventually(lambda: {i.service for i in manager.started} >= {"a", "b", "c"})
    eventually(lambda: state_of(db, broken[0]) is InstanceState.FAILED)
    eventually(lambda: state_of(db, refused) is InstanceState.FAILED)
    assert {state_of(db, i) for i in good} == {InstanceState.BOOTING}
    reason = read(db, lambda: ServiceInstance.from_oid(broken[0]).reason)
    assert "cannot start" in str(reason)


def test_a_service_that_cannot_be_read_holds_up_no_other(
    db: Database, manager: ScriptedManager
) -> None:
    add_service(db, "unreadable")
    eventually(lambda: {i.service for i in manager.started} == {"unreadable"})
    import sqlite3

    with sqlite3.connect(db.path) as raw:
        raw.execute("UPDATE [core.Service] SET restart = 'sometimes' WHERE name = 'unreadable'")
    found = add_service(db, "readable")
    eventually(lambda: {i.service for i in manager.started} >= {"readable"})
    manager.news += [WorkerRunning(found, 100, 1, 1.0)]
    eventually(lambda: state_of(db, found) is InstanceState.RUNNING)
