"""The flows' and details' engine side, over a real home: real git, real processes."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from real_world import World
from waiting import eventually

from odbctl.engine.api.documents import InstanceDocument
from odbctl.errors import ConflictError, NotFoundError, PartlyDoneError
from odbctl.tui.detail_reading import EngineDetails, read_detail
from odbctl.tui.detail_rows import Presence, Question, Range, Tab
from odbctl.tui.flows.engine_flows import EngineFlows
from odbctl.tui.flows.menu import service_menu
from odbctl.tui.flows.orders import Order, OrderVerb
from odbctl.tui.flows.rows import RolloutView

FIRST = """
class Svc(ServiceBase):
    def initialize(self):
        print("version 1")
"""
SECOND = FIRST.replace("version 1", "version 2")
FAILS = """
class Svc(ServiceBase):
    def initialize(self):
        raise RuntimeError("no such table")
"""


def ignore(_text: str) -> None:
    pass


def never() -> bool:
    return False


def watched(
    flows: EngineFlows, release: int, is_there: Callable[[RolloutView], bool]
) -> RolloutView:
    """Watch a rollout until it is as wanted."""
    with flows.watch("svc", release) as source:
        deadline = time.monotonic() + 20
        while not is_there(view := source.read()):
            assert time.monotonic() < deadline, view
            source.wait(0.2)
        return view


def test_a_deploy_is_planned_carried_out_and_watched(world: World) -> None:
    world.run(FIRST, count=2)
    new = world.commit(SECOND)
    flows = EngineFlows(world.home)
    refs = flows.refs("svc", is_fresh=False, tell=ignore, should_stop=never)
    assert [(ref.key, ref.commit, ref.is_deployed) for ref in refs] == [("main", new, False)]
    plan = flows.plan_deploy("svc", "main", tell=ignore, should_stop=never)
    assert (plan.relation, len(plan.commits), len(plan.instances)) == ("ahead", 1, 2)
    number = flows.carry_out(plan, tell=ignore)
    assert number == plan.release
    view = watched(flows, number, lambda v: v.is_over and len(v.logs) == 2)
    assert (view.outcome, view.ready_count, view.old_count) == ("active", 2, 0)
    assert {row.text for row in view.logs} == {"version 2"}
    back = flows.plan_rollback("svc", 1, should_stop=never)
    assert (back.relation, back.to_release, back.commits[0].sign) == ("behind", 1, "-")
    watched(flows, flows.carry_out(back, tell=ignore), lambda v: v.is_over and not v.old_count)
    eventually(lambda: world.texts() == ["version 1", "version 1"])


def test_a_plan_that_is_no_longer_true_is_refused(world: World) -> None:
    world.run(FIRST)
    world.commit(SECOND)
    flows = EngineFlows(world.home)
    plan = flows.plan_deploy("svc", "main", tell=ignore, should_stop=never)
    world.commit(FAILS)
    with pytest.raises(ConflictError):
        flows.carry_out(plan, tell=ignore)
    assert [row.number for row in flows.releases("svc")] == [1]


def test_a_failed_rollout_says_why_and_what_goes_on(world: World) -> None:
    world.run(FIRST)
    world.commit(FAILS)
    flows = EngineFlows(world.home)
    number = flows.carry_out(
        flows.plan_deploy("svc", "main", tell=ignore, should_stop=never), tell=ignore
    )
    view = watched(flows, number, lambda v: v.is_over)
    assert view.outcome == "failed"
    assert "no such table" in view.reason
    assert view.old_count == 1


def test_orders_are_done_one_by_one(world: World) -> None:
    world.run(FIRST, count=2)
    world.another("other")
    flows = EngineFlows(world.home)
    locked = flows.perform(Order(verb=OrderVerb.LOCK, targets=("svc", "other")), tell=ignore)
    assert locked.startswith("2 done")
    refusals = {item.key: item.refusal for item in service_menu(flows.facts("svc"))}
    assert "locked" in refusals["deploy"]
    with pytest.raises(PartlyDoneError, match="1 of 2 done; no service 'none'"):
        flows.perform(Order(verb=OrderVerb.UNLOCK, targets=("svc", "none")), tell=ignore)
    with pytest.raises(NotFoundError):
        flows.perform(Order(verb=OrderVerb.RESET, targets=("none",)), tell=ignore)
    old = world.ready()
    names = tuple(i["id"] for i in old)
    flows.perform(Order(verb=OrderVerb.KILL_INSTANCE, targets=names), tell=ignore)
    eventually(lambda: len(_others(world, old)) == 2, timeout_seconds=20)
    flows.perform(Order(verb=OrderVerb.SCALE, targets=("svc",), count=1), tell=ignore)
    world.wait(lambda: len(world.ready()) == 1)
    flows.perform(Order(verb=OrderVerb.STOP, targets=("svc",)), tell=ignore)
    flows.perform(Order(verb=OrderVerb.REMOVE, targets=("svc",)), tell=ignore)
    question = Question(service="svc")
    eventually(
        lambda: read_detail(world.engine, question, now=time.time()).presence is Presence.REMOVED
    )


def _others(world: World, old: list[InstanceDocument]) -> list[InstanceDocument]:
    pids = {i["pid"] for i in old}
    return [i for i in world.ready() if i["pid"] not in pids]


def test_details_of_a_service_and_an_instance(world: World) -> None:
    (instance,) = world.run(FIRST, memory_limit="4G", env={"TOKEN": "hunter2"})
    with EngineDetails(world.home).open() as source:
        summary = source.read(Question(service="svc"))
        assert summary.presence is Presence.HERE
        assert "1 desired, 1 running" in summary.why[0]
        assert [row.key for row in summary.instances] == [instance["id"]]
        assert {group.title for group in summary.groups} == {"runs", "limits", "probes", "counters"}
        assert source.read(Question(service="svc", tab=Tab.EVENTS)).events
        config = source.read(Question(service="svc", tab=Tab.CONFIG))
        assert config.env_names == ("TOKEN",)
        assert "hunter2" not in repr(config)
        releases = source.read(Question(service="svc", tab=Tab.RELEASES)).releases
        assert [row.outcome for row in releases] == ["active"]
        metrics = source.read(Question(service="svc", tab=Tab.METRICS, range=Range.DAY)).metrics
        assert metrics is not None
        assert [series.instance for series in metrics.series] == [instance["id"]]
        assert metrics.memory_limit == 4 * 2**30
        one = source.read(Question(service="svc", instance=instance["id"]))
        assert "is running" in one.why[0]
        assert one.counts == "of svc, slot 0"


def test_what_is_gone_leaves_its_events(world: World) -> None:
    world.service(FIRST)
    EngineFlows(world.home).perform(Order(verb=OrderVerb.REMOVE, targets=("svc",)), tell=ignore)
    gone = read_detail(world.engine, Question(service="svc", tab=Tab.EVENTS), now=time.time())
    assert gone.presence is Presence.REMOVED
    assert "removed" in [row.reason for row in gone.events]
    never_was = read_detail(world.engine, Question(service="none"), now=time.time())
    assert never_was.presence is Presence.UNKNOWN
