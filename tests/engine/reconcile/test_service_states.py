"""What a service's state is, in one word and one line: never better than it is."""

from __future__ import annotations

import pytest
from builders import NOW, OLD, a_service, an_instance

from odbctl.engine.model.states import InstanceState, RestartPolicy
from odbctl.engine.reconcile.describe import ServiceState, describe_service
from odbctl.engine.reconcile.snapshot import MAX_FAILED_STARTS, ServiceSnapshot

S = InstanceState
NEVER = RestartPolicy.NEVER


def describe(service: ServiceSnapshot, *, is_managed: bool = True) -> tuple[ServiceState, str]:
    return describe_service(service, is_managed=is_managed, now=NOW)


@pytest.mark.parametrize(
    ("service", "state", "reason"),
    [
        (a_service(0), ServiceState.STOPPED, ""),
        (a_service(0, an_instance(1, 0, S.CRASHED)), ServiceState.STOPPED, ""),
        (a_service(0, an_instance(1)), ServiceState.STOPPING, ""),
        (a_service(0, an_instance(1, 0, S.STOPPING)), ServiceState.STOPPING, ""),
        (a_service(3, an_instance(1), is_removed=True), ServiceState.STOPPING, ""),
        (a_service(1), ServiceState.STARTING, ""),
        (a_service(1, an_instance(1, 0, S.BOOTING)), ServiceState.STARTING, ""),
        (a_service(1, an_instance(1, 0, S.INITIALIZING)), ServiceState.STARTING, ""),
        (a_service(1, an_instance(1)), ServiceState.RUNNING, ""),
        (a_service(9, an_instance(1), singleton=True), ServiceState.RUNNING, ""),
        (a_service(2, an_instance(1)), ServiceState.DEGRADED, "1 of 2 running"),
        (
            a_service(2, an_instance(1), an_instance(2, 1, S.STOPPING)),
            ServiceState.DEGRADED,
            "1 of 2 running",
        ),
        (
            a_service(2, an_instance(1), an_instance(2, 1, S.INITIALIZING)),
            ServiceState.STARTING,
            "",
        ),
        (a_service(2, shortage="no host"), ServiceState.UNPLACEABLE, "no host"),
    ],
)
def test_says_how_it_is(service: ServiceSnapshot, state: ServiceState, reason: str) -> None:
    assert describe(service) == (state, reason)


def test_waits_where_nobody_acts() -> None:
    expected = (ServiceState.WAITING, "no manager runs: odbctl manager start")
    assert describe(a_service(1), is_managed=False) == expected


def test_what_runs_without_a_manager_runs() -> None:
    service = a_service(1, an_instance(1))
    assert describe(service, is_managed=False) == (ServiceState.RUNNING, "")


class TestBadEnds:
    @pytest.mark.parametrize(
        ("failures", "state"),
        [
            (0, ServiceState.STARTING),
            (1, ServiceState.BACKOFF),
            (2, ServiceState.BACKOFF),
            (3, ServiceState.CRASH_LOOP),
            (9, ServiceState.CRASH_LOOP),
        ],
    )
    def test_are_told_with_the_next_try(self, failures: int, state: ServiceState) -> None:
        service = a_service(1, an_instance(1, 0, S.CRASHED, failures=failures))
        told, reason = describe(service)
        assert told is state
        if state is not ServiceState.STARTING:
            times = "failed once" if not failures else f"failed {failures + 1} times in a row"
            assert reason.startswith(f"{times}, next start in ")

    def test_of_one_slot_are_told_although_others_run(self) -> None:
        service = a_service(2, an_instance(1), an_instance(2, 1, S.CRASHED, failures=2))
        assert describe(service)[0] is ServiceState.BACKOFF

    def test_that_are_over_are_not_told(self) -> None:
        crashed = an_instance(1, 0, S.CRASHED, failures=9)
        assert describe(a_service(1, crashed, reset_at=NOW + 0.1))[0] is ServiceState.STARTING

    def test_are_told_although_a_reset_lies_in_the_future(self) -> None:
        crashed = an_instance(1, 0, S.CRASHED, failures=9)
        service = a_service(1, crashed, reset_at=NOW + 3600)
        assert describe(service)[0] is ServiceState.CRASH_LOOP


class TestThrottled:
    def test_says_how_to_try_again(self) -> None:
        service = a_service(1, an_instance(1, 0, S.FAILED), failed_starts=MAX_FAILED_STARTS)
        assert describe(service) == (
            ServiceState.THROTTLED,
            "5 starts failed in a row; odbctl service reset web retries",
        )

    def test_is_cleared_by_a_reset(self) -> None:
        service = a_service(1, an_instance(1, 0, S.FAILED, failures=5), reset_at=NOW + 0.1)
        assert describe(service)[0] is ServiceState.STARTING

    def test_is_not_told_of_a_service_that_is_not_wanted(self) -> None:
        assert describe(a_service(0, failed_starts=9))[0] is ServiceState.STOPPED


class TestJobs:
    @pytest.mark.parametrize("policy", [RestartPolicy.NEVER, RestartPolicy.ON_FAILURE])
    def test_that_finished_have_stopped(self, policy: RestartPolicy) -> None:
        done = an_instance(1, 0, S.STOPPED, exit_code=0)
        assert describe(a_service(1, done, restart=policy)) == (
            ServiceState.STOPPED,
            f"ended, and its restart policy is {policy}",
        )

    def test_are_not_stopped_while_one_of_them_runs(self) -> None:
        service = a_service(2, an_instance(1), an_instance(2, 1, S.STOPPED), restart=NEVER)
        assert describe(service) == (
            ServiceState.DEGRADED,
            "1 of 2 running; 1 ended, and its restart policy is never",
        )

    def test_are_not_stopped_while_one_of_them_starts(self) -> None:
        starting = an_instance(1, 0, S.INITIALIZING)
        service = a_service(2, starting, an_instance(2, 1, S.STOPPED), restart=NEVER)
        assert describe(service)[0] is ServiceState.STARTING


class TestChildren:
    def test_do_not_make_their_owner_run(self) -> None:
        owner, child = an_instance(1, 0, S.INITIALIZING), an_instance(2, owner=1)
        assert describe(a_service(1, owner, child))[0] is ServiceState.STARTING

    def test_that_start_do_not_make_a_service_start(self) -> None:
        owner, child = an_instance(1), an_instance(2, 0, S.BOOTING, owner=1)
        assert describe(a_service(2, owner, child))[0] is ServiceState.DEGRADED

    def test_that_live_keep_a_service_from_being_stopped(self) -> None:
        child = an_instance(2, 0, S.STOPPING, owner=1)
        assert describe(a_service(0, child))[0] is ServiceState.STOPPING


def test_only_wanted_slots_count() -> None:
    service = a_service(1, an_instance(1, 0, S.CRASHED, failures=5), an_instance(2, 1))
    assert describe(service)[0] is ServiceState.CRASH_LOOP


def test_a_slot_with_both_releases_counts_once() -> None:
    service = a_service(2, an_instance(1), an_instance(2, release=OLD + 1), candidate=OLD + 1)
    assert describe(service)[0] is ServiceState.DEGRADED
