"""Plans of deploys: what one would change, told before it does; with real git and processes."""

from __future__ import annotations

import pytest
from real_world import World

from odbctl.engine.api import codebases, releases, services, status
from odbctl.engine.api.deploy_plan import list_service_refs, plan_deploy, plan_rollback
from odbctl.engine.model.states import CodebaseLock
from odbctl.errors import CodebaseError, ConflictError, NotFoundError, UsageError

FIRST = "class Svc(ServiceBase):\n    pass\n"
SECOND = "class Svc(ServiceBase):\n    second = True\n"


def test_the_refs_of_a_service_are_those_of_its_repository(world: World) -> None:
    world.service(FIRST)
    old = world.repo.head()
    new = world.commit(SECOND)
    world.repo.git("tag", "v1", old)
    found = {ref["name"]: ref for ref in list_service_refs(world.engine, "svc")}
    assert {name: ref["commit"] for name, ref in found.items()} == {"main": new, "v1": old}
    assert (found["v1"]["is_deployed"], found["main"]["is_deployed"]) == (True, False)
    with pytest.raises(NotFoundError):
        list_service_refs(world.engine, "none")


def test_a_plan_says_what_comes_and_changes_nothing(world: World) -> None:
    world.run(FIRST, count=2)
    old = world.repo.head()
    new = world.commit(SECOND)
    before = world.engine.db.last_commit()
    plan = plan_deploy(world.engine, "svc", "main")
    assert (plan["old"]["commit"], plan["new"]["commit"]) == (old, new)
    assert (plan["relation"], plan["coming_count"], plan["going_count"]) == ("ahead", 1, 0)
    assert [commit["commit"] for commit in plan["coming"]] == [new]
    assert [i["slot"] for i in plan["instances"]] == [0, 1]
    assert "2 new instances start while the old ones keep running" in plan["order"]
    assert "desired count 2" in plan["keeps"]
    assert plan["refusal"] is None
    assert plan["release"] == 2
    assert world.engine.db.last_commit() == before
    assert len(status.list_releases(world.engine, "svc")) == 1


def test_what_was_planned_is_what_is_deployed(world: World) -> None:
    world.run(FIRST)
    planned = world.commit(SECOND)
    plan = plan_deploy(world.engine, "svc", "main")
    world.commit(FIRST)
    with pytest.raises(ConflictError, match="has moved from commit"):
        releases.deploy_service(world.engine, "svc", "main", expected_commit=plan["new"]["commit"])
    assert len(status.list_releases(world.engine, "svc")) == 1
    releases.deploy_service(world.engine, "svc", planned, expected_commit=planned)
    assert len(status.list_releases(world.engine, "svc")) == 2


def test_going_back_is_planned_among_releases_that_ran(world: World) -> None:
    world.run(FIRST)
    old = world.repo.head()
    world.commit(SECOND)
    with pytest.raises(ConflictError, match="no earlier release"):
        plan_rollback(world.engine, "svc")
    world.settle(release=world.deploy())
    plan = plan_rollback(world.engine, "svc")
    assert (plan["to_release"], plan["new"]["commit"], plan["relation"]) == (1, old, "behind")
    assert (plan["coming_count"], plan["going_count"]) == (0, 1)
    assert plan_rollback(world.engine, "svc", number=1) == plan
    with pytest.raises(NotFoundError):
        plan_rollback(world.engine, "svc", number=9)


def test_an_added_codebase_can_be_switched_to(world: World) -> None:
    world.service(FIRST)
    plan = plan_deploy(world.engine, "svc", f"{world.repo.path.name}@main")
    assert plan["relation"] == "same"
    assert plan["order"] == ["release 1 has this commit already: nothing changes"]
    world.commit(SECOND)
    codebases.add_codebase(world.engine, "main", repo=str(world.repo.path))
    plan = plan_deploy(world.engine, "svc", f"{world.repo.path.name}@main")
    assert plan["relation"] == "ahead"
    assert plan["order"][0].startswith("the service is stopped")


def test_a_locked_service_says_so_in_its_plan(world: World) -> None:
    world.service(FIRST)
    services.set_lock(world.engine, "svc", CodebaseLock.LOCKED)
    assert plan_deploy(world.engine, "svc", "main")["refusal"] is None
    world.commit(SECOND)
    refusal = plan_deploy(world.engine, "svc", "main")["refusal"]
    assert refusal is not None
    assert "odbctl service prepare svc" in refusal


def test_a_singleton_goes_the_other_way_round(world: World) -> None:
    world.run(FIRST, singleton=True)
    world.commit(SECOND)
    assert plan_deploy(world.engine, "svc", "main")["order"][0] == (
        "singleton: the old instance stops first"
    )


def test_what_cannot_be_planned_is_told(world: World) -> None:
    world.service(FIRST)
    with pytest.raises(NotFoundError):
        plan_deploy(world.engine, "svc", "nowhere")
    with pytest.raises(UsageError):
        plan_deploy(world.engine, "svc", "a..b")
    with pytest.raises(CodebaseError, match="stopped"):
        plan_deploy(world.engine, "svc", "main", should_stop=lambda: True)
