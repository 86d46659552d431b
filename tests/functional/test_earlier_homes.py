"""A home that an earlier odbctl has written: every command answers, and its services run."""

from __future__ import annotations

import pytest
from cli_runner import odbctl
from earlier_home import restore
from real_world import World

from odbctl.engine.model.core import Codebase
from odbctl.paths import Home

COMMANDS = [
    ("codebase show app", "/nowhere/app"),
    ("service status hello", "stopped"),
    ("service history hello", "superseded"),
    ("instance list --all", "hello-4"),
    ("why hello", "hello-4"),
    ("event list", "no longer wanted"),
    ("hook list", "note"),
    ("db types", "core.Service"),
    ("db check", "ok"),
]
# How `service status` of a stopped service ends.
NOT_RUNNING = 3


@pytest.mark.parametrize(("command", "said"), COMMANDS)
def test_command_shows_what_is_there(home: Home, command: str, said: str) -> None:
    restore(home)
    ran = odbctl(*command.split())
    assert said in ran.out, ran
    assert ran.code == (NOT_RUNNING if "status" in command else 0), ran


def test_service_starts_and_is_deployed(world: World) -> None:
    restore(world.home)
    world.commit("class Hello(ServiceBase):\n    pass\n", module="shop/hello")
    with world.engine.db.transaction():
        codebase = Codebase.lookup_one(name="app")
        codebase.location = codebase.tree = str(world.repo.path)
        codebase.commit = world.repo.head()
    world.start("hello")
    (first,) = world.wait_running("hello")
    assert first["id"] == "hello-5"
    assert world.deploy("hello") == 3
    world.settle("hello", release=3)
    (second,) = world.wait_running("hello")
    assert second["id"] == "hello-6"
    world.stop("hello")
