"""What is kept is bounded, however fast it comes, by short transactions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from stocked_home import stock
from waiting import eventually

from odbctl.engine.managers import housekeeping
from odbctl.engine.managers.housekeeping import Housekeeper, prune
from odbctl.engine.model.core import Event, Service, ServiceHost, ServiceInstance
from odbctl.engine.model.events import record_event, record_service_event
from odbctl.engine.model.states import InstanceState
from odbctl.engine.odb import Database
from odbctl.paths import Home


@pytest.fixture
def db(home: Home) -> Iterator[Database]:
    stock(home)
    with Database(home.database, run_dir=home.run) as opened:
        yield opened


def flood(db: Database, count: int, *, is_of_service: bool) -> None:
    def write() -> None:
        service = Service.lookup_one(name="hello")
        for number in range(count):
            if is_of_service:
                record_service_event(service, "noise", str(number), actor="ann")
            else:
                record_event("host/x", "noise", str(number), actor="ann")

    db.run(write)


def messages(db: Database) -> list[str]:
    with db.view():
        return [e.message for e in Event.lookup_all() if e.reason == "noise"]


@pytest.mark.parametrize("is_of_service", [True, False])
def test_a_flood_of_events_is_pruned_batch_by_batch(
    db: Database, monkeypatch: pytest.MonkeyPatch, *, is_of_service: bool
) -> None:
    limit = "MAX_EVENTS_PER_SERVICE" if is_of_service else "MAX_EVENTS"
    monkeypatch.setattr(housekeeping, limit, 100)
    flood(db, 1700, is_of_service=is_of_service)
    left = [len(messages(db))]
    while prune(db):
        left.append(len(messages(db)))
    assert len(left) == 4
    assert all(before - after <= 500 for before, after in pairwise(left))
    kept = messages(db)
    assert 99 <= len(kept) <= 100
    assert kept[-1] == "1699"


def test_all_that_is_too_much_is_pruned_in_batches_too(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "MAX_EVENTS_PER_SERVICE", 100)
    monkeypatch.setattr(housekeeping, "MAX_EVENTS", 100)
    flood(db, 600, is_of_service=False)
    flood(db, 600, is_of_service=True)
    with db.view():
        before = Event.lookup_count()
    assert prune(db)
    with db.view():
        assert Event.lookup_count() == before - 500


def test_a_manager_soon_goes_on_with_what_is_left(
    db: Database, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "MAX_EVENTS", 100)
    flood(db, 700, is_of_service=False)
    with db.view():
        (host,) = ServiceHost.lookup_all()
    house = Housekeeper(home, db, "local", lambda _quotas: None)
    house.start(host.oid)

    def are_few() -> bool:
        house.step()
        return len(messages(db)) <= 100

    try:
        house.step()
        assert len(messages(db)) > 100
        assert house.due_seconds() <= 0.1
        eventually(are_few)
    finally:
        house.stop()


def test_the_oldest_ended_instances_are_pruned(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "KEPT_INSTANCES_PER_SERVICE", 3)

    def end_ten() -> None:
        service = Service.lookup_one(name="hello")
        assert service.release is not None
        for number in range(2, 12):
            ServiceInstance(
                name=f"hello-{number}",
                service=service,
                release=service.release,
                host=ServiceHost.lookup_one(name="local"),
                slot=0,
                created_at=time.time(),
                state=InstanceState.STOPPED,
                is_current=False,
            )

    db.run(end_ten)
    assert not prune(db)
    with db.view():
        found = [i.name for i in ServiceInstance.lookup_all()]
    assert found == ["hello-1", "hello-9", "hello-10", "hello-11"]


def test_a_noisy_service_does_not_push_out_the_events_of_others(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "MAX_EVENTS_PER_SERVICE", 10)
    flood(db, 50, is_of_service=False)
    flood(db, 50, is_of_service=True)
    assert not prune(db)
    with db.view():
        assert Event.lookup_count(service="hello") == 10
        assert sum(e.subject == "host/x" for e in Event.lookup_all()) == 50
