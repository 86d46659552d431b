"""Workers that are killed leave nothing in the run directory."""

from __future__ import annotations

import os

from real_world import World, is_running, kill
from waiting import eventually


def names(world: World) -> list[str]:
    return sorted(os.listdir(world.home.run / "w"))


def test_the_socket_of_a_killed_worker_is_removed(world: World) -> None:
    (found,) = world.run()
    (before,) = names(world)
    kill(found["pid"])
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])
    eventually(lambda: before not in names(world))
    assert len(names(world)) == 1


def test_what_was_left_while_no_manager_ran_is_removed_by_the_next(world: World) -> None:
    (found,) = world.run()
    manager, (before,) = world.manager_pid(), names(world)
    for pid in (manager, *world.launcher_pids(), found["pid"]):
        kill(pid)
    eventually(lambda: not any(is_running(p) for p in (manager, found["pid"])))
    for name in ("fffffff", "fffffff.exit", "fffffff.exit~"):  # of an instance that is forgotten
        (world.home.run / "w" / name).touch()
    assert before in names(world)
    world.manager()
    world.wait(lambda: [i["id"] for i in world.ready()] == ["svc-2"])
    eventually(lambda: len(names(world)) == 1)
    assert before not in names(world)
