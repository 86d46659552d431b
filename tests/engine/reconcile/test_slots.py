"""Slots: as many instances as wanted, the newest slots go first, a singleton is never two."""

from __future__ import annotations

import pytest
from builders import HOST, NEW, NOW, OLD, SERVICE, a_service, a_world, an_instance

from odbctl.engine.model.states import InstanceState
from odbctl.engine.reconcile.actions import Action, Boot, Retire, Stop
from odbctl.engine.reconcile.plan import plan_world
from odbctl.engine.reconcile.snapshot import ServiceSnapshot

S = InstanceState


def moves(service: ServiceSnapshot) -> list[Action]:
    return list(plan_world(a_world(service), now=NOW).actions)


def boot(slot: int, *, failures: int = 0) -> Boot:
    return Boot(SERVICE, slot, OLD, HOST, failures)


@pytest.mark.parametrize(
    ("wanted", "slots", "expected"),
    [
        (0, [], []),
        (2, [], [boot(0), boot(1)]),
        (2, [0], [boot(1)]),
        (2, [1], [boot(0)]),
        (2, [0, 1], []),
        (1, [0, 1, 2], [Stop(102, "no longer wanted"), Stop(101, "no longer wanted")]),
        (1, [2], [Stop(102, "no longer wanted"), boot(0)]),
        (-3, [0], [Stop(100, "no longer wanted")]),
    ],
)
def test_wants_one_instance_in_each_slot(
    wanted: int, slots: list[int], expected: list[Action]
) -> None:
    service = a_service(wanted, *(an_instance(100 + slot, slot) for slot in slots))
    assert moves(service) == expected


@pytest.mark.parametrize("state", [S.BOOTING, S.INITIALIZING, S.RUNNING])
def test_an_instance_on_its_way_is_counted(state: InstanceState) -> None:
    assert moves(a_service(1, an_instance(100, 0, state))) == []


def test_stops_the_newest_slot_first() -> None:
    crowd = [an_instance(100 + slot, slot) for slot in (2, 0, 3, 1)]
    stops = [m.instance for m in moves(a_service(0, *crowd)) if isinstance(m, Stop)]
    assert stops == [103, 102, 101, 100]


def test_stops_all_but_the_oldest_of_a_slot() -> None:
    crowd = [an_instance(number, 0) for number in (101, 100, 102)]
    assert moves(a_service(1, *crowd)) == [Stop(102, "replaced"), Stop(101, "replaced")]


def test_stops_an_instance_once() -> None:
    assert moves(a_service(0, an_instance(100, 0, S.STOPPING))) == []


def test_fills_a_slot_while_its_last_instance_still_stops() -> None:
    assert moves(a_service(1, an_instance(100, 0, S.STOPPING))) == [boot(0)]


def test_stops_instances_of_another_release_once_their_slot_is_filled() -> None:
    old, new = an_instance(100, release=OLD), an_instance(101, release=NEW)
    assert moves(a_service(1, old, new, release=NEW)) == [Stop(100, "replaced")]


def test_forgets_what_ended_where_nothing_is_wanted() -> None:
    assert moves(a_service(0, an_instance(100, 0, S.CRASHED))) == [Retire(100)]


def test_forgets_what_ended_once_its_successor_lives() -> None:
    service = a_service(1, an_instance(100, 0, S.CRASHED), an_instance(101, 0))
    assert moves(service) == [Retire(100)]


def test_replaces_what_ended_in_the_same_plan() -> None:
    service = a_service(1, an_instance(100, 0, S.CRASHED))
    assert moves(service) == [boot(0, failures=1), Retire(100)]


def test_a_service_without_a_release_runs_nothing() -> None:
    assert moves(a_service(3, release=None)) == []


class TestSingleton:
    def test_wants_one_at_most(self) -> None:
        assert moves(a_service(5, singleton=True)) == [boot(0)]

    @pytest.mark.parametrize("slot", [0, 1])
    def test_waits_until_the_old_one_is_gone(self, slot: int) -> None:
        stopping = an_instance(100, slot, S.STOPPING)
        assert moves(a_service(1, stopping, singleton=True)) == []

    def test_stops_what_ran_in_other_slots_before_it_boots(self) -> None:
        service = a_service(1, an_instance(101, 1), singleton=True)
        assert moves(service) == [Stop(101, "no longer wanted")]

    def test_follows_at_once_when_the_old_one_has_ended(self) -> None:
        service = a_service(1, an_instance(100, 0, S.CRASHED), singleton=True)
        assert boot(0, failures=1) in moves(service)

    def test_waits_for_the_last_release_to_end(self) -> None:
        service = a_service(1, an_instance(100, release=OLD), release=NEW, singleton=True)
        assert moves(service) == [Stop(100, "replaced")]
