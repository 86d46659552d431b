"""A stop imports little: the workers that end need the processor at the same time."""

from __future__ import annotations

from imported import loaded_modules
from real_world import World

IDLE = """
class Svc(ServiceBase):
    pass
"""
HEAVY = frozenset({"dataclasses", "inspect", "pathlib", "socket", "subprocess"})
OF_OTHER_WORK = frozenset({"odbctl.engine.api.logs", "odbctl.engine.api.managers"})


def test_a_stop_loads_neither_logs_nor_what_starts_a_manager(world: World) -> None:
    world.run(IDLE)
    world.ready()
    loaded = loaded_modules("from odbctl.cli import main\nmain(['service', 'stop', 'svc'])")
    assert world.status()["state"] == "stopped"
    assert "odbctl.engine.odb.changes" in loaded
    assert not loaded & (HEAVY | OF_OTHER_WORK)
