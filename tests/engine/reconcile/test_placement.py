"""Placement: who takes an instance, and what is short when nobody can."""

from __future__ import annotations

import pytest
from builders import HOST, NOW, HostFields, ServiceFields, a_host, a_service, a_world, an_instance

from odbctl.engine.model.states import InstanceState
from odbctl.engine.reconcile.actions import Action, Boot, ReportShortage
from odbctl.engine.reconcile.plan import plan_world
from odbctl.engine.reconcile.snapshot import HostSnapshot, ServiceSnapshot


def moves(*services: ServiceSnapshot, hosts: tuple[HostSnapshot, ...]) -> list[Action]:
    return list(plan_world(a_world(*services, hosts=hosts), now=NOW).actions)


def boots(actions: list[Action]) -> list[tuple[int, int]]:
    """Return (service, host) of each boot."""
    return [(a.service, a.host) for a in actions if isinstance(a, Boot)]


@pytest.mark.parametrize(
    ("wants", "offers", "shortage"),
    [
        ({"cores": 2.0}, {"cores": 1.5}, "main: needs 2 cores, 1.5 of 1.5 free"),
        ({"ram_gb": 4.0}, {"ram_gb": 2.0}, "main: needs 4 GB of RAM, 2 of 2 free"),
        (
            {"cores": 2.0, "ram_gb": 4.0},
            {"cores": 1.0, "ram_gb": 1.0},
            "main: needs 2 cores, 1 of 1 free",
        ),
        ({}, {"max_instances": 0}, "main: its limit of 0 instances is reached"),
        ({}, {"is_draining": True}, "main: it is draining"),
        ({}, {"is_up": False}, "main: its manager is down"),
        ({"placement": "Gpu"}, {}, "main: its placement group is Master, not Gpu"),
    ],
)
def test_says_what_is_short(wants: ServiceFields, offers: HostFields, shortage: str) -> None:
    actions = moves(a_service(1, **wants), hosts=(a_host(**offers),))
    assert actions == [ReportShortage(1, 1, shortage)]


@pytest.mark.parametrize(
    ("wants", "offers"),
    [
        ({"cores": 64.0, "ram_gb": 512.0}, {}),
        ({"cores": 0.1 + 0.2}, {"cores": 0.3}),
        ({}, {"cores": 1.0, "ram_gb": 1.0}),
        ({"placement": "Any"}, {"placement": "Gpu"}),
        ({"placement": "Gpu"}, {"placement": "Gpu"}),
        ({}, {"max_instances": 1}),
    ],
)
def test_places_what_fits(wants: ServiceFields, offers: HostFields) -> None:
    actions = moves(a_service(1, **wants), hosts=(a_host(**offers),))
    assert boots(actions) == [(1, HOST)]


def test_says_so_where_there_is_no_host() -> None:
    assert moves(a_service(2), hosts=()) == [ReportShortage(1, 2, "no host")]


def test_names_each_host_and_its_reason() -> None:
    hosts = (a_host("b", id=2, is_draining=True), a_host("a", id=1, cores=1.0))
    (report,) = moves(a_service(1, cores=2.0), hosts=hosts)
    assert report == ReportShortage(1, 1, "a: needs 2 cores, 1 of 1 free; b: it is draining")


def test_places_as_many_as_fit_and_reports_the_rest() -> None:
    actions = moves(a_service(5, cores=1.0), hosts=(a_host(cores=2.0),))
    assert len(boots(actions)) == 2
    assert ReportShortage(1, 3, "main: needs 1 cores, 0 of 2 free") in actions


def test_two_services_do_not_both_take_the_last_core() -> None:
    first, second = (a_service(1, id=n, name=f"s{n}", cores=1.0) for n in (1, 2))
    actions = moves(first, second, hosts=(a_host(cores=1.0),))
    assert boots(actions) == [(1, HOST)]
    assert ReportShortage(2, 1, "main: needs 1 cores, 0 of 1 free") in actions


@pytest.mark.parametrize(
    ("state", "is_placed"),
    [
        (InstanceState.RUNNING, False),
        (InstanceState.STOPPING, False),
        (InstanceState.CRASHED, True),
    ],
)
def test_what_lives_holds_its_cores(state: InstanceState, is_placed: bool) -> None:
    holder = a_service(1, an_instance(100, 0, state), id=2, name="holder", cores=1.0)
    holder = holder._replace(desired_count=0)
    actions = moves(holder, a_service(1, cores=1.0), hosts=(a_host(cores=1.0),))
    assert bool(boots(actions)) is is_placed


def test_spreads_over_the_hosts_with_the_fewest() -> None:
    hosts = (a_host("a", id=1), a_host("b", id=2))
    running = [an_instance(100 + slot, slot, host=1) for slot in range(2)]
    actions = moves(a_service(5, *running), hosts=hosts)
    assert boots(actions) == [(1, 2), (1, 2), (1, 1)]


def test_reports_a_shortage_once() -> None:
    known = a_service(1, unplaceable_count=1, shortage="no host")
    assert moves(known, hosts=()) == []


def test_takes_a_shortage_back_when_there_is_room() -> None:
    actions = moves(a_service(1, unplaceable_count=1, shortage="no host"), hosts=(a_host(),))
    assert ReportShortage(1, 0, None) in actions
    assert boots(actions) == [(1, HOST)]


def test_keeps_what_runs_on_a_draining_or_lost_host() -> None:
    for host in (a_host(is_draining=True), a_host(is_up=False)):
        assert moves(a_service(1, an_instance(100)), hosts=(host,)) == []


def test_keeps_what_runs_on_a_host_that_is_no_longer_known() -> None:
    assert moves(a_service(1, an_instance(100, host=99)), hosts=(a_host(),)) == []
