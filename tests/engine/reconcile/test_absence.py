"""What the leader does for the instances of hosts without a manager."""

from __future__ import annotations

import pytest
from builders import HOST, NOW, a_host, a_service, a_world, an_instance

from odbctl.engine.model.states import InstanceState, RestartPolicy
from odbctl.engine.reconcile.actions import (
    Action,
    Boot,
    Kill,
    RecordGone,
    ReportHostDown,
    Stop,
    Terminate,
)
from odbctl.engine.reconcile.plan import plan_world
from odbctl.engine.reconcile.snapshot import HostSnapshot, ServiceSnapshot

S = InstanceState
FAR = 21


def far(*, for_seconds: float, **fields: object) -> HostSnapshot:
    """Make a host that has had no manager for a while."""
    host = a_host("far", id=FAR, is_up=False, is_recorded_up=False, absent_since=NOW - for_seconds)
    return host._replace(**fields)  # type: ignore[arg-type] # fields of a named tuple


def plan(
    service: ServiceSnapshot, host: HostSnapshot, *, near: bool = True, leads: bool = True
) -> tuple[Action, ...]:
    """Plan a service with an instance on a host without a manager."""
    hosts = (a_host(is_draining=not near), host)
    return plan_world(a_world(service, hosts=hosts, leads=leads), now=NOW).actions


def test_instance_moves_after_the_wait_and_not_before() -> None:
    service = a_service(1, an_instance(2, host=FAR), move_after_seconds=60.0)
    assert plan(service, far(for_seconds=59.0)) == ()
    (stop,) = plan(service, far(for_seconds=61.0))
    assert stop == Stop(2, "moved: host far has no manager")


def test_the_wait_begins_when_the_leader_could_see_it() -> None:
    service = a_service(1, an_instance(2, host=FAR))
    world = a_world(service, hosts=(a_host(), far(for_seconds=9999.0)))
    young = world._replace(observer_since=NOW - 10.0)
    plan = plan_world(young, now=NOW)
    assert (plan.actions, plan.wake_at) == ((), NOW + 50.0)


def test_what_moves_is_replaced_where_a_manager_is() -> None:
    stopping = an_instance(2, state=S.STOPPING, host=FAR)
    actions = plan(a_service(1, stopping, stop_grace_seconds=60.0), far(for_seconds=61.0))
    assert [a.host for a in actions if isinstance(a, Boot)] == [HOST]


def test_a_singleton_is_replaced_only_once_it_has_ended() -> None:
    stopping = an_instance(2, state=S.STOPPING, host=FAR)
    service = a_service(1, stopping, singleton=True, stop_grace_seconds=60.0)
    assert not any(isinstance(a, Boot) for a in plan(service, far(for_seconds=61.0)))


@pytest.mark.parametrize(
    "service",
    [
        a_service(1, an_instance(2, host=FAR), move_after_seconds=None),
        a_service(1, an_instance(2, host=FAR), restart=RestartPolicy.NEVER),
        a_service(1, an_instance(2, host=FAR), is_scheduled=True, next_run_at=NOW + 99.0),
    ],
)
def test_who_does_not_move(service: ServiceSnapshot) -> None:
    assert plan(service, far(for_seconds=9999.0)) == ()


def test_nothing_moves_without_a_place_or_from_another_machine() -> None:
    service = a_service(1, an_instance(2, host=FAR))
    assert plan(service, far(for_seconds=9999.0), near=False) == ()
    assert plan(service, far(for_seconds=9999.0, is_on_this_machine=False)) == ()


def test_a_process_that_is_gone_is_recorded_even_of_a_job() -> None:
    gone = an_instance(2, host=FAR, is_gone=True)
    service = a_service(1, gone, restart=RestartPolicy.NEVER)
    assert plan(service, far(for_seconds=61.0)) == (RecordGone(2, "host far has no manager"),)


def test_stops_on_an_absent_host_are_carried_out_by_the_leader_at_once() -> None:
    late = an_instance(2, state=S.STOPPING, host=FAR, stopping_at=NOW - 6.0)
    service = a_service(0, late, stop_grace_seconds=10.0)
    assert plan(service, far(for_seconds=1.0)) == (Terminate(2),)
    assert plan(service, far(for_seconds=1.0), leads=False) == ()
    over = service._replace(instances=(late._replace(stopping_at=NOW - 11.0),))
    assert plan(over, far(for_seconds=1.0)) == (Kill(2),)
    ended = service._replace(instances=(late._replace(is_gone=True, is_terminated=True),))
    assert plan(ended, far(for_seconds=1.0)) == (RecordGone(2, "its exit was not observed"),)


def test_a_manager_that_is_gone_without_a_word_is_reported() -> None:
    host = far(for_seconds=1.0, is_recorded_up=True)
    assert plan(a_service(0), host) == (ReportHostDown(FAR),)
