"""Workers and their sockets: a run folder that others can use is noticed by each worker."""

from __future__ import annotations

from real_world import World, kill

RUNS = """
class Svc(ServiceBase):
    def do_work(self, should_stop):
        should_stop.wait()
"""


def test_a_worker_does_not_start_in_a_run_folder_that_is_open_to_others(world: World) -> None:
    world.run(RUNS)
    first = world.wait_running()[0]
    run = world.engine.home.run
    run.chmod(0o777)
    try:
        kill(first["pid"])
        world.wait(lambda: any("other users can access it" in str(i) for i in world.instances()))
    finally:
        run.chmod(0o700)
    world.wait_running()
