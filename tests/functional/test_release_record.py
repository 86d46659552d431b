"""The record of releases: the ref that was typed, what was done, by whom, and what changed."""

from __future__ import annotations

import pytest
from cli_runner import succeed
from real_world import World

from odbctl.engine.api import codebases, creation, releases, status
from odbctl.engine.api.documents import ReleaseDocument
from odbctl.engine.api.lookups import actor, find_codebase
from odbctl.engine.api.status import newest_releases
from odbctl.engine.api.why import why
from odbctl.engine.model.core import Codebase, Release
from odbctl.errors import ConflictError, NotFoundError
from odbctl.tui.detail_paint import release_lines
from odbctl.tui.resource_cells import release_cells
from odbctl.tui.resource_rows import release_rows

CONFIGURED = """
from dataclasses import dataclass

class Svc(ServiceBase):
    @dataclass
    class Config:
        greeting: str = "Hello"
        api_token: str = ""
"""
SECOND = CONFIGURED + "    second = True\n"


def add(world: World, ref: str) -> None:
    codebases.add_codebase(world.engine, ref, repo=str(world.repo.path))


def newest(world: World) -> ReleaseDocument:
    return status.list_releases(world.engine, "svc")[-1]


def test_a_release_keeps_the_ref_that_was_typed(world: World) -> None:
    world.service(CONFIGURED)
    world.commit(SECOND)
    world.repo.git("tag", "v1.1")
    world.deploy(ref="v1.1")
    add(world, "HEAD")
    assert newest(world)["ref"] == "v1.1"
    assert newest(world)["codebase"]["ref"] == "v1.1"
    assert world.status()["codebase"] == newest(world)["codebase"]
    releases.configure_service(world.engine, "svc", words=("greeting=Ahoy",))
    assert newest(world)["ref"] == "v1.1"
    assert "v1.1@" in succeed("service", "history", "svc").out


def test_a_codebase_is_found_under_every_ref(world: World) -> None:
    world.service(CONFIGURED)
    world.repo.git("tag", "v1.1")
    world.repo.git("tag", "v1.2")
    for ref in ("v1.1", "v1.2", "HEAD", "v1.1"):
        add(world, ref)
    refs = ["main", "v1.1", "v1.2", "HEAD"]
    for ref in refs:
        shown = codebases.show_codebase(world.engine, f"app@{ref}")
        assert (shown["ref"], shown["refs"]) == ("main", refs)
    assert "main, v1.1, v1.2, HEAD" in succeed("codebase", "list").out
    with pytest.raises(NotFoundError) as caught:
        codebases.show_codebase(world.engine, "app@v1.3")
    assert "app@v1.2" in caught.value.near


def test_a_ref_means_the_commit_that_was_last_added_under_it(world: World) -> None:
    world.service(CONFIGURED)
    old = world.repo.head()
    new = world.commit(SECOND)
    add(world, "main")
    assert codebases.show_codebase(world.engine, "app@main")["commit"] == new
    world.repo.git("reset", "--hard", "--quiet", old)
    add(world, "main")
    assert codebases.show_codebase(world.engine, "app@main")["commit"] == old
    assert codebases.show_codebase(world.engine, "app")["commit"] == old
    assert codebases.show_codebase(world.engine, f"app@{new[:8]}")["commit"] == new


def test_history_says_what_each_release_was(world: World) -> None:
    world.service(CONFIGURED)
    first = world.repo.head()
    second = world.commit(SECOND)
    world.deploy()
    releases.configure_service(world.engine, "svc", words=("greeting=Ahoy",))
    releases.rollback_service(world.engine, "svc", number=1)
    record = status.list_releases(world.engine, "svc")
    assert [(r["action"], r["rolled_back_to"]) for r in record] == [
        ("create", None),
        ("deploy", None),
        ("configure", None),
        ("rollback", 1),
    ]
    assert [r["changes"] for r in record] == [
        [],
        [f"commit {second[:12]}"],
        ["greeting=Ahoy"],
        [f"commit {first[:12]}", "greeting unset"],
    ]
    assert {r["actor"] for r in record} == {actor()}
    assert {r["ref"] for r in record} == {"main"}
    out = succeed("service", "history", "svc").out
    assert "rollback to 1" in out
    assert "greeting=Ahoy" in out


def test_a_restart_is_recorded_as_a_restart(world: World) -> None:
    world.run(CONFIGURED)
    releases.restart_service(world.engine, "svc")
    assert (newest(world)["action"], newest(world)["changes"]) == ("restart", [])


def test_create_records_the_ref_that_was_typed(world: World) -> None:
    world.service(CONFIGURED)
    world.repo.git("tag", "v1.1")
    add(world, "v1.1")
    options = creation.ServiceOptions()
    for name, spec in (("plain", "app"), ("named", "app@main"), ("tagged", "app@v1.1")):
        creation.create_service(
            world.engine, name, class_spec="svc:Svc", codebase=spec, options=options
        )
    typed = {
        name: status.list_releases(world.engine, name)[0]["ref"]
        for name in ("plain", "named", "tagged")
    }
    assert typed == {"plain": "v1.1", "named": "main", "tagged": "v1.1"}


def test_secret_values_stay_out_of_the_record(world: World) -> None:
    world.service(CONFIGURED)
    releases.configure_service(
        world.engine,
        "svc",
        words=("api_token=tiger", "greeting=https://ann:tiger@example.org/"),
        env={"MODE": "lion"},
    )
    masked = "greeting=https://ann:********@example.org/"
    assert newest(world)["changes"] == ["api_token", masked, "env MODE"]
    assert not [e for e in world.events() if "tiger" in e["message"] or "lion" in e["message"]]


def test_events_and_why_name_action_and_actor(world: World) -> None:
    world.service(CONFIGURED)
    releases.configure_service(world.engine, "svc", words=("greeting=Ahoy",))
    event = world.events()[-1]
    commit = world.repo.head()[:12]
    text = f"release 2 (configure): main is commit {commit}; greeting=Ahoy"
    assert (event["reason"], event["message"], event["actor"]) == ("deploying", text, actor())
    (line,) = (line for line in why(world.engine, "svc")["lines"] if "release 2" in line)
    assert line == (
        f"release 2 (configure) by {actor()} is active: main is commit {commit}; greeting=Ahoy"
    )


def test_dashboard_shows_action_and_changes(world: World) -> None:
    world.service(CONFIGURED)
    releases.configure_service(world.engine, "svc", words=("greeting=Ahoy",))
    releases.rollback_service(world.engine, "svc", number=1)
    row = release_rows(newest_releases(world.engine))[0]
    cells = release_cells(row, 0.0)
    assert (cells["ACTION"].text, cells["CHANGES"].text) == ("rollback to 1", "greeting unset")
    text = " ".join(cell.text for line in release_lines(row) for cell in line)
    assert "rollback to 1" in text
    assert "greeting unset" in text


def test_a_home_of_an_earlier_version_keeps_its_refs(world: World) -> None:
    world.service(CONFIGURED)

    def forget() -> None:
        Codebase.lookup_one(name="app").ref_added_at = {}
        release = Release.lookup_all()[0]
        release.ref, release.action = "", None

    world.engine.db.run(forget)
    assert (newest(world)["ref"], newest(world)["action"]) == ("main", None)
    world.repo.git("tag", "v1.1")
    add(world, "v1.1")
    with world.engine.db.view():
        assert find_codebase("app@main").refs == ["main", "v1.1"]
    assert newest(world)["ref"] == "main"
    assert succeed("service", "history", "svc").out


def test_history_outlives_the_codebase_that_it_tells_of(world: World) -> None:
    world.run(CONFIGURED)
    first = world.repo.head()
    world.commit(SECOND)
    world.settle(release=world.deploy())
    world.wait_ended("svc-1")
    codebases.remove_codebase(world.engine, f"app@{first[:12]}")
    old = status.list_releases(world.engine, "svc")[0]
    assert old["codebase"] == {"name": "app", "ref": "main", "commit": first}
    assert newest_releases(world.engine)
    assert world.instance("svc-1")["commit"] == first
    with pytest.raises(ConflictError, match="was removed") as caught:
        releases.rollback_service(world.engine, "svc", number=1)
    assert caught.value.hint == f"odbctl service deploy svc {first[:12]}"
    with pytest.raises(ConflictError, match="no earlier release"):
        releases.rollback_service(world.engine, "svc")
    assert succeed("service", "deploy", "svc", first[:12], "--settle", "0").out
