"""The settle time: a candidate is promoted when its instances have stayed ready for it."""

from __future__ import annotations

from typing import Unpack

import pytest
from builders import NEW, NOW, OLD, SERVICE, InstanceFields, a_service, a_world, an_instance

from odbctl.engine.model.probes import Probe, ProbeKind
from odbctl.engine.model.states import InstanceState, RestartPolicy
from odbctl.engine.reconcile.actions import Boot, FailRollout, Plan, Promote, Stop
from odbctl.engine.reconcile.plan import plan_world
from odbctl.engine.reconcile.snapshot import InstanceSnapshot, ServiceSnapshot

S = InstanceState
SETTLE = 3.0
READINESS = Probe(ProbeKind.HEALTH)


def new(number: int, slot: int = 0, **fields: Unpack[InstanceFields]) -> InstanceSnapshot:
    known: InstanceFields = {"release": NEW, "running_at": NOW - 1.0}
    known.update(fields)
    return an_instance(number, slot, **known)


def plan(service: ServiceSnapshot, *, now: float = NOW) -> Plan:
    return plan_world(a_world(service), now=now)


def test_candidate_is_not_promoted_before_the_settle_time_and_the_plan_wakes_then() -> None:
    service = a_service(
        1, an_instance(100), new(110), release=OLD, candidate=NEW, settle_seconds=SETTLE
    )
    assert plan(service) == Plan((), NOW - 1.0 + SETTLE)
    assert plan(service, now=NOW - 1.0 + SETTLE).actions == (Promote(SERVICE),)


def test_without_settle_time_a_ready_candidate_is_promoted_at_once() -> None:
    service = a_service(1, an_instance(100), new(110, running_at=NOW), candidate=NEW)
    assert plan(service).actions == (Promote(SERVICE),)


def test_every_slot_has_to_settle() -> None:
    settled, fresh = new(110, 0, running_at=NOW - 5.0), new(111, 1, running_at=NOW - 1.0)
    service = a_service(2, settled, fresh, candidate=NEW, settle_seconds=SETTLE)
    assert plan(service) == Plan((), NOW - 1.0 + SETTLE)


def test_settling_begins_when_the_readiness_probe_passes() -> None:
    ready = new(110, running_at=NOW - 60.0, readiness=True, ready_at=NOW - 1.0)
    service = a_service(1, ready, candidate=NEW, settle_seconds=SETTLE, readiness=READINESS)
    assert plan(service) == Plan((), NOW - 1.0 + SETTLE)


@pytest.mark.parametrize("is_singleton", [False, True])
def test_crash_while_settling_gives_the_candidate_up(*, is_singleton: bool) -> None:
    crashed = an_instance(110, 0, S.CRASHED, release=NEW, exit_code=1)
    service = a_service(1, crashed, candidate=NEW, settle_seconds=SETTLE, singleton=is_singleton)
    assert plan(service).actions == (FailRollout(SERVICE, 110),)


def test_settling_singleton_is_neither_stopped_nor_started_again() -> None:
    service = a_service(1, new(110), candidate=NEW, settle_seconds=SETTLE, singleton=True)
    assert not [a for a in plan(service).actions if isinstance(a, Boot | Stop)]


def test_job_that_ends_well_while_settling_is_promoted() -> None:
    ended = an_instance(110, 0, S.STOPPED, release=NEW, exit_code=0)
    service = a_service(
        1, ended, candidate=NEW, settle_seconds=SETTLE, restart=RestartPolicy.ON_FAILURE
    )
    assert Promote(SERVICE) in plan(service).actions


def test_clock_that_was_set_back_does_not_hold_up_the_promotion() -> None:
    service = a_service(1, new(110), candidate=NEW, settle_seconds=SETTLE)
    assert plan(service, now=NOW - 3600.0).actions == (Promote(SERVICE),)
