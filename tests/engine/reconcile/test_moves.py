"""Children, removal, escalation of stops, and who plans what."""

from __future__ import annotations

import pytest
from builders import HOST, NOW, SERVICE, a_service, a_world, an_instance

from odbctl.engine.model.states import InstanceState
from odbctl.engine.reconcile.actions import Action, Boot, Forget, Kill, Retire, Stop, Terminate
from odbctl.engine.reconcile.plan import plan_world
from odbctl.engine.reconcile.snapshot import ServiceSnapshot

S = InstanceState
GRACE = 10.0


def moves(service: ServiceSnapshot, now: float = NOW) -> list[Action]:
    return list(plan_world(a_world(service), now=now).actions)


class TestChildren:
    def test_fill_no_slot(self) -> None:
        owner, child = an_instance(100, 0), an_instance(101, 1, owner=100)
        assert moves(a_service(2, owner, child)) == [Boot(SERVICE, 1, owner.release, HOST)]

    def test_are_not_stopped_for_being_too_many(self) -> None:
        owner = an_instance(100, 0)
        children = [an_instance(101 + n, 0, owner=100) for n in range(3)]
        assert moves(a_service(1, owner, *children)) == []

    @pytest.mark.parametrize("state", [S.STOPPING, S.CRASHED])
    def test_go_with_their_owner(self, state: InstanceState) -> None:
        owner, child = an_instance(100, 5, state), an_instance(101, 0, owner=100)
        assert Stop(101, "its owner ended") in moves(a_service(0, owner, child))

    def test_go_when_nothing_is_known_of_their_owner(self) -> None:
        assert moves(a_service(0, an_instance(101, owner=100))) == [Stop(101, "its owner ended")]

    def test_of_children_go_one_generation_after_the_other(self) -> None:
        child, grandchild = an_instance(101, owner=100), an_instance(102, owner=101)
        assert moves(a_service(0, child, grandchild)) == [Stop(101, "its owner ended")]
        stopping = child._replace(state=S.STOPPING, stopping_at=NOW)
        assert moves(a_service(0, stopping, grandchild)) == [Stop(102, "its owner ended")]

    @pytest.mark.parametrize("state", [S.STOPPED, S.CRASHED, S.FAILED, S.LOST])
    def test_are_forgotten_and_not_replaced(self, state: InstanceState) -> None:
        owner, child = an_instance(100), an_instance(101, 0, state, owner=100)
        assert moves(a_service(1, owner, child)) == [Retire(101)]

    def test_are_stopped_once(self) -> None:
        assert moves(a_service(0, an_instance(101, 0, S.STOPPING, owner=100))) == []


class TestRemoval:
    def test_stops_what_lives(self) -> None:
        service = a_service(2, an_instance(100), is_removed=True)
        assert moves(service) == [Stop(100, "no longer wanted")]

    def test_waits_while_something_stops(self) -> None:
        assert moves(a_service(0, an_instance(100, 0, S.STOPPING), is_removed=True)) == []

    def test_waits_for_children(self) -> None:
        child = an_instance(101, 0, S.STOPPING, owner=100)
        assert moves(a_service(0, child, is_removed=True)) == []

    def test_forgets_the_service_when_nothing_lives(self) -> None:
        ended = an_instance(100, 0, S.CRASHED)
        for service in (a_service(1, is_removed=True), a_service(1, ended, is_removed=True)):
            assert moves(service) == [Forget(SERVICE)]

    def test_keeps_a_stopped_service(self) -> None:
        assert moves(a_service(0)) == []


class TestEscalation:
    @pytest.mark.parametrize(
        ("seconds", "is_terminated", "expected", "wake_seconds"),
        [
            (0.0, False, [], 5.0),
            (4.9, False, [], 5.0),
            (5.0, False, [Terminate(100)], 10.0),
            (5.1, True, [], 10.0),
            (9.9, True, [], 10.0),
            (10.0, True, [Kill(100)], 11.0),
            (10.0, False, [Kill(100)], 11.0),
            (60.0, True, [Kill(100)], 61.0),
        ],
    )
    def test_asks_then_terminates_then_kills(
        self, seconds: float, is_terminated: bool, expected: list[Action], wake_seconds: float
    ) -> None:
        stopping = an_instance(100, 0, S.STOPPING, is_terminated=is_terminated)
        service = a_service(0, stopping, stop_grace_seconds=GRACE)
        plan = plan_world(a_world(service), now=NOW + seconds)
        assert (list(plan.actions), plan.wake_at) == (expected, NOW + wake_seconds)

    def test_without_grace_kills_at_once(self) -> None:
        service = a_service(0, an_instance(100, 0, S.STOPPING), stop_grace_seconds=0.0)
        assert moves(service) == [Kill(100)]

    @pytest.mark.parametrize("state", [S.BOOTING, S.INITIALIZING, S.RUNNING, S.STOPPED])
    def test_signals_only_what_was_asked_to_stop(self, state: InstanceState) -> None:
        service = a_service(1, an_instance(100, 0, state, stopping_at=None))
        assert not [m for m in moves(service, NOW + 99) if isinstance(m, Kill | Terminate)]

    def test_leaves_other_hosts_to_their_own_managers(self) -> None:
        away = an_instance(100, 0, S.STOPPING, host=HOST + 1)
        assert moves(a_service(0, away), NOW + 99) == []

    def test_a_request_from_the_future_is_not_yet_overdue(self) -> None:
        stopping = an_instance(100, 0, S.STOPPING, stopping_at=NOW + 3600)
        assert moves(a_service(0, stopping)) == []

    def test_an_instance_that_a_person_killed_gets_no_grace(self) -> None:
        killed = an_instance(100, 0, S.STOPPING, is_killed=True)
        service = a_service(0, killed, stop_grace_seconds=GRACE)
        assert plan_world(a_world(service), now=NOW).actions == (Kill(100),)

    def test_kills_come_before_everything_else(self) -> None:
        overdue = an_instance(100, 1, S.STOPPING, stopping_at=NOW - 99)
        assert moves(a_service(1, overdue))[0] == Kill(100)


class TestLeader:
    def test_only_the_leader_plans_boots_and_stops(self) -> None:
        services = (
            a_service(3, id=1, name="a"),
            a_service(0, an_instance(100), id=2, name="b"),
            a_service(0, id=3, name="c", is_removed=True),
            a_service(1, an_instance(101, release=11), id=4, name="d", candidate=11),
        )
        followed = plan_world(a_world(*services, leads=False), now=NOW)
        assert not followed.actions
        assert followed.wake_at is None
        assert len(plan_world(a_world(*services), now=NOW).actions) == 6

    def test_every_manager_escalates_its_own_stops(self) -> None:
        service = a_service(0, an_instance(100, 0, S.STOPPING))
        plan = plan_world(a_world(service, leads=False), now=NOW + GRACE)
        assert plan.actions == (Kill(100),)

    def test_nothing_to_do_means_no_timer(self) -> None:
        plan = plan_world(a_world(a_service(1, an_instance(100))), now=NOW)
        assert not plan.actions
        assert plan.wake_at is None
