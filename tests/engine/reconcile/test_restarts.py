"""Restart policies, and throttling after failed starts."""

from __future__ import annotations

import pytest
from builders import NOW, a_service, a_world, an_instance

from odbctl.engine.model.states import InstanceState, RestartPolicy
from odbctl.engine.reconcile.actions import Action, Boot, ClearFailedStarts, Stop
from odbctl.engine.reconcile.plan import plan_world
from odbctl.engine.reconcile.snapshot import MAX_FAILED_STARTS, ServiceSnapshot

S = InstanceState
ALWAYS, ON_FAILURE, NEVER = RestartPolicy


def moves(service: ServiceSnapshot) -> list[Action]:
    return list(plan_world(a_world(service), now=NOW).actions)


def booted_slots(service: ServiceSnapshot) -> list[int]:
    return [action.slot for action in moves(service) if isinstance(action, Boot)]


@pytest.mark.parametrize(
    ("policy", "state", "exit_code", "is_replaced"),
    [
        (ALWAYS, S.STOPPED, 0, True),
        (ALWAYS, S.CRASHED, 1, True),
        (ALWAYS, S.FAILED, 1, True),
        (ALWAYS, S.LOST, None, True),
        (ON_FAILURE, S.STOPPED, 0, False),
        (ON_FAILURE, S.CRASHED, 1, True),
        (ON_FAILURE, S.CRASHED, None, True),
        (ON_FAILURE, S.FAILED, 1, True),
        (ON_FAILURE, S.LOST, None, True),
        (NEVER, S.STOPPED, 0, False),
        (NEVER, S.CRASHED, 1, False),
        (NEVER, S.FAILED, 1, False),
        (NEVER, S.LOST, None, False),
    ],
)
def test_the_policy_decides_what_is_replaced(
    policy: RestartPolicy, state: InstanceState, exit_code: int | None, is_replaced: bool
) -> None:
    service = a_service(1, an_instance(100, 0, state, exit_code=exit_code), restart=policy)
    assert bool(booted_slots(service)) is is_replaced
    assert is_replaced or not moves(service)


@pytest.mark.parametrize("policy", [ON_FAILURE, NEVER])
def test_a_finished_job_runs_again_after_a_reset(policy: RestartPolicy) -> None:
    done = an_instance(100, 0, S.STOPPED, exit_code=0, ended_at=NOW - 1)
    assert booted_slots(a_service(1, done, restart=policy, reset_at=NOW)) == [0]


@pytest.mark.parametrize("policy", [ON_FAILURE, NEVER])
def test_a_job_of_another_release_is_no_reason_to_rest(policy: RestartPolicy) -> None:
    done = an_instance(100, 0, S.STOPPED, exit_code=0, release=99)
    assert booted_slots(a_service(1, done, restart=policy)) == [0]


@pytest.mark.parametrize("policy", [ON_FAILURE, NEVER])
def test_what_was_asked_to_stop_has_not_finished(policy: RestartPolicy) -> None:
    asked = an_instance(100, 0, S.STOPPED, exit_code=0, stopping_at=NOW)
    assert booted_slots(a_service(1, asked, restart=policy)) == [0]


class TestThrottling:
    @pytest.mark.parametrize(
        ("failed_starts", "is_tried"), [(MAX_FAILED_STARTS - 1, True), (MAX_FAILED_STARTS, False)]
    )
    def test_gives_up_after_failed_starts(self, failed_starts: int, is_tried: bool) -> None:
        failed = an_instance(100, 0, S.FAILED)
        service = a_service(1, failed, failed_starts=failed_starts)
        assert bool(booted_slots(service)) is is_tried

    def test_wakes_nobody_while_it_rests(self) -> None:
        failed = an_instance(100, 0, S.FAILED, failures=MAX_FAILED_STARTS)
        world = a_world(a_service(1, failed, failed_starts=MAX_FAILED_STARTS))
        assert plan_world(world, now=NOW).wake_at is None

    def test_leaves_what_runs_alone(self) -> None:
        service = a_service(2, an_instance(100, 0), failed_starts=2 * MAX_FAILED_STARTS)
        assert not any(isinstance(move, Boot | Stop) for move in moves(service))

    def test_stops_what_is_no_longer_wanted(self) -> None:
        initializing = an_instance(100, 0, S.INITIALIZING)
        service = a_service(0, initializing, failed_starts=MAX_FAILED_STARTS)
        assert moves(service) == [Stop(100, "no longer wanted")]

    def test_an_instance_that_runs_ends_it(self) -> None:
        service = a_service(1, an_instance(100), failed_starts=MAX_FAILED_STARTS)
        assert moves(service) == [ClearFailedStarts(1)]

    def test_a_child_that_runs_does_not_end_it(self) -> None:
        owner, child = an_instance(100, 0, S.INITIALIZING), an_instance(101, owner=100)
        assert moves(a_service(1, owner, child, failed_starts=3)) == []

    def test_an_instance_of_another_release_does_not_end_it(self) -> None:
        left = an_instance(101, 0, release=99)
        moved = moves(a_service(1, an_instance(100, 0, S.BOOTING), left, failed_starts=3))
        assert ClearFailedStarts(1) not in moved
