"""Rollouts: the new release runs before the old one stops, or nothing has changed."""

from __future__ import annotations

from typing import Unpack

import pytest
from builders import (
    HOST,
    NEW,
    NOW,
    OLD,
    SERVICE,
    ServiceFields,
    a_host,
    a_service,
    a_world,
    an_instance,
)

from odbctl.engine.model.states import InstanceState, RestartPolicy
from odbctl.engine.reconcile.actions import (
    Action,
    Boot,
    ClearFailedStarts,
    FailRollout,
    Forget,
    Promote,
    ReportShortage,
    Retire,
    Stop,
)
from odbctl.engine.reconcile.plan import plan_world
from odbctl.engine.reconcile.snapshot import HostSnapshot, InstanceSnapshot, ServiceSnapshot

S = InstanceState


def a_rollout(
    count: int, *instances: InstanceSnapshot, **fields: Unpack[ServiceFields]
) -> ServiceSnapshot:
    known: ServiceFields = {"candidate": NEW}
    known.update(fields)
    return a_service(count, *instances, **known)


def old(number: int, slot: int = 0, state: InstanceState = S.RUNNING) -> InstanceSnapshot:
    return an_instance(number, slot, state)


def new(number: int, slot: int = 0, state: InstanceState = S.RUNNING) -> InstanceSnapshot:
    return an_instance(number, slot, state, release=NEW)


def moves(service: ServiceSnapshot, host: HostSnapshot | None = None) -> list[Action]:
    return list(plan_world(a_world(service, hosts=(host or a_host(),)), now=NOW).actions)


def boot(slot: int, release: int = NEW, *, failures: int = 0) -> Boot:
    return Boot(SERVICE, slot, release, HOST, failures)


def test_boots_the_candidate_beside_each_old_one() -> None:
    assert moves(a_rollout(2, old(100, 0), old(101, 1))) == [boot(0), boot(1)]


@pytest.mark.parametrize("state", [S.BOOTING, S.INITIALIZING])
def test_changes_nothing_until_all_candidates_run(state: InstanceState) -> None:
    service = a_rollout(2, old(100, 0), old(101, 1), new(110, 0), new(111, 1, state))
    assert moves(service) == []


def test_promotes_when_all_candidates_run() -> None:
    service = a_rollout(2, old(100, 0), old(101, 1), new(110, 0), new(111, 1))
    assert moves(service) == [Promote(SERVICE)]


def test_stops_the_old_ones_after_the_promotion() -> None:
    service = a_service(2, old(100, 0), old(101, 1), new(110, 0), new(111, 1), release=NEW)
    assert moves(service) == [Stop(100, "replaced"), Stop(101, "replaced")]


@pytest.mark.parametrize("state", [S.FAILED, S.CRASHED, S.LOST, S.STOPPED])
def test_gives_the_candidate_up_when_one_ends(state: InstanceState) -> None:
    service = a_rollout(2, old(100, 0), old(101, 1), new(110, 0), new(111, 1, state))
    assert moves(service) == [FailRollout(SERVICE, 111)]


def test_stops_the_candidates_that_are_left_and_no_old_one() -> None:
    given_up = a_service(2, old(100, 0), old(101, 1), new(110, 0))
    assert moves(given_up) == [Stop(110, "replaced")]


def test_a_second_candidate_that_failed_does_not_hold_the_old_release_back() -> None:
    failed = an_instance(111, 1, S.FAILED, release=NEW)
    never = a_service(2, old(100, 0), failed, restart=RestartPolicy.NEVER)
    assert moves(never) == [Retire(111), boot(1, OLD)]


def test_an_instance_that_was_asked_to_stop_does_not_fail_the_rollout() -> None:
    asked = an_instance(110, 0, S.STOPPED, release=NEW, stopping_at=NOW - 1)
    assert moves(a_rollout(1, old(100), asked)) == [boot(0)]


def test_a_candidate_s_child_decides_nothing() -> None:
    child = an_instance(111, 0, S.CRASHED, release=NEW, owner=110)
    service = a_rollout(1, old(100), new(110, 0, S.INITIALIZING), child)
    assert moves(service) == [Retire(111)]


def test_is_tried_although_the_old_release_is_throttled() -> None:
    failed = an_instance(100, 0, S.FAILED, failures=5)
    assert moves(a_rollout(1, failed, failed_starts=5)) == [boot(0)]


def test_a_candidate_that_runs_proves_nothing_of_the_old_release() -> None:
    service = a_rollout(2, new(110, 0), new(111, 1, S.INITIALIZING), failed_starts=5)
    assert ClearFailedStarts(SERVICE) not in moves(service)


def test_says_what_the_candidate_lacks_and_keeps_the_old_one() -> None:
    service = a_rollout(1, old(100), cores=1.0)
    shortage = "main: needs 1 cores, 0 of 1 free"
    assert moves(service, a_host(cores=1.0)) == [ReportShortage(SERVICE, 1, shortage)]


def test_a_later_candidate_replaces_one_that_was_never_promoted() -> None:
    service = a_rollout(1, old(100), an_instance(105, release=99))
    assert moves(service) == [Stop(105, "replaced by a later release"), boot(0)]


class TestOldReleaseMeanwhile:
    def test_an_old_one_that_crashes_comes_back(self) -> None:
        service = a_rollout(1, old(100, 0, S.CRASHED), new(110, 0, S.INITIALIZING))
        assert moves(service) == [boot(0, OLD, failures=1), Retire(100)]

    def test_an_old_one_that_crashes_again_waits(self) -> None:
        crashed = an_instance(100, 0, S.CRASHED, failures=3)
        plan = plan_world(a_world(a_rollout(1, crashed, new(110, 0, S.BOOTING))), now=NOW)
        assert not plan.actions
        assert plan.wake_at is not None

    def test_an_old_one_that_crashes_beside_a_running_candidate_needs_no_successor(self) -> None:
        service = a_rollout(
            2, old(100, 0, S.CRASHED), new(110, 0), old(101, 1), new(111, 1, S.BOOTING)
        )
        assert moves(service) == []

    def test_a_failed_rollout_does_not_run_a_finished_job_again(self) -> None:
        done = an_instance(100, 0, S.STOPPED, exit_code=0)
        before = a_rollout(1, done, restart=RestartPolicy.NEVER)
        assert moves(before) == [boot(0)]
        given_up = before._replace(candidate=None)
        assert moves(given_up) == []


class TestJobs:
    @pytest.mark.parametrize("policy", [RestartPolicy.NEVER, RestartPolicy.ON_FAILURE])
    def test_a_candidate_that_did_its_job_is_as_good_as_one_that_runs(
        self, policy: RestartPolicy
    ) -> None:
        done = an_instance(110, 0, S.STOPPED, release=NEW, exit_code=0)
        assert moves(a_rollout(2, done, new(111, 1), restart=policy)) == [Promote(SERVICE)]

    @pytest.mark.parametrize("policy", [RestartPolicy.NEVER, RestartPolicy.ON_FAILURE])
    def test_a_candidate_that_crashed_is_given_up(self, policy: RestartPolicy) -> None:
        crashed = an_instance(110, 0, S.CRASHED, release=NEW, exit_code=1)
        assert moves(a_rollout(1, crashed, restart=policy)) == [FailRollout(SERVICE, 110)]


class TestCountChanged:
    def test_more_slots_get_the_candidate_only(self) -> None:
        assert moves(a_rollout(2, old(100), new(110))) == [boot(1)]

    def test_fewer_slots_lose_both_releases(self) -> None:
        service = a_rollout(1, old(100), old(101, 1), new(110), new(111, 1, S.BOOTING))
        assert moves(service) == [
            Stop(111, "no longer wanted"),
            Stop(101, "no longer wanted"),
            Promote(SERVICE),
        ]

    def test_none_wanted_takes_the_candidate_at_once(self) -> None:
        service = a_rollout(0, old(100))
        assert moves(service) == [Stop(100, "no longer wanted"), Promote(SERVICE)]

    def test_a_removed_service_is_rolled_out_no_more(self) -> None:
        live = a_rollout(1, old(100), new(110, 0, S.INITIALIZING), is_removed=True)
        assert moves(live) == [Stop(110, "no longer wanted"), Stop(100, "no longer wanted")]
        assert moves(a_rollout(1, is_removed=True)) == [Forget(SERVICE)]


class TestSingleton:
    def test_stops_the_old_one_first(self) -> None:
        service = a_rollout(1, old(100), singleton=True)
        assert moves(service) == [Stop(100, "making room for the new release")]

    def test_waits_until_the_old_one_is_gone(self) -> None:
        assert moves(a_rollout(1, old(100, 0, S.STOPPING), singleton=True)) == []

    def test_boots_the_candidate_then(self) -> None:
        assert moves(a_rollout(1, singleton=True)) == [boot(0)]

    def test_boots_the_candidate_rather_than_an_old_one_that_crashed(self) -> None:
        service = a_rollout(1, old(100, 0, S.CRASHED), singleton=True)
        assert moves(service) == [boot(0)]

    def test_waits_for_a_superseded_candidate_too(self) -> None:
        superseded = an_instance(105, 0, release=99)
        (move,) = moves(a_rollout(1, superseded, singleton=True))
        assert move == Stop(105, "replaced by a later release")

    def test_promotes_the_candidate_that_runs(self) -> None:
        assert moves(a_rollout(1, new(110), singleton=True)) == [Promote(SERVICE)]

    def test_the_old_one_comes_back_when_the_candidate_fails(self) -> None:
        failed = new(110, 0, S.FAILED)
        assert moves(a_rollout(1, failed, singleton=True)) == [FailRollout(SERVICE, 110)]
        assert moves(a_service(1, singleton=True)) == [boot(0, OLD)]
