"""Back-off: the first restart is immediate, the next ones wait longer and longer."""

from __future__ import annotations

import pytest
from builders import HOST, NOW, OLD, SERVICE, a_service, a_world, an_instance
from hypothesis import given
from hypothesis import strategies as st

from odbctl.engine.model.states import InstanceState, RestartPolicy
from odbctl.engine.reconcile.actions import Boot, Plan
from odbctl.engine.reconcile.backoff import (
    JITTER,
    MAX_DELAY_SECONDS,
    STABLE_SECONDS,
    delay_seconds,
    failures_after,
)
from odbctl.engine.reconcile.plan import plan_world
from odbctl.engine.reconcile.snapshot import InstanceSnapshot, ServiceSnapshot

S = InstanceState
HOUR = 3600.0


def plan_at(now: float, service: ServiceSnapshot) -> Plan:
    return plan_world(a_world(service), now=now)


def boots(plan: Plan) -> list[Boot]:
    return [action for action in plan.actions if isinstance(action, Boot)]


def ended_after(failures: int, *, slot: int = 0, number: int = 100) -> InstanceSnapshot:
    """Make an instance that crashed just now, after so many bad ends before it."""
    return an_instance(number, slot, S.CRASHED, failures=failures)


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(0, 0), (1, 0), (2, 1), (3, 2), (4, 4), (5, 8), (6, 16), (7, 32), (8, 60), (10**6, 60)],
)
def test_delays_double_up_to_a_minute(failures: int, seconds: float) -> None:
    for seed in range(50):
        assert seconds <= delay_seconds(failures, seed=seed) <= seconds * (1 + JITTER)


@given(failures=st.integers(0, 10**9), seed=st.integers(-(2**63), 2**63))
def test_the_same_end_waits_as_long_whenever_it_is_asked(failures: int, seed: int) -> None:
    delay = delay_seconds(failures, seed=seed)
    assert delay == delay_seconds(failures, seed=seed)
    assert 0 <= delay <= MAX_DELAY_SECONDS * (1 + JITTER)


def test_slots_that_crash_together_do_not_come_back_together() -> None:
    assert len({delay_seconds(5, seed=seed) for seed in range(100)}) > 90


@pytest.mark.parametrize("state", [S.CRASHED, S.FAILED, S.LOST, S.STOPPED])
def test_the_first_restart_is_immediate(state: InstanceState) -> None:
    plan = plan_at(NOW, a_service(1, an_instance(100, 0, state)))
    assert boots(plan) == [Boot(SERVICE, 0, OLD, HOST, failures=1)]


def test_the_second_restart_waits_and_says_when_to_look_again() -> None:
    service = a_service(1, ended_after(1))
    plan = plan_at(NOW, service)
    assert not plan.actions
    assert plan.wake_at is not None
    assert NOW + 1 <= plan.wake_at <= NOW + 1.25
    assert boots(plan_at(plan.wake_at, service)) == [Boot(SERVICE, 0, OLD, HOST, failures=2)]


def test_work_that_returns_early_again_and_again_is_no_storm() -> None:
    early = an_instance(100, 0, S.STOPPED, failures=4, exit_code=0, running_at=NOW)
    plan = plan_at(NOW, a_service(1, early))
    assert not plan.actions
    assert plan.wake_at is not None
    assert plan.wake_at >= NOW + 8


def test_a_slot_that_crashes_does_not_hold_back_the_others() -> None:
    service = a_service(3, ended_after(6, slot=0), ended_after(0, slot=1, number=101))
    assert [(b.slot, b.failures) for b in boots(plan_at(NOW, service))] == [(1, 1), (2, 0)]


def test_wakes_for_the_slot_that_is_due_first() -> None:
    service = a_service(2, ended_after(5), ended_after(1, slot=1, number=101))
    wake_at = plan_at(NOW, service).wake_at
    assert wake_at is not None
    assert wake_at <= NOW + 1.25


@pytest.mark.parametrize(
    ("ran_seconds", "failures"), [(STABLE_SECONDS, 1), (STABLE_SECONDS - 1, 8)]
)
def test_a_stable_run_wipes_out_the_failures_before_it(ran_seconds: float, failures: int) -> None:
    last = an_instance(100, 0, S.CRASHED, failures=7, running_at=NOW - ran_seconds)
    (boot,) = boots(plan_at(NOW + 2 * MAX_DELAY_SECONDS, a_service(1, last)))
    assert boot.failures == failures


def test_a_reset_ends_the_wait_and_the_count() -> None:
    service = a_service(1, ended_after(9), reset_at=NOW + 0.5)
    assert boots(plan_at(NOW + 0.5, service)) == [Boot(SERVICE, 0, OLD, HOST, failures=0)]


def test_a_reset_forgets_the_failures_before_a_run_that_lives() -> None:
    crashed = an_instance(
        1, 0, S.CRASHED, failures=4, created_at=NOW - 9, running_at=NOW - 9, ended_at=NOW - 1
    )
    assert failures_after(crashed, reset_at=NOW - 5) == 1
    assert failures_after(crashed, reset_at=NOW - 20) == 5


def test_runs_that_began_after_the_reset_count() -> None:
    service = a_service(1, ended_after(9), reset_at=NOW - HOUR)
    assert not boots(plan_at(NOW, service))


def test_an_end_of_another_release_is_no_reason_to_wait() -> None:
    other = an_instance(100, 0, S.CRASHED, failures=9, release=OLD + 5)
    assert boots(plan_at(NOW, a_service(1, other))) == [Boot(SERVICE, 0, OLD, HOST)]


class TestClockSetBack:
    def test_an_end_in_the_future_does_not_hold_its_slot_empty(self) -> None:
        service = a_service(1, ended_after(9))
        assert [b.failures for b in boots(plan_at(NOW - HOUR, service))] == [10]

    def test_the_next_ends_wait_as_ever(self) -> None:
        again = an_instance(101, 0, S.FAILED, failures=10, ended_at=NOW - HOUR)
        assert not boots(plan_at(NOW - HOUR, a_service(1, again)))

    def test_a_reset_in_the_future_does_not_excuse_every_end(self) -> None:
        service = a_service(1, ended_after(9), reset_at=NOW + HOUR)
        assert not boots(plan_at(NOW, service))

    def test_a_reset_in_the_future_does_not_run_a_job_for_ever(self) -> None:
        done = an_instance(100, 0, S.STOPPED, exit_code=0)
        service = a_service(1, done, restart=RestartPolicy.NEVER, reset_at=NOW + HOUR)
        assert not boots(plan_at(NOW, service))

    def test_the_last_of_a_slot_is_the_one_made_last(self) -> None:
        before = an_instance(100, 0, S.CRASHED, failures=0, created_at=NOW, ended_at=NOW - HOUR)
        after = an_instance(
            101, 0, S.CRASHED, failures=6, created_at=NOW - HOUR, ended_at=NOW - HOUR
        )
        assert not boots(plan_at(NOW - HOUR, a_service(1, before, after)))
