"""A plan is older than the transaction that writes it: what changed since is looked at again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from stocked_home import stock

from odbctl.engine.managers.apply import apply_actions
from odbctl.engine.model.core import Service, ServiceHost
from odbctl.engine.odb import Database
from odbctl.engine.reconcile.actions import Boot
from odbctl.paths import Home


@pytest.fixture
def db(home: Home) -> Iterator[Database]:
    stock(home)
    with Database(home.database, run_dir=home.run) as opened:
        yield opened


def boot(db: Database, slot: int, *, desired_count: int, **changes: bool) -> int:
    """Apply a boot after the service was changed; return how many instances it made."""

    def write() -> int:
        service = Service.lookup_one(name="hello")
        host = ServiceHost.lookup_one(name="local")
        assert service.release is not None
        service.desired_count, service.instance_count = desired_count, 1
        for name, value in changes.items():
            setattr(service, name, value)
        before = len(service.current_instances())
        action = Boot(service.oid, slot, service.release.oid, host.oid)
        for _ in range(2):
            apply_actions((action,), actor="local")
        return len(service.current_instances()) - before

    return db.run(write)


def test_a_slot_that_is_wanted_is_filled_once(db: Database) -> None:
    assert boot(db, 0, desired_count=1) == 1


def test_a_slot_that_is_wanted_no_more_stays_empty(db: Database) -> None:
    assert boot(db, 0, desired_count=0) == 0
    assert boot(db, 1, desired_count=1) == 0


def test_a_singleton_has_one_slot(db: Database) -> None:
    assert boot(db, 1, desired_count=2, singleton=True) == 0


def test_a_removed_service_gets_nothing(db: Database) -> None:
    assert boot(db, 0, desired_count=1, is_removed=True) == 0
