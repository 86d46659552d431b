"""What deploy, rollback and configure answer: commit and release, and when nothing changes."""

from __future__ import annotations

import pytest
from cli_runner import odbctl, succeed
from real_world import World

from odbctl.engine.api import releases, status
from odbctl.errors import UsageError

FIRST = """
from dataclasses import dataclass

class Svc(ServiceBase):
    @dataclass
    class Config:
        greeting: str = "Hello"
        api_token: str = ""
"""
SECOND = FIRST + "    second = True\n"


def release_count(world: World) -> int:
    return len(status.list_releases(world.engine, "svc"))


def test_services_that_start_together_are_told_by_name(world: World) -> None:
    world.service()
    world.another("other")
    ran = succeed("service", "start", "svc", "other")
    assert ran.out.splitlines() == [
        "started service svc: 1/1 running",
        "started service other: 1/1 running",
    ]


def test_deploy_of_the_running_commit_does_nothing(world: World) -> None:
    (old,) = world.run(FIRST)
    ran = succeed("service", "deploy", "svc", "main")
    commit = world.repo.head()[:12]
    assert ran.out.startswith(f"unchanged: service svc: release 1, main is commit {commit}")
    assert "--force" in ran.out
    assert release_count(world) == 1
    assert [i["pid"] for i in world.ready()] == [old["pid"]]
    world.repo.git("tag", "v1")
    assert succeed("service", "deploy", "svc", "v1", "--json").json["action"] == "unchanged"


def test_deploy_with_force_replaces_the_instances(world: World) -> None:
    (old,) = world.run(FIRST)
    ran = succeed("service", "deploy", "svc", "main", "--force", "--settle", "0")
    assert ran.out.startswith("deployed service svc: release 2, main is commit ")
    (new,) = world.wait_running()
    assert new["pid"] != old["pid"]


def test_deploy_after_a_failed_one_tries_the_commit_again(world: World) -> None:
    world.run(FIRST)
    world.commit("class Svc(ServiceBase):\n    def initialize(self):\n        raise ValueError\n")
    failed = odbctl("service", "deploy", "svc", "main")
    assert failed.code == 1
    assert "svc: release 2 failed; release 1 running 1/1\n" in failed.err
    assert "svc: running" not in failed.err
    assert odbctl("service", "deploy", "svc", "main").code == 1
    assert [r["outcome"] for r in status.list_releases(world.engine, "svc")] == [
        "active",
        "failed",
        "failed",
    ]


@pytest.mark.parametrize("more", [(), ("--no-wait",)])
def test_answers_name_commit_and_release(world: World, more: tuple[str, ...]) -> None:
    world.service(FIRST)
    first, second = world.repo.head()[:12], world.commit(SECOND)[:12]
    state = "" if more else "; stopped"
    deployed = succeed("service", "deploy", "svc", "main", *more).out
    assert deployed == f"deployed service svc: release 2, main is commit {second}{state}\n"
    configured = succeed("service", "configure", "svc", "greeting=Ahoy", *more).out
    assert configured == (
        f"configured service svc: release 3, main is commit {second}; greeting=Ahoy{state}\n"
    )
    back = succeed("service", "rollback", "svc", "1", *more).out
    assert back == (
        "rolled back service svc to release 1: "
        f"release 4, main is commit {first}; greeting unset{state}\n"
    )


def test_deploy_notes_uncommitted_changes(world: World) -> None:
    world.service(FIRST)
    world.commit(SECOND)
    world.repo.write({"svc.py": "changed"})
    ran = succeed("service", "deploy", "svc", "main")
    assert "note: 1 changed file is not in commit" in ran.err
    again = succeed("service", "deploy", "svc", "main", "--json")
    assert again.json["action"] == "unchanged"
    assert "not in commit" in again.json["notes"][0]


def test_configure_without_values_changes_nothing_and_says_how(world: World) -> None:
    world.service(FIRST)
    releases.configure_service(
        world.engine, "svc", words=("greeting=Ahoy", "api_token=tiger"), env={"MODE": "lion"}
    )
    ran = odbctl("service", "configure", "svc")
    assert ran.code == 2
    assert "greeting=Ahoy, api_token, env MODE" in ran.err
    assert "odbctl service configure svc greeting=VALUE" in ran.err
    assert "tiger" not in ran.err + ran.out
    assert release_count(world) == 2
    with pytest.raises(UsageError, match="no value was given"):
        releases.configure_service(world.engine, "svc")


def test_configure_with_the_values_it_has_changes_nothing(world: World) -> None:
    world.service(FIRST)
    for action in ("configured", "unchanged"):
        words = ("svc", "greeting=Ahoy", "--env", "MODE=test", "--json")
        assert succeed("service", "configure", *words).json["action"] == action
    assert release_count(world) == 2
