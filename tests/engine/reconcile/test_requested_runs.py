"""A run that a person asked for: one instance, beside the slots, once."""

from __future__ import annotations

import pytest
from builders import HOST, NOW, OLD, SERVICE, a_host, a_service, a_world, an_instance

from odbctl.engine.model.states import InstanceState, Overlap, RestartPolicy
from odbctl.engine.reconcile.actions import Action, Boot, Retire, SkipRun, Stop
from odbctl.engine.reconcile.describe import ServiceState, describe_service
from odbctl.engine.reconcile.plan import plan_world
from odbctl.engine.reconcile.snapshot import ServiceSnapshot

S = InstanceState
RUN = Boot(SERVICE, 0, OLD, HOST, is_one_off=True)


def plan(service: ServiceSnapshot) -> tuple[Action, ...]:
    """Plan a world of one service."""
    return plan_world(a_world(service), now=NOW).actions


def a_job(*instances: object, count: int = 1, **fields: object) -> ServiceSnapshot:
    """Make a job for which a run was requested."""
    job = a_service(count, restart=RestartPolicy.NEVER, has_requested_run=True)
    return job._replace(instances=instances, **fields)  # type: ignore[arg-type] # fields of a named tuple


@pytest.mark.parametrize("fields", [{"is_paused": True}, {"count": 0}])
def test_requested_run_begins_while_the_service_is_stopped(fields: dict[str, object]) -> None:
    assert plan(a_job(**fields)) == (RUN,)  # type: ignore[arg-type] # fields of a named tuple


def test_requested_run_waits_for_what_lives() -> None:
    assert RUN not in plan(a_job(an_instance(2)))
    assert RUN not in plan(a_job(an_instance(2, is_one_off=True)))


def test_no_scheduled_run_begins_beside_a_requested_one() -> None:
    due = a_job(is_scheduled=True, next_run_at=NOW - 1.0)
    assert plan(due) == (RUN,)


def test_a_scheduled_run_that_is_due_meanwhile_follows_the_overlap() -> None:
    running = a_job(
        an_instance(2, is_one_off=True),
        has_requested_run=False,
        is_scheduled=True,
        next_run_at=NOW - 1.0,
        overlap=Overlap.SKIP,
    )
    assert plan(running) == (SkipRun(SERVICE),)


def test_a_failed_run_is_not_tried_again_and_stays_current() -> None:
    failed = an_instance(2, state=S.CRASHED, is_one_off=True, exit_code=1)
    job = a_job(failed, is_paused=True, has_requested_run=False, restart=RestartPolicy.ON_FAILURE)
    assert plan(job) == ()


def test_an_ended_run_is_retired_once_another_follows() -> None:
    ended = an_instance(2, state=S.STOPPED, is_one_off=True)
    live = an_instance(3, is_one_off=True)
    assert plan(a_job(ended, live, has_requested_run=False, is_paused=True)) == (Retire(2),)


def test_removal_stops_a_run() -> None:
    job = a_job(an_instance(2, is_one_off=True), is_removed=True)
    assert plan(job) == (Stop(2, "its service is removed"),)


def test_a_run_is_described_as_what_the_service_does() -> None:
    running = a_job(an_instance(2, is_one_off=True), is_paused=True, has_requested_run=False)
    assert describe_service(running, is_managed=True, now=NOW)[0] is ServiceState.RUNNING
    asked = a_job(is_paused=True)
    assert describe_service(asked, is_managed=True, now=NOW)[0] is ServiceState.STARTING
    assert describe_service(asked, is_managed=False, now=NOW)[0] is ServiceState.WAITING


def test_a_run_without_a_place_reports_the_shortage() -> None:
    world = a_world(a_job(is_paused=True), hosts=(a_host(is_draining=True),))
    assert "ReportShortage" in repr(plan_world(world, now=NOW).actions)
