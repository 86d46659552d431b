"""A deploy runs the repository, the commit and the interpreter that were asked for."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cli_runner import odbctl, succeed
from git_repos import GitRepo
from real_world import PRELUDE, World

from odbctl.engine.api import codebases, releases, services, status
from odbctl.engine.api.deploy_plan import plan_deploy
from odbctl.engine.api.lookups import find_service
from odbctl.engine.model.core import Codebase
from odbctl.engine.model.states import CodebaseLock
from odbctl.errors import CodebaseLockedError, ConflictError
from odbctl.tui.flows.engine_flows import EngineFlows

MINE = "class Svc(ServiceBase):\n    mine = True\n"
THEIRS = "class Svc(ServiceBase):\n    theirs = True\n"


@pytest.fixture
def namesake(tmp_path: Path) -> GitRepo:
    """Return another repository whose folder has the name of the world's."""
    repo = GitRepo.create(tmp_path / "elsewhere" / "app")
    repo.commit({"svc.py": PRELUDE + THEIRS})
    return repo


def running_codebase(world: World) -> Codebase:
    """Return the codebase of the newest release of svc. Needs an open view."""
    service = find_service("svc")
    release = service.candidate or service.release
    assert release is not None
    return release.codebase


def with_one_name(world: World, namesake: GitRepo) -> None:
    """Put a second repository under the name `app`, as earlier versions did."""
    codebases.add_codebase(world.engine, "main", repo=str(namesake.path), name="other")

    def rename() -> None:
        Codebase.lookup_one(name="other").name = "app"

    world.engine.db.run(rename)


def test_deploy_runs_the_services_own_repository(world: World, namesake: GitRepo) -> None:
    world.service(MINE)
    commit = world.commit(MINE + "    second = True\n")
    codebases.add_codebase(world.engine, "main", repo=str(world.repo.path))
    with_one_name(world, namesake)  # the newest `main` of that name
    releases.deploy_service(world.engine, "svc", "main")
    with world.engine.db.view():
        assert running_codebase(world).location == str(world.repo.path)
        assert running_codebase(world).commit == commit


def test_deploy_keeps_interpreter_and_source_root(world: World) -> None:
    world.service(MINE)
    world.commit(THEIRS)
    repo = str(world.repo.path)
    codebases.add_codebase(world.engine, "main", repo=repo)
    codebases.add_codebase(world.engine, "main", repo=repo, python=sys.executable, source_root=".")
    releases.deploy_service(world.engine, "svc", "main")
    with world.engine.db.view():
        assert (running_codebase(world).python, running_codebase(world).source_root) == (None, None)


def test_deploy_of_a_named_codebase_takes_its_interpreter(world: World) -> None:
    world.service(MINE)
    repo = str(world.repo.path)
    codebases.add_codebase(world.engine, "main", repo=repo, python=sys.executable)
    releases.deploy_service(world.engine, "svc", "app@main")
    with world.engine.db.view():
        assert running_codebase(world).python is not None


def test_second_repository_under_a_taken_name_is_refused(world: World, namesake: GitRepo) -> None:
    world.service(MINE)
    with pytest.raises(ConflictError, match="another repository") as caught:
        codebases.add_codebase(world.engine, "main", repo=str(namesake.path))
    assert str(world.repo.path) in caught.value.message
    hint = caught.value.hint or ""
    assert "--name app-2" in hint
    assert len(codebases.list_codebases(world.engine)) == 1
    succeed(*shlex.split(hint)[1:])  # the hint can be run as it stands
    assert [c["name"] for c in codebases.list_codebases(world.engine)] == ["app", "app-2"]


def test_names_shared_by_earlier_versions_take_new_commits(world: World, namesake: GitRepo) -> None:
    world.service(MINE)
    with_one_name(world, namesake)
    commit = namesake.commit({"svc.py": PRELUDE + MINE})
    change = codebases.add_codebase(world.engine, "main", repo=str(namesake.path))
    assert (change.action, change.document["commit"]) == ("created", commit)


def test_codebase_list_shows_the_repository(world: World) -> None:
    world.service(MINE)
    ran = odbctl("codebase", "list")
    assert "REPO" in ran.out.splitlines()[0]
    assert str(world.repo.path) in ran.out


def test_dashboard_deploys_the_named_codebase(world: World, namesake: GitRepo) -> None:
    world.service(MINE)
    codebases.add_codebase(world.engine, "main", repo=str(namesake.path), name="other")
    flows = EngineFlows(world.home)
    plan = flows.plan_deploy("svc", "other@main", tell=lambda _: None, should_stop=lambda: False)
    assert plan.new_commit == namesake.head()
    flows.carry_out(plan, tell=lambda _: None)
    with world.engine.db.view():
        assert running_codebase(world).location == str(namesake.path)


def test_dashboard_refuses_a_plan_of_another_commit(world: World) -> None:
    world.service(MINE)
    flows = EngineFlows(world.home)
    plan = flows.plan_deploy("svc", "main", tell=lambda _: None, should_stop=lambda: False)
    with pytest.raises(ConflictError, match="has moved from commit"):
        flows.carry_out(replace(plan, new_commit="0" * 40), tell=lambda _: None)
    assert len(status.list_releases(world.engine, "svc")) == 1


def test_plan_says_that_a_lock_refuses_another_interpreter(world: World) -> None:
    world.service(MINE)
    services.set_lock(world.engine, "svc", CodebaseLock.LOCKED)
    repo = str(world.repo.path)
    codebases.add_codebase(world.engine, "main", repo=repo, python=sys.executable)
    assert plan_deploy(world.engine, "svc", "main")["refusal"] is None
    assert plan_deploy(world.engine, "svc", "app@main")["refusal"] is not None
    with pytest.raises(CodebaseLockedError):
        releases.deploy_service(world.engine, "svc", "app@main")
