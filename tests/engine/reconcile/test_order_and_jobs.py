"""What waits for what, what the clock begins, and what is given up: decided without I/O."""

from __future__ import annotations

from typing import Any

import pytest
from builders import NEW, NOW, OLD, a_service, a_world, an_instance

from odbctl.engine.model.probes import Probe, ProbeKind
from odbctl.engine.model.states import InstanceState, Overlap, RestartPolicy
from odbctl.engine.reconcile.actions import (
    Action,
    BeginRun,
    Boot,
    FailRollout,
    Kill,
    Promote,
    SetNextRun,
    SkipRun,
    Stop,
    Terminate,
)
from odbctl.engine.reconcile.dependencies import find_cycle, in_order, is_fulfilled
from odbctl.engine.reconcile.describe import ServiceState, describe_service
from odbctl.engine.reconcile.plan import plan_world
from odbctl.engine.reconcile.snapshot import ServiceSnapshot

S = InstanceState
PROBE = Probe(ProbeKind.HEALTH)
DB, WEB = 1, 2


def actions(*services: ServiceSnapshot, now: float = NOW) -> tuple[Action, ...]:
    return plan_world(a_world(*services), now=now).actions


class TestDependencies:
    def test_nothing_is_booted_before_its_dependency_is_ready(self) -> None:
        web = a_service(1, id=WEB, name="web", depends_on=("db",))
        waiting = a_service(1, an_instance(100, 0, S.INITIALIZING), id=DB, name="db")
        assert actions(waiting, web) == ()
        ready = a_service(1, an_instance(100), id=DB, name="db")
        assert [type(a) for a in actions(ready, web)] == [Boot]

    def test_running_is_not_ready_where_a_probe_says_so(self) -> None:
        web = a_service(1, id=WEB, name="web", depends_on=("db",))
        running = an_instance(100, readiness=False)
        assert actions(a_service(1, running, id=DB, name="db", readiness=PROBE), web) == ()
        ready = running._replace(readiness=True)
        found = actions(a_service(1, ready, id=DB, name="db", readiness=PROBE), web)
        assert [type(a) for a in found] == [Boot]

    def test_what_runs_goes_on_when_its_dependency_goes_away(self) -> None:
        web = a_service(1, an_instance(200), id=WEB, name="web", depends_on=("db",))
        assert actions(a_service(0, id=DB, name="db"), web) == ()

    def test_a_job_is_fulfilled_by_ending_well(self) -> None:
        ended = an_instance(100, 0, S.STOPPED, exit_code=0)
        job = a_service(1, ended, restart=RestartPolicy.NEVER)
        assert is_fulfilled(job)
        assert not is_fulfilled(job._replace(instances=(ended._replace(exit_code=3),)))
        assert not is_fulfilled(job._replace(instances=(an_instance(100),)))
        assert not is_fulfilled(job._replace(instances=()))

    def test_what_it_waits_for_is_said(self) -> None:
        web = a_service(1, id=WEB, name="web", depends_on=("db",))._replace(waits_for=("db",))
        assert describe_service(web, is_managed=True, now=NOW) == (
            ServiceState.WAITING,
            "waits for db",
        )

    def test_circles_are_found_and_named(self) -> None:
        depends_on = {"a": ["b"], "b": ["c", "d"], "c": ["a"], "d": []}
        assert find_cycle(depends_on, "a") == ["a", "b", "c", "a"]
        assert find_cycle({**depends_on, "c": []}, "a") is None
        assert find_cycle({"a": ["a"]}, "a") == ["a", "a"]
        assert in_order(depends_on, "a") == ["c", "d", "b", "a"]


class TestSchedules:
    def scheduled(self, **fields: Any) -> ServiceSnapshot:
        made = a_service(1, is_scheduled=True, restart=RestartPolicy.NEVER, next_run_at=NOW)
        return made._replace(**fields)

    def test_between_runs_nothing_is_booted(self) -> None:
        plan = plan_world(a_world(self.scheduled(next_run_at=NOW + 60)), now=NOW)
        assert (plan.actions, plan.wake_at) == ((), NOW + 60)

    def test_a_run_that_is_due_begins_once(self) -> None:
        due = self.scheduled()
        assert [type(a) for a in actions(due)] == [Boot, BeginRun]
        begun = due._replace(
            run_at=NOW,
            reset_at=NOW,
            next_run_at=NOW + 60,
            instances=(an_instance(100, 0, S.BOOTING, created_at=NOW),),
        )
        assert actions(begun) == ()

    def test_when_the_next_one_is_due_is_asked_for(self) -> None:
        assert actions(self.scheduled(next_run_at=None)) == (SetNextRun(1),)

    def test_a_finished_run_is_not_repeated(self) -> None:
        ended = an_instance(100, 0, S.STOPPED, created_at=NOW, ended_at=NOW + 1, exit_code=0)
        done = self.scheduled(run_at=NOW, reset_at=NOW, next_run_at=NOW + 60, instances=(ended,))
        assert actions(done, now=NOW + 2) == ()
        state, reason = describe_service(done, is_managed=True, now=NOW + 2)
        assert (state, reason) == (ServiceState.WAITING, "its next run is due in 58s")

    @pytest.mark.parametrize(
        ("overlap", "expected"),
        [(Overlap.SKIP, SkipRun), (Overlap.REPLACE, Stop), (Overlap.QUEUE, None)],
    )
    def test_a_run_that_is_not_over(self, overlap: Overlap, expected: type[Action] | None) -> None:
        found = actions(self.scheduled(overlap=overlap, instances=(an_instance(100),)))
        assert [type(a) for a in found] == ([expected] if expected else [])

    def test_a_failed_run_is_tried_again_where_the_policy_says_so(self) -> None:
        ended = an_instance(100, 0, S.FAILED, created_at=NOW, ended_at=NOW + 1, exit_code=1)
        failed = self.scheduled(
            restart=RestartPolicy.ON_FAILURE,
            run_at=NOW,
            reset_at=NOW,
            next_run_at=NOW + 60,
            instances=(ended,),
        )
        assert Boot in [type(a) for a in actions(failed, now=NOW + 2)]
        assert actions(failed._replace(restart=RestartPolicy.NEVER), now=NOW + 2) == ()

    def test_a_deploy_begins_no_run(self) -> None:
        rolled = self.scheduled(candidate=NEW, next_run_at=NOW + 60)
        assert actions(rolled) == (Promote(1),)


class TestHealth:
    def test_one_that_is_given_up_is_asked_and_then_killed(self) -> None:
        sick = an_instance(100, unhealthy_at=NOW)
        service = a_service(1, sick, stop_grace_seconds=10.0)
        assert actions(service) == (Terminate(100, "SIGTERM"),)
        asked = service._replace(instances=(sick._replace(is_terminated=True),))
        assert actions(asked) == ()
        assert actions(asked, now=NOW + 10) == (Kill(100),)

    def test_one_that_may_stay_is_left_alone(self) -> None:
        sick = an_instance(100, unhealthy_at=NOW)
        assert actions(a_service(1, sick, replaces_unhealthy=False)) == ()

    def test_a_signal_of_its_own_is_sent_at_once(self) -> None:
        stopping = an_instance(100, 0, S.STOPPING)
        service = a_service(0, stopping, stop_signal="SIGINT", stop_grace_seconds=10.0)
        assert actions(service) == (Terminate(100, "SIGINT"),)

    def test_a_candidate_is_promoted_when_it_is_ready(self) -> None:
        old, new = an_instance(100), an_instance(200, release=NEW, readiness=None)
        rolling = a_service(1, old, new, candidate=NEW, readiness=PROBE, start_grace_seconds=30.0)
        assert actions(rolling) == ()
        ready = rolling._replace(instances=(old, new._replace(readiness=True)))
        assert actions(ready) == (Promote(1),)

    def test_a_candidate_that_is_never_ready_fails(self) -> None:
        new = an_instance(200, release=NEW, readiness=False, running_at=NOW - 30)
        rolling = a_service(
            1, an_instance(100), new, candidate=NEW, readiness=PROBE, start_grace_seconds=30.0
        )
        (failed,) = actions(rolling)
        assert isinstance(failed, FailRollout)
        assert failed.instance == 200
        assert "not ready" in (failed.reason or "")

    def test_what_runs_and_is_not_ready_is_said(self) -> None:
        slow = an_instance(100, readiness=False, running_at=NOW - 100)
        service = a_service(1, slow, readiness=PROBE)
        state, reason = describe_service(service, is_managed=True, now=NOW)
        assert (state, reason) == (ServiceState.DEGRADED, "1 running, 0 of 1 ready")
        young = service._replace(instances=(slow._replace(running_at=NOW - 1),))
        assert describe_service(young, is_managed=True, now=NOW)[0] is ServiceState.STARTING


def test_a_running_job_is_not_cut_short_by_a_deploy() -> None:
    job = a_service(1, an_instance(100), candidate=NEW, restart=RestartPolicy.NEVER)
    assert actions(job) == (Promote(1),)
    promoted = a_service(1, an_instance(100, release=OLD), release=NEW, restart=RestartPolicy.NEVER)
    assert actions(promoted) == ()
